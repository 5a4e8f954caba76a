"""Repair: plan, verify again, apply, and look again. Nothing is deleted.

Each repair stands alone: it is verified right before it is made, and recorded with it; one that touches
files is recorded before, too, so that no file moves unheard of. A repair that was killed is found again
by the next look, or has left nothing to be found.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError
from django_fsm import TransitionNotAllowed

from ..audit_logger import Actor, AuditLogger, Entry
from ..door import StaleRows
from ..errors import ImportProblem
from ..fsops import FileEffectError
from ..isolation import OF_ALL, in_a_line
from ..models import Finding
from ..models.audit_log import AuditCategory, AuditLevel
from ..models.finding import FindingState
from ..transactions import database_now, in_transaction
from . import breaker, crowd, findings, look
from .look import RULES, Report
from .rule import CannotRepair, Depth, Look, Rule, Suspect

logger = logging.getLogger(__name__)

T = TypeVar("T")
DAILY_CAP = 500  # repairs that are made without being asked, within 24 hours
_REFUSALS = (CannotRepair, ImportProblem, TransitionNotAllowed, StaleRows, IntegrityError)
_audit = AuditLogger()


@dataclass(slots=True)
class Outcome:
    """What a repair found, made and left; of a crowd the lists hold a sample."""

    before: Report
    number: int = 0  # of repairs that were made
    repaired: list[Suspect] = field(default_factory=list)
    refused: list[tuple[Suspect, str]] = field(default_factory=list)  # with what stood in the way
    right: list[Suspect] = field(
        default_factory=list
    )  # by themselves when they were looked at again
    after: Report | None = None


def plan(report: Report) -> list[Suspect]:
    """What can be repaired, and is not lived with, in the order in which it will be."""
    if report.is_frozen:
        return []
    order = list(RULES)
    return sorted(_able(report.suspects), key=lambda suspect: order.index(suspect.rule))


def _able(suspects: Iterable[Suspect]) -> Iterator[Suspect]:
    accepted = findings.accepted()
    for suspect in suspects:
        if RULES[suspect.rule].repair and findings.digest_of(suspect) not in accepted:
            yield suspect


def repair(*, codes: Iterable[str] = (), depth: Depth = Depth.FILES, actor: Actor) -> Outcome:
    """Find, repair whatever can be, and find again."""
    chosen = list(codes)
    outcome = Outcome(look.take(codes=chosen, depth=depth))
    findings.keep(outcome.before)
    apply(plan(outcome.before), outcome, actor)
    for code in _crowded(outcome.before):
        _apply_to_crowd(RULES[code], outcome, actor)
    outcome.after = look.take(codes=chosen, depth=depth)
    findings.keep(outcome.after)
    return outcome


def _crowded(report: Report) -> list[str]:
    crowds = [] if report.is_frozen else report.suspects
    return [suspect.key for suspect in crowds if suspect.rule == crowd.CODE]


def _apply_to_crowd(rule: Rule, outcome: Outcome, actor: Actor) -> None:
    """To all that the first look only counted, as they are found."""
    with breaker.library_to_look_at() as library:
        every = rule.find(Look(database_now(), library), None)
        apply(_able(one for one in every if one.rule == rule.code), outcome, actor)


def repair_by_itself(report: Report, *, actor: Actor) -> Outcome:
    """Of what a look found, make the repairs that are safe without being asked, up to the cap; none
    while a finding says that the disk is away."""
    outcome = Outcome(report)
    if findings.is_frozen():
        return outcome
    safe = [suspect for suspect in plan(report) if RULES[suspect.rule].automatic]
    apply(safe[: max(DAILY_CAP - _made_lately(actor), 0)], outcome, actor)
    return outcome


def _made_lately(actor: Actor) -> int:
    since = database_now() - timedelta(days=1)
    made = Finding.objects.filter(state=FindingState.REPAIRED, closed_by=actor.name)
    return made.filter(closed_at__gte=since).count()


def apply(suspects: Iterable[Suspect], outcome: Outcome, actor: Actor) -> None:
    """Make the repair of each that breaks its rule still, and note how it went."""
    with breaker.library_to_look_at() as library:
        circumstances = Look(database_now(), library)
        for suspect in suspects:
            try:
                made = _apply_one(circumstances, suspect, actor)
            except ObjectDoesNotExist:
                _note(outcome.refused, (suspect, "It went away meanwhile."))
            except _REFUSALS as error:
                _note(outcome.refused, (suspect, str(error)))
            except (OSError, FileEffectError) as error:
                _note(outcome.refused, (suspect, getattr(error, "strerror", "") or str(error)))
            except OF_ALL:
                raise
            except Exception as error:  # a defect of ours must not keep the others from it
                logger.exception("%s of %s could not be repaired", suspect.rule, suspect.key)
                _note(outcome.refused, (suspect, in_a_line(error)))
            else:
                outcome.number += made
                _note(outcome.repaired if made else outcome.right, suspect)


def _note(notes: list[T], note: T) -> None:
    if len(notes) < crowd.SAMPLE:
        notes.append(note)


def _apply_one(circumstances: Look, suspect: Suspect, actor: Actor) -> bool:
    """False when it is right by now. Rows are repaired under the lock of the look that verified."""
    rule = RULES[suspect.rule]
    if circumstances.library:
        circumstances.library.forget()
    if not rule.unlocked:
        return in_transaction(partial(_repair_locked, circumstances, rule, suspect, actor))
    found = look.again(circumstances, rule, [suspect.key])
    for one in found:
        assert rule.repair
        if one.rule != rule.code:
            raise CannotRepair(RULES[one.rule].tell(one))
        _audit.record(_entry(rule, one, actor, "Begun to repair", "consistency.repair_begun"))
        rule.repair(circumstances, one, actor)
        in_transaction(partial(_record, rule, one, actor))
    return bool(found)


def _repair_locked(circumstances: Look, rule: Rule, suspect: Suspect, actor: Actor) -> bool:
    found = look.locked(circumstances, rule, [suspect.key])
    for one in found:
        assert rule.repair
        rule.repair(circumstances, one, actor)
        _record(rule, one, actor)
    return bool(found)


def _record(rule: Rule, suspect: Suspect, actor: Actor) -> None:
    _audit.record(_entry(rule, suspect, actor, "Repaired", "consistency.repair"))
    rows = Finding.objects.filter(digest=findings.digest_of(suspect))
    findings.close(rows, FindingState.REPAIRED, actor.name, database_now())


def _entry(rule: Rule, suspect: Suspect, actor: Actor, done: str, action: str) -> Entry:
    return Entry(
        AuditCategory.CONSISTENCY,
        f"{done}: {rule.tell(suspect)}",
        level=AuditLevel.WARNING,
        action=action,
        session_id=suspect.session_id,
        item_id=suspect.item_id,
        actor=actor,
        details={"rule": rule.code, "object": suspect.key, **suspect.evidence},
        recommended_actions=[rule.propose(suspect)],
    )
