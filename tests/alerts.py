"""Alerts whose signals the test decides, and receivers that behave as badly as the test wants."""

import http.server
import socket
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import ip_network

from local_import import transactions
from local_import.alerts import evaluate, rules
from local_import.alerts.signal import Cause, Signal
from local_import.errors import Severity
from photonest.receivers import Hosts

LOCAL = Hosts(frozenset(), (ip_network("127.0.0.0/8"), ip_network("::1/128")))
MODULES = ("book", "evaluate", "outbox", "tell")


class Stage:
    """One rule `staged`, whose causes the test writes; and a clock that it moves."""

    def __init__(self, monkeypatch):
        self.causes, self.ahead = [], timedelta()
        self.signal = Signal(
            code="staged",
            severity=Severity.HIGH,
            watches="the stage",
            sentence="{what} is wrong.",
            advice="Put {what} right.",
            find=self._find,
            unit="things",
            threshold=1,
        )
        monkeypatch.setattr(rules, "SIGNALS", {"staged": self.signal})
        monkeypatch.setattr(evaluate, "SIGNALS", {"staged": self.signal})
        monkeypatch.setattr("local_import.alerts.tell.SIGNALS", {"staged": self.signal})
        for module in MODULES:
            monkeypatch.setattr(f"local_import.alerts.{module}.database_now", self.now)

    def _find(self, seen):
        if isinstance(self.causes, Exception):
            raise self.causes
        return [Cause(key, {"what": key or "it"}) for key in self.causes]

    def now(self):
        return transactions.database_now() + self.ahead

    def see(self, *causes, after=timedelta(minutes=1)):
        """So much later these causes are there, and no others."""
        self.causes = list(causes)
        self.ahead += after
        return evaluate.evaluate()


class Receiver(http.server.ThreadingHTTPServer):
    """A real HTTP server that answers by a function, and keeps what it was sent."""

    daemon_threads = True

    def __init__(self, answer):
        self.answer, self.got = answer, []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hook"

    def handle_error(self, request, client_address):
        pass  # whoever hangs up on it is meant to


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), body))
        self.server.answer(self)

    def log_message(self, *_):
        pass


def says(status, body=b"", **headers):
    def answer(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def hangs(handler):
    time.sleep(60)


def drips(handler):
    """A byte of the head every now and then, for ever."""
    while True:
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.05)


def drowns(handler):
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 65536)


def hangs_up(handler):
    handler.connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def receiver(answer):
    server = Receiver(answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
