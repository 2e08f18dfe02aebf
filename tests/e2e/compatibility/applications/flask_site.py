"""A Flask site: a remember-me cookie by Flask-Login, keys and Basic by Flask-HTTPAuth."""

from flask import Flask, jsonify, redirect, request
from flask_httpauth import HTTPBasicAuth, HTTPTokenAuth, MultiAuth
from flask_login import LoginManager, UserMixin, current_user, login_user

from django_site import PASSWORD, PEOPLE

app = Flask("desk")
app.config["SECRET_KEY"] = "for-this-test-only"
logins = LoginManager(app)
basic = HTTPBasicAuth()
keys = HTTPTokenAuth(header="X-API-Key")
either = MultiAuth(keys, basic)


class Person(UserMixin):
    def __init__(self, name):
        self.id = name


@logins.user_loader
def load(name):
    return Person(name) if name in PEOPLE else None


@basic.verify_password
def verify(name, password):
    return name if name in PEOPLE and password == PASSWORD else None


@keys.verify_token
def owner(key):
    name = key.removeprefix("key-of-")
    return name if name in PEOPLE else None


def name():
    """Who is signed in, by whichever of them."""
    if current_user.is_authenticated:
        return current_user.id
    scheme = keys if "X-API-Key" in request.headers else basic
    return scheme.authenticate(scheme.get_auth(), None) or None


@app.get("/me")
def me():
    found = name()
    return (jsonify(user={"name": found}), 200) if found else (jsonify({}), 401)


@app.post("/act/<int:level>")
def act(level):
    # Behind an authenticating proxy it is whom the proxy names.
    found = request.headers.get("Remote-User") or name()
    return (f"done for {found}", 200) if found else ("who are you", 401)


@app.route("/login", methods=["GET", "POST"])
def login():
    form = request.form
    if request.method == "POST" and verify(form["username"], form["password"]):
        login_user(Person(form["username"]), remember="remember" in form)
        return redirect("/home")
    return '<form method="post"><input name="username"><input name="password" type="password"></form>'
