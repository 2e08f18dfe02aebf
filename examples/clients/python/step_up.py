"""An adapter for requests: a call that Stepgate refuses for want of a proof waits until its owner has proved in a
browser who they are, and is made once more.

    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    session.mount("https://app.example.com/", StepUpAdapter())
    session.post("https://app.example.com/api/publish", data={"version": "4.2"})
"""

import sys
import time

from requests.adapters import HTTPAdapter
from requests.models import PreparedRequest

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"


class Denied(Exception):
    """Nobody has proved who they are: denied, too late, or void."""


class StepUpAdapter(HTTPAdapter):
    """Mount it for the one origin that is behind Stepgate: it sends the key there with every call."""

    def __init__(self, show=lambda line: print(line, file=sys.stderr), **options):
        super().__init__(**options)
        self.show, self.key = show, None

    def send(self, request, **options):
        body = request.body
        start = body.tell() if hasattr(body, "seek") else None
        answer = self.send_with_key(request, options)
        device = device_of(answer)
        if device is None:
            return answer
        self.show(f"Open {device['verification_uri_complete']}")
        self.show(f"and compare the code: {device['user_code']}")
        self.key = self.wait(device, request.headers["Authorization"], options)
        if start is not None:
            body.seek(start)
        return self.send_with_key(request, options)

    def send_with_key(self, request, options):
        if self.key:
            request.headers["Step-Up-Key"] = self.key
        return super().send(request, **options)

    def wait(self, device, authorization, options):
        interval = device["interval"]
        form = {"grant_type": GRANT_TYPE, "device_code": device["device_code"]}
        poll = PreparedRequest()
        headers = {"Authorization": authorization}
        poll.prepare("POST", device["token_endpoint"], headers=headers, data=form)
        while True:
            time.sleep(interval)
            told = self.send_with_key(poll, {**options, "stream": False}).json()
            if told.get("key"):
                return told["key"]
            if told.get("error") == "slow_down":
                interval += 5  # RFC 8628 section 3.5
            elif told.get("error") != "authorization_pending":
                raise Denied(told.get("error") or told.get("reason"))


def device_of(answer):
    """What a refusal says of how the proof can be given elsewhere."""
    if answer.headers.get("Step-Up") != "challenge":
        return None
    return answer.json().get("device")
