"""The sections of the pages, in the order in which an operator needs them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

SECTIONS = (
    ("import:overview", _("Overview")),
    ("import:sessions", _("Sessions")),
    ("import:troubleshooting", _("Troubleshooting")),
    ("import:operations", _("Operations")),
    ("import:consistency", _("Consistency")),
    ("import:performance", _("Performance")),
    ("import:alerts", _("Alerts")),
    ("import:audit", _("Audit log")),
    ("import:health", _("Health")),
)


def sections(request: HttpRequest) -> list[dict[str, Any]]:
    """Name, address, and whether the page that is asked for lies in it."""
    addresses = [(label, reverse(name)) for name, label in SECTIONS]
    first = addresses[0][1]  # every page lies below it, and is none of it
    within = [address for _label, address in addresses if request.path.startswith(address)]
    here = request.path if request.path == first else max({*within} - {first}, key=len, default="")
    return [
        {"label": label, "address": address, "is_here": address == here}
        for label, address in addresses
    ]
