"""Who is told of alerts: addresses from the environment, checked when the desk starts."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import environ

from .env import WrongSetting

TIMEOUT_S = 10  # of each answer of the mail server
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts and networks that a webhook may reach although they are not public."""

    names: frozenset[str] = frozenset()
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()


def listed(name: str) -> list[str]:
    """A list with commas between."""
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]


def emails(name: str) -> list[str]:
    found = listed(name)
    for address in found:
        if not _MAIL.fullmatch(address):
            raise WrongSetting(
                name, f"has {address!r}, which is no address", "Write one as ada@example.org."
            )
    return found


def sender(name: str) -> str:
    return next(iter(emails(name)), "photonest@localhost")


def mail_server(name: str) -> dict[str, Any]:
    """Django's settings of the mail server."""
    remedy = "Write smtp://host:25 or smtp+tls://user:password@host:587 or smtp+ssl://…"
    url = os.environ.get(name) or "smtp://localhost:25"
    if url.partition(":")[0] not in ("smtp", "smtp+tls", "smtp+ssl"):
        raise WrongSetting(name, f"begins with {url.partition(':')[0]!r}", remedy)
    try:
        found: dict[str, Any] = environ.Env.email_url_config(url)
    except ValueError as error:
        raise WrongSetting(name, "cannot be understood", remedy) from error
    return found | {"EMAIL_TIMEOUT": TIMEOUT_S}


def webhook(name: str) -> str:
    """The address is not repeated in the error: with many services it is a secret itself."""
    url = os.environ.get(name, "")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.username is None and parts.port != 0
        usable = bool(usable and parts.hostname and parts.hostname.isascii())
    except ValueError:
        usable = False
    if url and not usable:
        raise WrongSetting(
            name,
            "is no address that begins with http:// or https:// and has no user in it",
            "Write one as https://hooks.example.org/services/…",
        )
    return url


def hosts(name: str) -> Hosts:
    names: set[str] = set()
    networks = []
    for part in listed(name):
        try:
            networks.append(ipaddress.ip_network(part))
        except ValueError as error:
            if "/" in part or not _NAME.fullmatch(part.lower()):
                problem = f"has {part!r}, which is neither a host nor a network ({error})"
                raise WrongSetting(name, problem, "Write as chat.lan,192.168.1.0/24.") from error
            names.add(part.lower())
    return Hosts(frozenset(names), tuple(networks))
