"""E-mail, by Django's own backend."""

from __future__ import annotations

import smtplib
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage

from .. import names
from ..bounded import within
from . import message
from .sending import Undelivered

WHOLE_S = 30.0
LONGEST_SUBJECT = 200  # characters


def send(told: Mapping[str, Any], key: str) -> None:
    """One message to all receivers. Raises Undelivered."""
    mail = EmailMessage(
        message.headline(told)[:LONGEST_SUBJECT],
        message.body(told),
        settings.DEFAULT_FROM_EMAIL,
        settings.PHOTONEST_ALERT_EMAILS,
        headers={"Message-ID": f"<{key}@photonest>", "Auto-Submitted": "auto-generated"},
    )
    try:
        within(WHOLE_S, mail.send)
    except TimeoutError:
        raise Undelivered(f"The mail server did not answer within {WHOLE_S:.0f} s.") from None
    except (OSError, smtplib.SMTPException) as error:
        told_error = names.shown(str(error)[:300].encode("utf-8", "replace"))
        raise Undelivered(f"The mail server did not take it: {told_error}") from error
