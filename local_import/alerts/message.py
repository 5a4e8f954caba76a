"""Messages: what is told of an alert, as plain data, and as text for each kind of receiver.

Names come from strangers: they were escaped when the alert was written, and are escaped again for the
receivers that give signs a meaning.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from .. import names
from ..models import Alert, AlertRule
from ..models.alert import AlertEvent

LONGEST = 2000  # characters of a summary
Message = dict[str, Any]
_COLOURS = {"low": "#777777", "medium": "#b58900", "high": "#d9480f", "critical": "#c92a2a"}


def of_alert(alert: Alert, event: AlertEvent) -> Message:
    """As it is now: what was true when it was written stays in the message."""
    return {
        "event": str(event),
        "rule": alert.rule.code,
        "alert": alert.pk,
        "cause": alert.cause,
        "severity": str(alert.severity),
        "summary": names.legible(alert.summary)[:LONGEST],
        "advice": names.legible(alert.advice)[:LONGEST],
        "since": alert.began_at.isoformat(timespec="seconds"),
        "host": socket.gethostname(),
    }


def of_more(rule: AlertRule, severity: str, number: int, since: str) -> Message:
    told = _("{number} more alerts of the rule “{rule}” fire.")
    return {
        "event": str(AlertEvent.FIRED),
        "rule": rule.code,
        "alert": None,
        "cause": "",
        "severity": severity,
        "summary": told.format(number=number, rule=rule.code),
        "advice": _("See all: python manage.py alerts list"),
        "since": since,
        "host": socket.gethostname(),
    }


def of_test(since: str) -> Message:
    return {
        "event": str(AlertEvent.TEST),
        "rule": "",
        "alert": None,
        "cause": "",
        "severity": "low",
        "summary": _("This is a test. Whoever reads it is told when an import needs somebody."),
        "advice": _("Nothing needs to be done."),
        "since": since,
        "host": socket.gethostname(),
    }


def headline(message: Mapping[str, Any]) -> str:
    """One line, as a subject needs it."""
    if message["event"] == AlertEvent.RESOLVED:
        return _("[resolved] {summary}").format(summary=message["summary"])
    return f"[{message['severity']}] {message['summary']}"


def body(message: Mapping[str, Any]) -> str:
    lines = [message["summary"], "", message["advice"], ""]
    if message["event"] == AlertEvent.RESOLVED:
        lines = [_("It is over: {summary}").format(summary=message["summary"]), ""]
    if message["alert"]:
        told = _("Alert {alert} of the rule “{rule}”, since {since}.")
        lines.append(told.format(**message))
        if message["event"] == AlertEvent.FIRED:
            command = f'python manage.py alerts acknowledge {message["alert"]} --reason "…"'
            lines.append(_("To say that somebody sees to it: {command}").format(command=command))
    lines.append(_("Written by the import desk on {host}.").format(host=message["host"]))
    return "\n".join(lines)


def for_slack(message: Mapping[str, Any]) -> dict[str, Any]:
    """What incoming webhooks of Slack, Mattermost, Rocket.Chat and their like take.

    Source: Slack, "Sending messages using incoming webhooks" and "Escaping text": &, < and > are
    written as entities, or a name could call everybody in the channel.
    """
    told = {name: message[name] for name in ("event", "rule", "alert", "cause", "since", "host")}
    fields = [
        {"title": name, "value": _escaped(str(value)), "short": True}
        for name, value in told.items()
        if value
    ]
    over = message["event"] == AlertEvent.RESOLVED
    attachment = {
        "fallback": _escaped(message["advice"]),
        "text": "" if over else _escaped(message["advice"]),
        "color": "#2b8a3e" if over else _COLOURS.get(message["severity"], "#777777"),
        "fields": fields,
    }
    return {"text": _escaped(headline(message)), "attachments": [attachment]}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
