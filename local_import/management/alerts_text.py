"""Alerts as text for a terminal. Every name is escaped here, or was when the alert was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import names

Entry = Mapping[str, Any]
_NUMBERS = {
    "window_minutes": gettext_lazy("looks back {minutes} min"),
    "pending_minutes": gettext_lazy("has to last {minutes} min"),
    "cooldown_minutes": gettext_lazy("is not told again for {minutes} min"),
}
_MARKS = {"pending": "…", "firing": "✖", "acknowledged": "◐", "resolved": "✔"}


def overview(told: Entry) -> str:
    lines = [line for alert in told["alerts"] for line in _alert(alert)]
    if not told["alerts"]:
        lines.append("✔ " + _("Nothing is wrong that the rules look at."))
    return "\n".join([*lines, *_reservations(told)])


def _alert(alert: Entry) -> Iterator[str]:
    mark, summary = _MARKS[alert["state"]], names.legible(alert["summary"])
    yield f"{mark} {alert['alert']} [{alert['severity']}, {alert['rule']}] {summary}"
    told = _("    {state}, since {since}").format(
        state=alert["state"], since=_time(alert["began_at"])
    )
    if alert["acknowledged_by"]:
        by = {"by": alert["acknowledged_by"], "reason": alert["acknowledged_reason"]}
        told += _("; {by} sees to it: {reason}").format(**by)
    yield names.legible(told)
    if alert["state"] != "resolved":
        yield f"    → {names.legible(alert['advice'])}"


def _reservations(told: Entry) -> Iterator[str]:
    """Why this may not be the whole truth, and why nobody may know of it."""
    if told["late"]:
        last = _time(told["evaluated_at"]) if told["evaluated_at"] else _("never")
        text = _("The rules were last asked: {last}. Is beat running? To ask now: {command}")
        yield "! " + text.format(last=last, command="python manage.py alerts evaluate")
    if not told["channels"]:
        yield "! " + _("Nobody is told: no channel is configured.")
    for rule in told["troubled"]:
        text = _("The rule {rule} could not be asked: {trouble}")
        yield "! " + text.format(rule=rule["rule"], trouble=rule["trouble"])
    for one in told["undelivered"]:
        yield f"! {notice(one)}"


def notice(one: Entry) -> str:
    if one["state"] == "delivered":
        return _("Told by {channel}.").format(channel=one["channel"])
    told = _("Not told by {channel} ({state}): {trouble}")
    return told.format(
        channel=one["channel"], state=one["state"], trouble=names.legible(one["trouble"])
    )


def rules(told: Sequence[Entry]) -> str:
    return "\n".join(line for rule in told for line in _rule(rule))


def _rule(rule: Entry) -> Iterator[str]:
    state = "✔" if rule["enabled"] else "○"
    yield f"{state} {rule['rule']} [{rule['severity']}]: {rule['watches']}"
    fires = _("fires at {threshold:g} ({unit})")
    numbers = [fires.format(threshold=rule["threshold"], unit=rule["unit"])]
    numbers += [
        str(text).format(minutes=rule[name]) for name, text in _NUMBERS.items() if rule[name]
    ]
    yield "    " + "; ".join(numbers)
    if rule["muted_until"]:
        told = _("    muted until {until} by {by}: {reason}")
        by = {"by": rule["muted_by"], "reason": rule["muted_reason"]}
        yield names.legible(told.format(until=_time(rule["muted_until"]), **by))


def counts(done: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in done.items())


def _time(moment: str) -> str:
    return moment[:16].replace("T", " ")
