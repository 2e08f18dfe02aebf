"""Starts the applications in Python, each at a port of its own, and says where."""

import logging
import os
import socket
import threading

import django_site
import flask_site
import ntlm_site
from waitress import create_server


def wsgi(application, listener):
    return create_server(application, sockets=[listener], threads=8, clear_untrusted_proxy_headers=False).run


def listen():
    return socket.create_server(("127.0.0.1", 0))


logging.getLogger("waitress").setLevel(logging.ERROR)
shop, desk = listen(), listen()
django_site.configure(shop.getsockname()[1])
ntlm_site.configure()

from django.core.wsgi import get_wsgi_application  # needs the settings

intranet, client = ntlm_site.serve(ntlm_site.Handler), ntlm_site.serve(ntlm_site.Client)
ports = [shop.getsockname()[1], desk.getsockname()[1], intranet.server_port, client.server_port]
jobs = [
    wsgi(get_wsgi_application(), shop),
    wsgi(flask_site.app, desk),
    intranet.serve_forever,
    client.serve_forever,
]
threads = [threading.Thread(target=job, daemon=True) for job in jobs]
for thread in threads:
    thread.start()
print("ready", *ports, flush=True)
threads[0].join()
