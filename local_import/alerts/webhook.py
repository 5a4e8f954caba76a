"""The webhook: a signed POST to the address that was judged, within a bounded time.

A redirect is not followed: it could lead anywhere. The answer is read only as far as it is told of.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.conf import settings

from .. import names
from ..bounded import within
from . import message, targets
from .sending import Refused, Undelivered

CONNECT_S = 5.0
READ_S = 10.0
WHOLE_S = 15.0  # whoever sends one byte every nine seconds is not waited for
ANSWER_BYTES = 16 * 1024
TOLD = 200  # characters of an answer
_MAY_PASS = frozenset({408, 425, 429})  # of 4xx: too early, too often, too slow


def send(told: Mapping[str, Any], key: str) -> None:
    """Raises Undelivered, or Refused where trying again would not help."""
    body = json.dumps(message.for_slack(told)).encode()
    post(settings.PHOTONEST_ALERT_WEBHOOK, body, _headers(told, body, key))


def _headers(told: Mapping[str, Any], body: bytes, key: str) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"Photonest/{settings.PHOTONEST_VERSION}",
        "Idempotency-Key": key,
        "X-Photonest-Event": str(told["event"]),
    }
    if secret := settings.PHOTONEST_ALERT_WEBHOOK_SECRET:
        headers["X-Photonest-Signature"] = signature(secret, int(time.time()), body)
    return headers


def signature(secret: str, at: int, body: bytes) -> str:
    """`t=` the time in seconds and `v1=` the HMAC-SHA-256 of time, dot and body, in hexadecimal.

    A receiver compares both: an old message that somebody sends again has an old time.
    """
    digest = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    parts, host, port = targets.parsed(url)
    connection = Connection(parts.scheme, host, port)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        status, answer = within(WHOLE_S, lambda: connection.post(path, body, headers))
    except TimeoutError:
        raise Undelivered(f"{host} did not answer in time, at most {WHOLE_S:.0f} s.") from None
    except (OSError, http.client.HTTPException) as error:
        raise Undelivered(f"{host} cannot be reached: {_told(str(error))}") from error
    finally:
        connection.hang_up()
    _judge(host, status, answer)


class Connection(http.client.HTTPConnection):
    """To the address that was judged, whatever its name may lead to by now."""

    def __init__(self, scheme: str, host: str, port: int) -> None:
        super().__init__(host, port)
        self._scheme = scheme
        self._line: socket.socket | None = None
        self._is_over = False

    def connect(self) -> None:
        address = targets.reachable(self.host, self.port)
        if self._is_over:  # nobody waits for what is sent now
            raise ConnectionAbortedError
        plain = socket.create_connection((str(address), self.port), CONNECT_S)
        plain.settimeout(READ_S)
        self.sock = self._line = plain
        if self._scheme == "https":  # the certificate is that of the name
            secure = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)
            self.sock = self._line = secure

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self.request("POST", path, body, dict(headers))
        answer = self.getresponse()
        return answer.status, answer.read(ANSWER_BYTES)

    def hang_up(self) -> None:
        """End the line, and with it a thread that still waits for the other side."""
        self._is_over = True
        self.close()
        if self._line is not None:
            with suppress(OSError):  # the other side may have ended it
                self._line.shutdown(socket.SHUT_RDWR)
            self._line.close()


def _judge(host: str, status: int, answer: bytes) -> None:
    if 200 <= status < 300:
        return
    said = f"{host} answered {status}"
    if 300 <= status < 400:
        raise Refused(f"{said}: a redirect, which is not followed. Name the address it leads to.")
    said += f": {_told(answer.decode('utf-8', 'replace'))}" if answer else "."
    if 400 <= status < 500 and status not in _MAY_PASS:
        raise Refused(said)
    raise Undelivered(said)


def _told(text: str) -> str:
    return names.shown(text.strip()[:TOLD].encode("utf-8", "replace"))
