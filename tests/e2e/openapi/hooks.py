"""What schemathesis needs to know of this site: who is signed in, and which challenges are open.

Each session is another person's, since some calls take away what they prove themselves by.
"""
import itertools, json, os, urllib.error, urllib.parse, urllib.request

import schemathesis

ORIGIN = os.environ["ORIGIN"]
PASSWORD = os.environ["PASSWORD"]
PEOPLE = itertools.count()


class Person:
    """Somebody who has signed in and proved themselves."""

    def __init__(self, name):
        self.cookies = {}
        self.name = name
        form = urllib.parse.urlencode({"user": self.name, "password": "App-pass-1!"})
        self.ask("/login", form.encode(), "application/x-www-form-urlencoded")
        # A proof for each action of our own pages, so that they are more than refused.
        for path in ("/.stepup/enroll", "/.stepup/approvals", "/.stepup/sessions/revoke?others=yes"):
            self.prove(path)

    def ask(self, path, body=None, kind="application/json"):
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers["content-type"] = kind
        request = urllib.request.Request(ORIGIN + path, body, headers)
        try:
            answer = OPENER.open(request)
        except urllib.error.HTTPError as error:
            answer = error
        for line in answer.headers.get_all("set-cookie", []):
            name, value = line.split(";")[0].split("=", 1)
            self.cookies[name] = value
        return answer

    def token(self, path, body=None):
        """The token of the challenge that a refusal offers; nothing if it is none."""
        answer = self.ask(path, body)
        document = json.loads(answer.read()) if answer.status == 403 else {}
        return document.get("challenge", {}).get("token")

    def prove(self, path):
        token = self.token(path)
        assert token, f"{self.name} is not asked at {path}"
        answer = {"token": token, "factor": "password", "answer": PASSWORD}
        verified = json.loads(self.ask("/.stepup/verify", json.dumps(answer).encode()).read())
        assert verified.get("verified"), f"{self.name} cannot prove themselves: {verified}"


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(NoRedirect)
person = approver = None
calls = itertools.count()


@schemathesis.auth(refresh_interval=None)
class Session:
    def get(self, case, _):
        global person, approver
        if case.path.startswith("/approvals"):
            # Whom somebody has asked; nobody else may see the request.
            approver = approver or Person("approver")
            return approver.cookies
        person = person or Person(f"person-{next(PEOPLE)}")
        return person.cookies

    def set(self, case, cookies, _):
        case.cookies = {**(case.cookies or {}), **cookies}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Every other call that brings a token brings one that counts, and every other of those the right answer."""
    positive = case.meta is None or case.meta.generation.mode.is_positive
    number = next(calls)
    if not positive or number % 2:
        return
    if "id" in (case.path_parameters or {}):
        asked = json.loads(approver.ask("/.stepup/approvals").read())["approvals"]
        if asked:
            case.path_parameters["id"] = asked[0]["id"]
    if not isinstance(case.body, dict) or "token" not in case.body or person is None:
        return
    approval = case.path.endswith("/approval")
    token = person.token("/transfer" if approval else "/keys", b"{}")
    if token:
        case.body["token"] = token
        if "factor" in case.body and number % 4:
            case.body.update(factor="password", answer=PASSWORD)


# What ends the session, takes a proof back, or takes away what people prove themselves by.
ENDS = ("/sign-out", "/lock", "/sessions/lock", "/enroll/remove", "/enroll/password")


@schemathesis.hook
def after_call(context, case, response):
    global person
    if person is not None and response.request.headers.get("cookie"):
        # A verification renews the browser key, which belongs to the session from then on.
        for line in response.headers.get("set-cookie", []):
            name, value = line.split(";")[0].split("=", 1)
            if name in person.cookies:
                person.cookies[name] = value
    if response.status_code == 429 or (case.method == "POST" and case.path.endswith(ENDS)):
        person = None
