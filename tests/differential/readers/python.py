"""Reads cookies, paths and parameters as Python's frameworks and servers do.

Asked on standard input, answers on standard output, a line each; see `../readers.rs` for the words.
"""

import asyncio
import http.cookies
import io
import logging
import sys
import urllib.parse
from importlib import metadata
from unittest import mock

import django
import httptools
import webob
import webob.cookies
import webob.multidict
import werkzeug.exceptions
from aiohttp import StreamReader, web_urldispatcher
from aiohttp._cookie_helpers import parse_cookie_header
from aiohttp.test_utils import make_mocked_request
from django.conf import settings
from gunicorn.http.message import split_request_uri
from starlette.requests import Request as StarletteRequest, cookie_parser
from starlette.routing import Match, Route
from tornado import httputil as tornado_httputil
from tornado import web as tornado_web
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request as WerkzeugRequest
from yarl import URL

logging.disable(logging.CRITICAL)
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, DEFAULT_CHARSET="utf-8")
django.setup()

from django.core.handlers.asgi import ASGIRequest  # noqa: E402  (wants settings)
from django.core.handlers.wsgi import WSGIRequest  # noqa: E402
from django.urls import Resolver404, path, resolve  # noqa: E402

# The routes that `../paths.rs` guards, in each router's own words; named as the other readers name them.
ADMIN, USER, DRAFT = "/admin/delete", "/users/:user/delete", "/users/me/draft"

urlpatterns = [
    path("admin/delete", lambda request: None, name=ADMIN),
    path("users/<user>/delete", lambda request, user: None, name=USER),
    path("users/me/draft", lambda request: None, name=DRAFT),
]
WERKZEUG = Map([
    Rule("/admin/delete", endpoint=ADMIN),
    Rule("/users/<user>/delete", endpoint=USER),
    Rule("/users/me/draft", endpoint=DRAFT),
]).bind("h")
STARLETTE = [
    Route("/admin/delete", lambda request: None, name=ADMIN),
    Route("/users/{user}/delete", lambda request: None, name=USER),
    Route("/users/me/draft", lambda request: None, name=DRAFT),
]
TORNADO = {
    ADMIN: tornado_web.URLSpec(r"/admin/delete", tornado_web.RequestHandler),
    USER: tornado_web.URLSpec(r"/users/(?P<user>[^/]+)/delete", tornado_web.RequestHandler),
    DRAFT: tornado_web.URLSpec(r"/users/me/draft", tornado_web.RequestHandler),
}
AIOHTTP = web_urldispatcher.UrlDispatcher()
AIOHTTP_ROUTES = {
    ADMIN: AIOHTTP.add_resource("/admin/delete"),
    USER: AIOHTTP.add_resource("/users/{user}/delete"),
    DRAFT: AIOHTTP.add_resource("/users/me/draft"),
}


def latin1(raw):
    """A header or path as WSGI servers hand it on: each byte a character (PEP 3333)."""
    return raw.decode("latin-1")


def environ(**given):
    """What a WSGI server tells an application."""
    return {"REQUEST_METHOD": "POST", "SERVER_NAME": "h", "SERVER_PORT": "80", "SCRIPT_NAME": "",
            "PATH_INFO": "/", "QUERY_STRING": "", "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(b""), **given}


def one(values):
    """A look-up that knows a single value."""
    return [] if values is None else [values]


# Cookies.

def simple_cookie(line, name):
    found = http.cookies.SimpleCookie(latin1(line))
    return one(found[name].value if name in found else None)


def aiohttp_cookie(line, name):
    """As `aiohttp.web.BaseRequest.cookies`: the last of a name counts."""
    found = dict(parse_cookie_header(latin1(line)))
    return one(found[name].value if name in found else None)


def asgi_request(line=b"", raw_path=b"/", query=b""):
    scope = {"type": "http", "method": "POST", "path": raw_path.decode("utf-8", "replace"),
             "query_string": query, "headers": [(b"cookie", line), (b"host", b"h")]}
    return ASGIRequest(scope, io.BytesIO(b""))


COOKIES = {
    "http.cookies": simple_cookie,
    "django": lambda line, name: one(WSGIRequest(environ(HTTP_COOKIE=latin1(line))).COOKIES.get(name)),
    "django-asgi": lambda line, name: one(asgi_request(line).COOKIES.get(name)),
    "werkzeug": lambda line, name: WerkzeugRequest(environ(HTTP_COOKIE=latin1(line))).cookies.getlist(name),
    "starlette": lambda line, name: one(cookie_parser(latin1(line)).get(name)),
    "webob": lambda line, name: one(webob.Request(environ(HTTP_COOKIE=latin1(line))).cookies.get(name)),
    "tornado": lambda line, name: one(tornado_httputil.parse_cookie(latin1(line)).get(name)),
    "aiohttp": aiohttp_cookie,
}


# Paths.

def gunicorn_environ(target):
    """PATH_INFO as gunicorn makes it (gunicorn/http/wsgi.py)."""
    parts = split_request_uri(latin1(target))
    return environ(PATH_INFO=latin1(urllib.parse.unquote_to_bytes((parts.path or "").encode("latin-1"))),
                   QUERY_STRING=parts.query or "")


def uvicorn_path(target):
    return urllib.parse.unquote(httptools.parse_url(target).path.decode("ascii"))


def django_route(target):
    try:
        found = resolve(WSGIRequest(gunicorn_environ(target)).path_info)
    except Resolver404:
        return []
    return [found.url_name]


def werkzeug_route(target):
    # A redirect makes the client come again, and is no answer yet.
    try:
        name, _ = WERKZEUG.match(WerkzeugRequest(gunicorn_environ(target)).path)
    except werkzeug.exceptions.HTTPException:
        return []
    return [name]


def starlette_route(target):
    scope = {"type": "http", "method": "GET", "path": uvicorn_path(target), "root_path": ""}
    return [route.name for route in STARLETTE if route.matches(scope)[0] == Match.FULL]


def tornado_request(target):
    line = tornado_httputil.RequestStartLine("POST", latin1(target), "HTTP/1.1")
    return tornado_httputil.HTTPServerRequest(start_line=line, headers=tornado_httputil.HTTPHeaders(host="h"))


def tornado_route(target):
    request = tornado_request(target)
    return [name for name, spec in TORNADO.items() if spec.matcher.match(request) is not None]


def aiohttp_url(target):
    """As aiohttp's request parser builds it (aiohttp/http_parser.py)."""
    part, _, fragment = latin1(target).partition("#")
    part, _, query = part.partition("?")
    return URL.build(path=part, query_string=query, fragment=fragment, encoded=True)


def aiohttp_route(target):
    part = aiohttp_url(target).raw_path
    return [name for name, resource in AIOHTTP_ROUTES.items() if resource._match(part) is not None]


def werkzeug_server_path(target):
    """As the development server makes PATH_INFO (werkzeug/serving.py, `make_environ`)."""
    url = urllib.parse.urlsplit(latin1(target))
    part = url.path if url.scheme or not url.netloc else f"/{url.netloc}{url.path}"
    return urllib.parse.unquote(part)


def http_server_path(target):
    """As `http.server` and `wsgiref` do: leading slashes are one, the rest is unquoted."""
    text = latin1(target)
    if text.startswith("//"):
        text = "/" + text.lstrip("/")
    return urllib.parse.unquote(text.split("?", 1)[0], "iso-8859-1")


PATHS = {
    "urlsplit": lambda target: [urllib.parse.urlsplit(latin1(target)).path],
    "urlsplit-unquote": lambda target: [urllib.parse.unquote(urllib.parse.urlsplit(latin1(target)).path)],
    "urlparse-unquote": lambda target: [urllib.parse.unquote(urllib.parse.urlparse(latin1(target)).path)],
    "wsgiref": lambda target: [http_server_path(target)],
    "werkzeug-server": lambda target: [werkzeug_server_path(target)],
    "gunicorn": lambda target: [gunicorn_environ(target)["PATH_INFO"]],
    "uvicorn": lambda target: [uvicorn_path(target)],
    "yarl": lambda target: [URL(latin1(target)).path],
    "django": django_route,
    "werkzeug": werkzeug_route,
    "starlette": starlette_route,
    "tornado": tornado_route,
    "aiohttp": aiohttp_route,
}


# Queries and forms.

LOOP = asyncio.new_event_loop()


def form_environ(body, content_type):
    return environ(CONTENT_TYPE=latin1(content_type), CONTENT_LENGTH=str(len(body)),
                   **{"wsgi.input": io.BytesIO(body)})


def texts(values):
    """The fields among the values: a file is none."""
    return [value for value in values if isinstance(value, str)]


def last_first(values):
    """All values, led by the one that a single look-up gives: here the last."""
    return values[::-1]


def tornado_arguments(arguments, name):
    """As `RequestHandler.get_arguments`, which also strips values."""
    handler = object.__new__(tornado_web.RequestHandler)
    return last_first(handler._get_arguments(name, arguments))


QUERIES = {
    "parse_qs": lambda query, name: urllib.parse.parse_qs(latin1(query), keep_blank_values=True).get(name, []),
    "django": lambda query, name:
        last_first(WSGIRequest(environ(QUERY_STRING=latin1(query))).GET.getlist(name)),
    "django-asgi": lambda query, name: last_first(asgi_request(query=query).GET.getlist(name)),
    "werkzeug": lambda query, name:
        WerkzeugRequest(environ(QUERY_STRING=latin1(query))).args.getlist(name),
    "webob": lambda query, name:
        last_first(webob.Request(environ(QUERY_STRING=latin1(query))).GET.getall(name)),
    "tornado": lambda query, name: tornado_arguments(tornado_request(b"/?" + query).arguments, name),
    "yarl": lambda query, name:
        list(URL.build(path="/", query_string=latin1(query), encoded=True).query.getall(name, [])),
}


def django_form(body, content_type, name):
    return last_first(WSGIRequest(form_environ(body, content_type)).POST.getlist(name))


def tornado_form(body, content_type, name):
    arguments = {}
    tornado_httputil.parse_body_arguments(latin1(content_type), body, arguments, {})
    return tornado_arguments(arguments, name)


def starlette_form(body, content_type, name):
    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def read():
        scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"",
                 "headers": [(b"content-type", content_type)]}
        return last_first(texts((await StarletteRequest(scope, receive).form()).getlist(name)))

    return LOOP.run_until_complete(read())


def aiohttp_form(body, content_type, name):
    async def read():
        payload = StreamReader(mock.Mock(), 2**16, loop=LOOP)
        payload.feed_data(body)
        payload.feed_eof()
        headers = {"Content-Type": latin1(content_type)}
        return texts((await make_mocked_request("POST", "/", headers=headers, payload=payload).post()).getall(name, []))

    return LOOP.run_until_complete(read())


FORMS = {
    "django": django_form,
    "werkzeug": lambda body, content_type, name:
        WerkzeugRequest(form_environ(body, content_type)).form.getlist(name),
    "webob": lambda body, content_type, name:
        last_first(texts(webob.Request(form_environ(body, content_type)).POST.getall(name))),
    "tornado": tornado_form,
    "starlette": starlette_form,
    "aiohttp": aiohttp_form,
}


# The protocol.

def encoded(values):
    as_bytes = [value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value for value in values]
    return ",".join(value.hex() for value in as_bytes) if values else "-"


def reading(reader, *given):
    try:
        return encoded(reader(*given))
    except Exception:  # a parser that raises makes a server answer 400 or 500
        return "!"


def answer(kind, fields):
    if kind == "cookies":
        name, line = fields[0].decode(), fields[1]
        return ((parser, reading(reader, line, name)) for parser, reader in COOKIES.items())
    if kind == "path":
        return ((parser, reading(reader, fields[0])) for parser, reader in PATHS.items())
    name, text = fields[0].decode(), fields[1]
    if kind == "query":
        return ((parser, reading(reader, text, name)) for parser, reader in QUERIES.items())
    return ((parser, reading(reader, text, fields[2], name)) for parser, reader in FORMS.items())


def main():
    packages = ["django", "werkzeug", "starlette", "webob", "tornado", "python-multipart", "aiohttp", "gunicorn", "httptools"]
    versions = [f"{package} {metadata.version(package)}" for package in packages]
    print(f"Python {sys.version.split()[0]}, " + ", ".join(versions), flush=True)
    for line in sys.stdin:
        kind, *fields = line.rstrip("\n").split(" ")
        answers = answer(kind, [bytes.fromhex(field) for field in fields])
        sys.stdout.write(" ".join(f"{parser}:{said}" for parser, said in answers) + "\n")
        sys.stdout.flush()


main()
