"""A site that logs in connections by NTLM, as IIS does, and a client's side of it; both by pyspnego."""

import base64
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django_site import PASSWORD, PEOPLE, STATE

clients = {}


def configure():
    """Tells pyspnego the people."""
    people = STATE / "ntlm"
    people.write_text("".join(f"EXAMPLE:{name}:{PASSWORD}\n" for name in PEOPLE))
    os.environ["NTLM_USER_FILE"] = str(people)


class Handler(BaseHTTPRequestHandler):
    """One connection, and who logged it in."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    context = None
    user = None

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        proxy = self.headers.get("Remote-User")
        if kind == "NTLM":
            answer = self.step(base64.b64decode(token))
            if answer:
                return self.answer(401, "prove it", f"NTLM {answer}")
        name = proxy or self.user
        if not name:
            return self.answer(401, "who are you", "NTLM")
        if self.path == "/me":
            return self.answer(200, json.dumps({"user": {"name": name}}))
        return self.answer(200, f"done for {name}")

    do_POST = do_GET

    def step(self, token):
        import spnego

        if self.context is None:
            self.context = spnego.server(protocol="ntlm")
        try:
            answer = self.context.step(token)
        except spnego.exceptions.SpnegoError:
            self.context = None
            return None
        if self.context.complete:
            self.user, self.context = self.context.client_principal.split("\\")[-1], None
        return base64.b64encode(answer).decode() if answer else None

    def answer(self, status, text, challenge=None):
        self.send_response(status)
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


class Client(Handler):
    """What a client sends next: `GET /NUMBER/NAME/CHALLENGE`, where the challenge is empty at first."""

    def do_GET(self):
        import spnego

        _, number, name, challenge = self.path.split("/", 3)
        if number not in clients:
            clients[number] = spnego.client(f"EXAMPLE\\{name}", PASSWORD, protocol="ntlm")
        token = clients[number].step(base64.b64decode(challenge) if challenge else None)
        self.answer(200, base64.b64encode(token).decode())


def serve(handler):
    return ThreadingHTTPServer(("127.0.0.1", 0), handler)
