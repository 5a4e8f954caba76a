"""A look: run the rules, look a second time at whatever they suspect, and let the breaker judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from django.db import models

from ..isolation import Troubles
from ..models import ImportItem, ImportSession, Media
from ..transactions import database_now, in_transaction
from . import (
    aside,
    breaker,
    crowd,
    gone,
    imports,
    media,
    schedule,
    sessions,
    strays,
    trail,
    unasked,
    upkeep,
    waiting,
    work,
)
from .rule import CannotLook, Depth, Find, Look, Rule, Suspect

_ROOMS = (
    breaker,
    gone,
    crowd,
    trail,
    work,
    waiting,
    sessions,
    imports,
    media,
    strays,
    aside,
    schedule,
    upkeep,
    unasked,
)
RULES = {rule.code: rule for room in _ROOMS for rule in room.RULES}
CHUNK = 200  # suspects that are looked at again in one transaction
FREEZING = (
    *("library_away", "database_set_back", "library_set_back"),
    *("files_gone_at_once", "files_wrong_at_once", "contents_wrong_at_once"),
)
_TABLES: dict[str, type[models.Model]] = {
    "session": ImportSession,
    "item": ImportItem,
    "media": Media,
}


@dataclass(slots=True)
class Report:
    """What a look found; `numbers` counts by rule what the first look suspected."""

    looked: list[Rule]
    session_id: int | None = None
    suspects: list[Suspect] = field(default_factory=list)
    numbers: Counter[str] = field(default_factory=Counter)
    unasked: dict[str, str] = field(default_factory=dict)  # rule → why it could not be asked
    left_out: Counter[str] = field(
        default_factory=Counter
    )  # of which it can say nothing, by reason
    depth: Depth = Depth.CONTENTS

    @property
    def is_frozen(self) -> bool:
        return any(suspect.rule in FREEZING for suspect in self.suspects)

    @property
    def is_complete(self) -> bool:
        """Whether everything that was to be looked at was."""
        return not (self.is_frozen or self.unasked or self.left_out.total())

    def judged(self) -> list[Rule]:
        """The rules that this look had an answer of."""
        asked = [r for r in self.looked if r.code not in self.unasked]
        return [r for r in asked if not self.is_frozen or r.depth == Depth.ROWS]


def take(
    *, session_id: int | None = None, depth: Depth = Depth.FILES, codes: Iterable[str] = ()
) -> Report:
    """Look with every rule up to a depth, or with those of the codes; changes nothing."""
    wanted = [RULES[code] for code in codes] or [r for r in RULES.values() if r.depth <= depth]
    with breaker.library_to_look_at() as library:
        look = Look(database_now(), library, session_id)
        report = Report(wanted, session_id, depth=max(rule.depth for rule in wanted))
        troubles = Troubles("asked")
        for find in dict.fromkeys(rule.find for rule in (*breaker.RULES, *wanted)):
            with troubles.of(find):
                _ask(look, find, report)
        report.unasked = {r.code: troubles.told[r.find] for r in wanted if r.find in troubles.told}
        _ask_in_the_end(look, report)
        _set_back(look, report)
        _freeze(report, Media.objects.count())
        report.left_out = look.left_out
    chosen = {rule.code for rule in wanted}
    report.suspects = [s for s in report.suspects if s.rule in chosen or s.rule in FREEZING]
    report.suspects += unasked.unasked(report.unasked)
    report.suspects += crowd.crowds({s.rule: report.numbers[s.rule] for s in report.suspects})
    return report


def of_reading(suspects: Sequence[Suspect], files: int) -> Report:
    """What a reading of so many files has found; as in a look at all, many at once freeze."""
    rules = [rule for rule in RULES.values() if rule.depth == Depth.CONTENTS]
    report = Report(rules, suspects=list(suspects))
    report.numbers.update(suspect.rule for suspect in suspects)
    _freeze(report, files)
    return report


def look_again(rule: Rule, keys: Sequence[str]) -> list[Suspect]:
    """Those of the named objects that break the rule now, and those that cannot be asked about it.

    Raises CannotLook.
    """
    if not keys:
        return []
    with breaker.library_to_look_at() as library:
        return again(Look(database_now(), library), rule, keys)


def _ask_in_the_end(look: Look, report: Report) -> None:
    """What was read of a library that is not at its path any more says nothing of the one there."""
    if look.library is not None and not breaker.is_in_place(look.library):
        _ask(replace(look, library=None), breaker.find, report)


def _ask(look: Look, find: Find, report: Report) -> None:
    suspected: dict[str, list[Suspect]] = {}
    codes = {rule.code for rule in RULES.values() if rule.find is find}
    for suspect in find(look, None):
        if suspect.rule not in codes:
            continue  # another pass tells of it
        report.numbers[suspect.rule] += 1
        if report.numbers[suspect.rule] <= crowd.SAMPLE:
            suspected.setdefault(suspect.rule, []).append(suspect)
    for code, suspects in suspected.items():
        with suppress(CannotLook):
            report.suspects += again(look, RULES[code], [suspect.key for suspect in suspects])


def again(look: Look, rule: Rule, keys: Sequence[str]) -> list[Suspect]:
    """The second look: those of the named objects that break the rule still, or cannot be asked.

    Rows are seen under lock. No lock is held while files are looked at, and none is needed: where
    two looks read the same row, it was so, too, when the first one went to the disk in between.
    Raises CannotLook when the library is away and the rule is about its files.
    """
    if look.library is None and rule.depth > Depth.ROWS:
        raise CannotLook("The library is not there, or not mounted.")
    found: list[Suspect] = []
    for start in range(0, len(keys), CHUNK):
        some = keys[start : start + CHUNK]
        if rule.depth == Depth.ROWS:
            found += in_transaction(partial(locked, look, rule, some))
        else:
            found += seen(look, rule, some)
    return found


def locked(look: Look, rule: Rule, keys: Sequence[str]) -> list[Suspect]:
    """Call it in a transaction: nobody changes the objects until that ends."""
    if table := _TABLES.get(rule.about):
        rows = table._base_manager.select_for_update().filter(pk__in=map(int, keys))
        list(rows.order_by("pk").values_list("pk"))
    return seen(look, rule, keys)


def seen(look: Look, rule: Rule, keys: Sequence[str]) -> list[Suspect]:
    now = replace(look, now=database_now())
    codes = (rule.code, *rule.unknown)
    return [suspect for suspect in rule.find(now, keys) if suspect.rule in codes]


def _set_back(look: Look, report: Report) -> None:
    """Where library or database seem to be of an older day, one finding stands for all of the files."""
    most = breaker.most(Media.objects.count())
    if (number := _number(report, "original_unlisted")) >= most:
        report.suspects.append(breaker.set_back(number, _of(report, "original_unlisted")))
    if _number(report, "media_missing") >= most:
        report.suspects = [one for one in report.suspects if one.rule != "media_missing"]
        report.suspects.append(gone.told(gone.missing_now(look)))


def _freeze(report: Report, files: int) -> None:
    """Where the breaker trips, one finding stands for all that is said of files."""
    report.suspects += breaker.tripped(report.suspects, files)
    if report.is_frozen:
        report.suspects = [
            suspect
            for suspect in report.suspects
            if suspect.rule in FREEZING or RULES[suspect.rule].depth == Depth.ROWS
        ]


def _of(report: Report, code: str) -> list[Suspect]:
    return [suspect for suspect in report.suspects if suspect.rule == code]


def _number(report: Report, code: str) -> int:
    """How many break a rule, by the second look; of a crowd, by the first."""
    number = report.numbers[code]
    return number if number > crowd.SAMPLE else len(_of(report, code))
