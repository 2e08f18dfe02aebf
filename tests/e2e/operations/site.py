"""One address for many operations: GraphQL by Strawberry at /graphql, JSON-RPC by jsonrpcserver at /rpc, in one
session of Django."""

import secrets
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
import jsonrpcserver
import strawberry
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from strawberry.django.views import GraphQLView
from strawberry.schema.config import StrawberryConfig

PASSWORD = "App-pass-1!"

settings.configure(
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=secrets.token_hex(),
    SESSION_COOKIE_NAME="sid",
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
)
django.setup()


def log_in(request, user, password):
    if password != PASSWORD:
        return None
    request.session.cycle_key()
    request.session["user"] = user
    return user


def act(request):
    return f"done for {request.session.get('user')}"


@strawberry.type
class Login:
    name: str | None
    message: str | None


@strawberry.type
class Query:
    @strawberry.field
    def me(self, info: strawberry.Info) -> str | None:
        return info.context.request.session.get("user")


@strawberry.type
class Mutation:
    @strawberry.mutation
    def login(self, info: strawberry.Info, user: str, password: str) -> Login:
        name = log_in(info.context.request, user, password)
        return Login(name=name, message=None if name else "wrong password")

    @strawberry.mutation
    def logout(self, info: strawberry.Info) -> bool:
        info.context.request.session.flush()
        return True

    @strawberry.mutation
    def delete_user(self, info: strawberry.Info, name: str) -> str:
        return act(info.context.request)


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    config=StrawberryConfig(batching_config={"max_operations": 10}),
)


@jsonrpcserver.method(name="login")
def rpc_login(request, user, password):
    if name := log_in(request, user, password):
        return jsonrpcserver.Success({"uid": name})
    return jsonrpcserver.Error(100, "Access denied")


@jsonrpcserver.method(name="logout")
def rpc_logout(request):
    request.session.flush()
    return jsonrpcserver.Success(True)


@jsonrpcserver.method(name="user.delete")
def rpc_delete(request, **_):
    return jsonrpcserver.Success(act(request))


@csrf_exempt
def rpc(request):
    answer = jsonrpcserver.dispatch(request.body.decode(), context=request)
    return HttpResponse(answer, content_type="application/json")


urlpatterns = [
    path("graphql", csrf_exempt(GraphQLView.as_view(schema=schema, graphql_ide=None, multipart_uploads_enabled=True))),
    path("rpc", rpc),
    path("act", csrf_exempt(lambda request: HttpResponse(act(request)))),
    path("login", lambda request: HttpResponse("Who are you?")),
    path("me", lambda request: JsonResponse({"name": request.session.get("user")})),
]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
print(f"ready {server.server_port}", flush=True)
server.serve_forever()
