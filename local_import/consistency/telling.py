"""What a look or a repair has to say, as plain data; commands print it, pages will draw it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .look import LIMIT, RULES, Report
from .repair import Outcome, plan
from .rule import Suspect


def look_report(report: Report) -> dict[str, Any]:
    return {
        "consistent": not report.suspects,
        "frozen": report.is_frozen,
        "rules": [rule.code for rule in report.looked],
        "findings": [finding(suspect) for suspect in report.suspects],
        "more": _not_told(report),
    }


def _not_told(report: Report) -> dict[str, int]:
    """How many suspects of each rule are left out because there are too many of them."""
    return {
        code: number - LIMIT
        for code, number in report.numbers.items()
        if number > LIMIT and any(s.rule == code for s in report.suspects)
    }


def finding(suspect: Suspect) -> dict[str, Any]:
    rule = RULES[suspect.rule]
    return {
        "rule": rule.code,
        "severity": str(rule.severity),
        "about": rule.about,
        "object": suspect.key,
        "session": suspect.session_id,
        "item": suspect.item_id,
        "summary": rule.tell(suspect),
        "proposal": rule.propose(suspect),
        "risk": str(rule.risk),
        "repairable": rule.repair is not None,
        "automatic": rule.automatic,
        "advice": rule.advise(suspect),
        "evidence": dict(suspect.evidence),
    }


def plan_report(report: Report) -> dict[str, Any]:
    """What a repair would do, and what it would leave to a person."""
    planned = plan(report)
    return look_report(report) | {
        "applied": False,
        "planned": [finding(suspect) for suspect in planned],
        "left": _left(report.suspects, planned),
    }


def outcome_report(outcome: Outcome) -> dict[str, Any]:
    assert outcome.after
    reasons = {(s.rule, s.key): reason for s, reason in outcome.refused}
    left = [
        finding(suspect) | {"refused": reasons.get((suspect.rule, suspect.key), "")}
        for suspect in outcome.after.suspects
    ]
    return look_report(outcome.after) | {
        "applied": True,
        "repaired": [finding(suspect) for suspect in outcome.repaired],
        "left": left,
    }


def _left(suspects: Iterable[Suspect], planned: list[Suspect]) -> list[dict[str, Any]]:
    return [finding(suspect) for suspect in suspects if suspect not in planned]
