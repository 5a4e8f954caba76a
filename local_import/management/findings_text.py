"""Findings and repairs as text for a terminal. Every name is escaped before it gets here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SHOWN = 50


def look(report: Mapping[str, Any]) -> str:
    rules = _number(report["rules"], "rule")
    if report["consistent"]:
        return f"✔ Consistent, by {rules}. {_reading(report)}"
    lines = _listed(report["findings"], "proposal")
    if report["findings"]:
        lines.append(f"{_number(report['findings'], 'finding')}.{_way_on(report)}")
    else:
        lines.append(f"Nothing else is wrong, by {rules}. {_reading(report)}")
    return "\n".join([*lines, *_apart(report)])


def _reading(report: Mapping[str, Any]) -> str:
    if report["depth"] == "contents":
        return "Every byte was read."
    return "No bytes were compared: --deep reads every file."


def _apart(report: Mapping[str, Any]) -> list[str]:
    """What keeps a report without findings from being called consistent."""
    lines = [f"  ? {one['text']}" for one in report["left_out"]]
    if report["accepted"]:
        lines.append(f"{_number(report['accepted'], 'finding')} accepted, and still there.")
    return lines


def plan(report: Mapping[str, Any]) -> str:
    lines = []
    for one in report["planned"][:SHOWN]:
        lines += [_headline(one), f"    → {one['proposal']}", f"    Risk: {one['risk']}"]
    lines += _more(report["planned"])
    lines += _listed(report["left"], "advice")
    summary = f"{_number(report['planned'], 'repair')} planned, {len(report['left'])} left to you."
    if report["planned"]:
        summary += " Nothing was changed; to repair: python manage.py repair_consistency --apply"
    return "\n".join([*lines, summary, *_apart(report)])


def outcome(report: Mapping[str, Any]) -> str:
    lines = [f"  ✔ {one['summary']} → {one['proposal']}" for one in report["repaired"][:SHOWN]]
    lines += _listed(report["left"], "advice")
    made = f"{report['number']} repair{'' if report['number'] == 1 else 's'}"
    summary = f"{made} made, {len(report['left'])} left."
    return "\n".join([*lines, summary, *_apart(report)])


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
