"""Targets: the addresses that a webhook may reach. The guard against server-side request forgery.

A name is resolved once, and the connection goes to the address that was judged: a name that points
elsewhere a moment later leads nowhere else. Only public addresses are allowed, unless the operator
names a host or a network in PHOTONEST_ALERT_HOSTS.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from .sending import Refused, Undelivered

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # Source: RFC 6052
_PROTOCOLS = ipaddress.ip_network("192.0.0.0/24")  # Source: RFC 6890


def parsed(url: str) -> tuple[SplitResult, str, int]:
    """The parts of an address, its host and its port. Raises Refused for what is no http(s) address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Refused("The address of the webhook cannot be understood.") from None
    if parts.scheme not in _PORTS or not (host and host.isascii()) or port == 0:
        raise Refused("The address of the webhook is not one that begins with http:// or https://.")
    if parts.username is not None or parts.password is not None:
        raise Refused("The address of the webhook holds a user or a password, which is not sent.")
    return parts, host, port or _PORTS[parts.scheme]


def reachable(host: str, port: int) -> Address:
    """The address to connect to. Raises Refused when none of the host's addresses is allowed."""
    found = _resolved(host, port)
    for address in found:
        if is_allowed(host, address):
            return address
    raise Refused(
        f"{host} leads to {found[0]}, no public address. If it is meant, name the host or its network "
        "in PHOTONEST_ALERT_HOSTS."
    )


def _resolved(host: str, port: int) -> Sequence[Address]:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found = [ipaddress.ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers]
    except (OSError, UnicodeError, ValueError) as error:
        raise Undelivered(f"The name {host} cannot be resolved: {error}") from error
    if not found:
        raise Undelivered(f"The name {host} has no address.")
    return found


def is_allowed(host: str, address: Address) -> bool:
    meant = host.lower().rstrip(".") in settings.PHOTONEST_ALERT_HOSTS.names
    within = any(address in network for network in settings.PHOTONEST_ALERT_HOSTS.networks)
    return meant or within or is_public(address)


def is_public(address: Address) -> bool:
    """Whether it is of the internet, and so is the IPv4 address that an IPv6 address may carry."""
    carried = _carried(address)
    if carried is not None:
        return is_public(carried)
    special = address.is_multicast or address.is_reserved or address.is_unspecified
    local = address.is_private or address.is_loopback or address.is_link_local
    site = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not (special or local or site or address in _PROTOCOLS)


def _carried(address: Address) -> Address | None:
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
