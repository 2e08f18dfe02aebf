"""The application behind a soak: lets everybody in, says `done`, and counts what it got, by query."""

import asyncio
import collections
import itertools
import json
import sys

DONE = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\ndone"
LOGIN = "HTTP/1.1 302 Found\r\nlocation: /\r\nset-cookie: sid=soak-{}; Path=/; HttpOnly\r\ncontent-length: 0\r\n\r\n"

got = collections.Counter()
logins = itertools.count()


class Application(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.unread = transport, b""

    def data_received(self, data):
        self.unread += data
        while (end := self.unread.find(b"\r\n\r\n")) >= 0:
            head = self.unread[:end]
            length = 0
            if (at := head.lower().find(b"\r\ncontent-length:")) >= 0:
                length = int(head[at + 17 :].split(b"\r\n", 1)[0])
            if len(self.unread) < end + 4 + length:
                return
            self.unread = self.unread[end + 4 + length :]
            self.answer(head.split(b" ", 2)[1].decode())

    def answer(self, target):
        path, _, query = target.partition("?")
        got[query or path] += 1
        if path == "/login":
            self.transport.write(LOGIN.format(next(logins)).encode())
        elif path == "/tally":
            body = json.dumps(got).encode()
            head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n"
            self.transport.write(head.encode() + body)
        else:
            self.transport.write(DONE)


async def main():
    server = await asyncio.get_running_loop().create_server(Application, "127.0.0.1", int(sys.argv[1]))
    print("listening", flush=True)
    await server.serve_forever()


asyncio.run(main())
