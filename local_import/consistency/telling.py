"""What a look or a repair has to say, as plain data; commands print it, pages will draw it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from . import findings
from .look import RULES, Report
from .repair import Outcome, plan
from .rule import Suspect


def look_report(report: Report) -> dict[str, Any]:
    """`accepted` are findings that somebody lives with for now: nobody need act on them, but they are
    there. So `consistent` is only said where there is none, and nothing was left out."""
    known = findings.accepted()
    standing = [s for s in report.suspects if findings.digest_of(s) not in known]
    return {
        "consistent": report.is_complete and not report.suspects,
        "complete": report.is_complete,
        "frozen": report.is_frozen,
        "depth": report.depth.name.lower(),
        "rules": [rule.code for rule in report.judged()],
        "left_out": left_out(report),
        "findings": [finding(suspect) for suspect in standing],
        "accepted": [finding(suspect) for suspect in report.suspects if suspect not in standing],
    }


def left_out(report: Report) -> list[dict[str, Any]]:
    """What the look can say nothing of, each with its number and as a sentence."""
    numbers = dict(sorted(report.left_out.items()))
    if held_back := len(report.looked) - len(report.judged()):
        numbers["frozen"] = held_back
    return [
        {"reason": reason, "number": number, "text": str(_LEFT_OUT[reason]).format(number=number)}
        for reason, number in numbers.items()
    ]


_LEFT_OUT = {
    "fresh": _(
        "Files of the library that no media lists and that changed within the last two minutes: "
        "{number}. They are judged when they have been still for so long."
    ),
    "unreadable": _("Files of the library that could not be read: {number}."),
    "frozen": _("Rules that are held back until what freezes everything is settled: {number}."),
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
    planned = [finding(suspect) for suspect in plan(report)]
    told = look_report(report)
    left = [one for one in told["findings"] if one not in planned]
    return told | {"applied": False, "planned": planned, "left": left}


def outcome_report(outcome: Outcome) -> dict[str, Any]:
    assert outcome.after
    reasons = {(s.rule, s.key): reason for s, reason in outcome.refused}
    told = look_report(outcome.after)
    left = [
        one | {"refused": reasons.get((one["rule"], one["object"]))} for one in told["findings"]
    ]
    repaired = [finding(suspect) for suspect in outcome.repaired]
    number = {"number": outcome.number}  # of repairs; of a crowd only a sample is listed
    return told | {"applied": True, "repaired": repaired, "left": left} | number
