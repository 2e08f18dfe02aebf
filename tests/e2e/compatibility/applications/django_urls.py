"""The pages of the Django site."""

import json

from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth import authenticate, get_user_model, login, views
from django.core.mail import send_mail
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie
from django_cas_ng.views import LoginView as CasLoginView
from rest_framework.authentication import SessionAuthentication
from rest_framework.decorators import api_view, authentication_classes
from rest_framework.response import Response
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.views import TokenObtainPairView
from sesame.utils import get_query_string
from sesame.views import LoginView as MagicView
from two_factor.urls import urlpatterns as two_factor


class Session(SessionAuthentication):
    """The session, without a look at CSRF tokens, which is not what is tested."""

    def enforce_csrf(self, request):
        pass


@api_view(["GET"])
@authentication_classes([JWTAuthentication, Session])
def me(request):
    if not request.user.is_authenticated:
        return Response({}, status=401)
    return Response({"user": {"name": request.user.username, "mail": request.user.email}})


@api_view(["POST"])
@authentication_classes([JWTAuthentication, Session])
def act(request, level):
    # Behind an authenticating proxy it is whom the proxy names.
    name = request.headers.get("Remote-User") or request.user.username
    return HttpResponse(f"done for {name}", status=200 if name else 401)


@csrf_exempt
def json_login(request):
    given = json.loads(request.body)
    user = authenticate(request, username=given["username"], password=given["password"])
    if user is None:
        return JsonResponse({"error": "wrong"}, status=400)
    login(request, user)
    return JsonResponse({"user": {"name": user.username}})


@csrf_exempt
def send_link(request):
    user = get_user_model().objects.get(email=request.POST["email"])
    link = request.build_absolute_uri("/magic") + get_query_string(user)
    send_mail("Your link", link, None, [user.email])
    return JsonResponse({})


@csrf_exempt
def forget(request):
    """Of the tests alone: somebody who signed up may do so again."""
    get_user_model().objects.filter(username=request.POST["name"]).delete()
    return HttpResponse()


@csrf_exempt
def add_totp(request):
    """Of the tests alone: gives somebody an authenticator with a known secret."""
    user = get_user_model().objects.get(username=request.POST["name"])
    TOTP.activate(user, request.POST["secret"])
    return HttpResponse()


urlpatterns = [
    path("me", me),
    path("act/<int:level>", act),
    path("home", ensure_csrf_cookie(lambda request: render(request, "home.html"))),
    path("login", views.LoginView.as_view(template_name="login.html")),
    path("api/session", json_login),
    path("api/token", TokenObtainPairView.as_view()),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("hijack/", include("hijack.urls")),
    path("impersonate/", include("impersonate.urls")),
    path("test/forget", forget),
    path("test/totp", add_totp),
    path("magic/send", send_link),
    path("magic", MagicView.as_view()),
    path("sso", CasLoginView.as_view(), name="cas_ng_login"),
    path("cas/", include("mama_cas.urls")),
    path("", include((two_factor[0], "two_factor"))),
]
