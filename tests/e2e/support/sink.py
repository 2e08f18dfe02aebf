"""A mail server for tests: takes mail, prints one line of JSON for each, and can misbehave on request.

  sink.py --port PORT [--user U --password P] [--starttls CERT KEY | --tls CERT KEY]
          [--reject REGEX] [--slow SECONDS] [--fail-first N]
"""

import argparse
import asyncio
import email
import email.policy
import json
import re
import ssl

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--starttls", nargs=2)
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--reject", help="refuse recipients that match with 550")
    parser.add_argument("--slow", type=float, default=0, help="seconds before a mail is taken")
    parser.add_argument("--fail-first", type=int, default=0, help="answer the first N mails with 451")
    return parser.parse_args()


def context(pair):
    if pair is None:
        return None
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(*pair)
    return made


class Taker:
    def __init__(self, options):
        self.options = options
        self.failures_left = options.fail_first

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if self.options.reject and re.search(self.options.reject, address):
            return "550 5.1.1 nobody of that name here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.options.slow:
            await asyncio.sleep(self.options.slow)
        if self.failures_left:
            self.failures_left -= 1
            return "451 4.3.0 come back later"
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        bodies = {kind: mail.get_body((kind,)) for kind in ("plain", "html")}
        texts = {kind: body.get_content() if body else "" for kind, body in bodies.items()}
        plain = texts["plain"] or re.sub("<[^>]+>", " ", texts["html"])
        print(json.dumps({
            "recipients": envelope.rcpt_tos,
            "text": texts["plain"],
            "html": texts["html"],
            "codes": re.findall(r"(?<![\w#.-])\d{6}(?![\w-])", plain),
            "encrypted": bool(self.options.tls) or session.ssl is not None,
            "authenticated": bool(session.authenticated),
        }), flush=True)
        return "250 OK"


async def main():
    options = arguments()

    def check(server, session, envelope, mechanism, data):
        good = isinstance(data, LoginPassword) and (
            data.login.decode(), data.password.decode()) == (options.user, options.password)
        return AuthResult(success=good, handled=good)

    def conversation():
        return SMTP(
            Taker.shared, enable_SMTPUTF8=True, hostname="sink.example.test",
            tls_context=context(options.starttls), require_starttls=bool(options.starttls),
            authenticator=check if options.user else None, auth_required=bool(options.user),
            auth_require_tls=bool(options.starttls))

    Taker.shared = Taker(options)
    server = await asyncio.get_running_loop().create_server(
        conversation, "127.0.0.1", options.port, ssl=context(options.tls))
    print("listening", flush=True)
    await server.serve_forever()


asyncio.run(main())
