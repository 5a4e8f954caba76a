"""Findings and repairs as text for a terminal. Every name is escaped before it gets here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SHOWN = 50


def look(report: Mapping[str, Any]) -> str:
    accepted = f" {len(report['accepted'])} accepted." if report["accepted"] else ""
    if report["consistent"]:
        return f"✔ Consistent, by {len(report['rules'])} rules.{accepted}"
    lines = _listed(report["findings"], "proposal")
    lines.append(f"{_number(report['findings'], 'finding')}.{accepted}{_way_on(report)}")
    return "\n".join(lines)


def plan(report: Mapping[str, Any]) -> str:
    lines = []
    for one in report["planned"][:SHOWN]:
        lines += [_headline(one), f"    → {one['proposal']}", f"    Risk: {one['risk']}"]
    lines += _more(report["planned"])
    lines += _listed(report["left"], "advice")
    summary = f"{_number(report['planned'], 'repair')} planned, {len(report['left'])} left to you."
    if report["planned"]:
        summary += " Nothing was changed; to repair: python manage.py repair_consistency --apply"
    return "\n".join([*lines, summary])


def outcome(report: Mapping[str, Any]) -> str:
    lines = [f"  ✔ {one['summary']} → {one['proposal']}" for one in report["repaired"][:SHOWN]]
    lines += _listed(report["left"], "advice")
    made = f"{report['number']} repair{'' if report['number'] == 1 else 's'}"
    summary = f"{made} made, {len(report['left'])} left."
    return "\n".join([*lines, summary])


def _listed(findings: Sequence[Mapping[str, Any]], what_to_do: str) -> list[str]:
    lines = []
    for one in findings[:SHOWN]:
        lines.append(_headline(one))
        lines += [f"    {one['refused']}"] if one.get("refused") else []
        lines += [f"    → {one[what_to_do]}"] if one[what_to_do] else []
    return lines + _more(findings)


def _more(entries: Sequence[Any]) -> list[str]:
    left = len(entries) - SHOWN
    return [f"  … and {left} more; --json lists them."] if left > 0 else []


def _headline(one: Mapping[str, Any]) -> str:
    return f"  ✖ {one['summary']} [{one['severity']}, {one['rule']}]"


def _number(entries: list[Any], noun: str) -> str:
    return f"{len(entries)} {noun}{'' if len(entries) == 1 else 's'}"


def _way_on(report: Mapping[str, Any]) -> str:
    if report["frozen"]:
        return " Everything is frozen until this is settled."
    if any(one["repairable"] for one in report["findings"]):
        return " What can be repaired: python manage.py repair_consistency"
    return ""
