"""The rules with what is known of each, and the findings, for whoever looks; nothing is asked anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from ..models import Finding
from ..models.finding import STANDING, FindingState, RuleLook
from .look import FREEZING, RULES
from .rule import Depth, Rule

ROWS_OF_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class RuleLine:
    rule: Rule
    looked_at: datetime | None  # None: never, or by looks that were not kept
    standing: int
    accepted: int
    held_back: bool  # until what freezes everything is settled


def rules() -> list[RuleLine]:
    """Every rule, those with findings first, then in the order in which they are asked. Two queries."""
    looks = dict(RuleLook.objects.values_list("rule", "looked_at"))
    known = Finding.objects.filter(state__in=(*STANDING, FindingState.ACCEPTED))
    numbers: dict[tuple[str, bool], int] = {}
    for code, state, number in known.values_list("rule", "state").annotate(number=Count("pk")):
        key = code, state == FindingState.ACCEPTED
        numbers[key] = numbers.get(key, 0) + number
    is_frozen = any(numbers.get((code, False)) for code in FREEZING)
    lines = [
        RuleLine(
            rule,
            looks.get(code),
            numbers.get((code, False), 0),
            numbers.get((code, True), 0),
            is_frozen and rule.depth > Depth.ROWS and code not in FREEZING,
        )
        for code, rule in RULES.items()
    ]
    return sorted(lines, key=lambda line: not line.standing)


def freezing() -> list[Finding]:
    """What keeps every repair from being made: the disk of the library seems to be away."""
    return list(Finding.objects.filter(rule__in=FREEZING, state__in=STANDING).order_by("pk"))


def in_short() -> tuple[datetime | None, int, int]:
    """When every rule of files was last asked, and how many findings stand and are accepted."""
    of_files = [code for code, rule in RULES.items() if rule.depth == Depth.FILES]
    looks = RuleLook.objects.filter(rule__in=of_files).aggregate(oldest=Min("looked_at"))
    numbers = dict(Finding.objects.values_list("state").annotate(number=Count("pk")))
    standing = sum(numbers.get(state, 0) for state in STANDING)
    return looks["oldest"], standing, numbers.get(FindingState.ACCEPTED, 0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which findings; empty: any. `standing` stands for open and back again."""

    rule: str = ""
    severity: str = ""
    state: str = "standing"
    session: int | None = None


def findings(wanted: Wanted, before: int | None = None) -> list[Finding]:
    """One more than fits on a page, the newest first, from below a number on."""
    rows = Finding.objects.order_by("-pk")
    if wanted.state:
        states = STANDING if wanted.state == "standing" else (wanted.state,)
        rows = rows.filter(state__in=states)
    for field, value in (
        ("rule", wanted.rule),
        ("severity", wanted.severity),
        ("session_id", wanted.session),
        ("pk__lt", before),
    ):
        rows = rows.filter(**{field: value}) if value else rows
    return list(rows[: ROWS_OF_A_PAGE + 1])
