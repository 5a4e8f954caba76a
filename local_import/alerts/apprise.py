"""Everything else, by Apprise: an extra that is installed where it is wanted (requirements-extra.txt).

Its targets are what the operator wrote into the environment; the guard of the webhook is not theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from django.conf import settings

from ..bounded import within
from ..models.alert import AlertEvent
from . import message
from .sending import Refused, Undelivered

WHOLE_S = 30.0


def send(told: Mapping[str, Any], key: str) -> None:
    """Raises Undelivered, or Refused where Apprise is missing or understands no target."""
    try:
        library: Any = import_module("apprise")
    except ImportError:
        raise Refused(
            "Apprise is not installed: pip install -r requirements-extra.txt, or leave "
            "PHOTONEST_ALERT_APPRISE unset."
        ) from None
    receivers = library.Apprise()
    if not receivers.add(settings.PHOTONEST_ALERT_APPRISE):
        raise Refused("Apprise does not understand an address of PHOTONEST_ALERT_APPRISE.")
    kind = library.NotifyType.SUCCESS if _is_over(told) else library.NotifyType.WARNING
    text = {"title": message.headline(told), "body": message.body(told), "notify_type": kind}
    try:
        arrived = within(WHOLE_S, lambda: receivers.notify(**text))
    except TimeoutError:
        raise Undelivered(f"Apprise did not end within {WHOLE_S:.0f} s.") from None
    if not arrived:
        raise Undelivered("Apprise could not deliver it to all of its targets; its log says why.")


def _is_over(told: Mapping[str, Any]) -> bool:
    return bool(told["event"] == AlertEvent.RESOLVED)
