"""Channels: the ways to tell somebody. Which are used is set in the environment, with their secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from . import apprise, email, webhook
from .sending import Refused

_SENDERS = {"email": email.send, "webhook": webhook.send, "apprise": apprise.send}


def configured() -> list[str]:
    """The names of those that have somebody to tell."""
    targets = {
        "email": settings.PHOTONEST_ALERT_EMAILS,
        "webhook": settings.PHOTONEST_ALERT_WEBHOOK,
        "apprise": settings.PHOTONEST_ALERT_APPRISE,
    }
    return [name for name, target in targets.items() if target]


def send(channel: str, message: Mapping[str, Any], key: str) -> None:
    """Raises sending.Undelivered, or Refused where trying again would not help."""
    if channel not in configured():
        raise Refused(f"The channel {channel} is not configured any more.")
    _SENDERS[channel](message, key)
