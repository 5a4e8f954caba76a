"""Findings: what a look saw, kept as rows from the first time it is seen until it is right again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial

from django.db.models import Q
from django.utils.translation import gettext as _

from .. import names
from ..audit_logger import Actor, AuditLogger, Entry
from ..isolation import Troubles
from ..metrics import note_finding
from ..models import Finding
from ..models.audit_log import AuditCategory
from ..models.finding import STANDING, FindingState, RuleLook
from ..transactions import database_now, in_transaction
from . import crowd, unasked
from .look import FREEZING, RULES, Report, look_again
from .rule import CannotLook, Rule, Suspect

_audit = AuditLogger()
_CLOSED = (FindingState.REPAIRED, FindingState.GONE)


class NotAcceptable(Exception):
    """Why a finding cannot be lived with, as a sentence."""


def keep(report: Report) -> None:
    """Write down what was seen, and close what is right again.

    A finding that was closed comes back under its old row; one that is accepted stays so until its
    time is over. Of what a frozen look withheld nothing is closed.
    """
    now = database_now()
    write_down(report.suspects, now)
    _close_gone(report, now)
    in_transaction(partial(_note_look, report, now))


def write_down(suspects: Iterable[Suspect], now: datetime) -> None:
    troubles = Troubles("written down")
    for suspect in _with_room(suspects):
        with troubles.of(suspect.rule + " " + suspect.key):
            in_transaction(partial(_keep_one, RULES[suspect.rule], suspect, now))


def _with_room(suspects: Iterable[Suspect]) -> Iterator[Suspect]:
    """Of a crowd no more rows than its sample are kept, even where each look sees other objects."""
    standing = Finding.objects.exclude(state__in=_CLOSED)
    known = set(standing.values_list("digest", flat=True))
    kept = Counter(standing.values_list("rule", flat=True))
    for suspect in suspects:
        is_new = digest_of(suspect) not in known
        kept[suspect.rule] += is_new
        if not is_new or kept[suspect.rule] <= crowd.SAMPLE:
            yield suspect


def _keep_one(rule: Rule, suspect: Suspect, now: datetime) -> None:
    values = {
        "severity": rule.severity,
        "session_id": suspect.session_id,
        "item_id": suspect.item_id,
        "summary": rule.tell(suspect),
        "proposal": rule.propose(suspect),
        "evidence": dict(suspect.evidence),
        "last_seen_at": now,
    }
    first = {"rule": rule.code, "about": rule.about, "key": suspect.key, "first_seen_at": now}
    row, is_new = Finding.objects.select_for_update().update_or_create(
        digest=digest_of(suspect), defaults=values, create_defaults=values | first
    )
    if is_new or row.state in _CLOSED:
        note_finding(rule.code)
    _stand(row, now)


def _stand(row: Finding, now: datetime) -> None:
    over = row.accepted_until is not None and row.accepted_until <= now
    if row.state in _CLOSED:
        Finding.objects.filter(pk=row.pk).update(
            state=FindingState.BACK, closed_at=None, closed_by=""
        )
    elif row.state == FindingState.ACCEPTED and over:
        Finding.objects.filter(pk=row.pk).update(state=FindingState.OPEN)


def digest_of(suspect: Suspect) -> str:
    return names.digest(f"{suspect.rule} {suspect.key}".encode())


def _close_gone(report: Report, now: datetime) -> None:
    """Findings that this look would have seen, had they still been there."""
    seen = {digest_of(suspect) for suspect in report.suspects}
    for rule in report.judged():
        rows = Finding.objects.filter(rule=rule.code).exclude(state__in=_CLOSED)
        rows = rows.filter(_belongs(report, rule))
        waiting = {row.key: row for row in rows.iterator() if row.digest not in seen}
        try:
            there = {suspect.key for suspect in look_again(rule, list(waiting))}
        except CannotLook:
            continue
        close([row for key, row in waiting.items() if key not in there], FindingState.GONE, "", now)


def _belongs(report: Report, rule: Rule) -> Q:
    """The findings of a rule that the look would have seen."""
    if report.session_id is not None:
        return Q(session_id=report.session_id)
    if rule.code in (crowd.CODE, unasked.CODE):  # about a rule that the look has asked
        return Q(key__in=[judged.code for judged in report.judged()])
    return Q()


def close(rows: Iterable[Finding], state: FindingState, by: str, now: datetime) -> None:
    found = Finding.objects.filter(pk__in=[row.pk for row in rows])
    found.update(state=state, closed_at=now, closed_by=by, accepted_until=None)


def _note_look(report: Report, now: datetime) -> None:
    """Write down when each rule was asked about everything."""
    if report.session_id is None:
        numbers, judged = report.numbers, report.judged()
        rows = [RuleLook(rule=r.code, looked_at=now, number=numbers[r.code]) for r in judged]
        RuleLook.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["rule"],
            update_fields=["looked_at", "number"],
        )


def is_frozen() -> bool:
    """Whether the last look at the files found the disk away: until another one finds it there."""
    return Finding.objects.filter(rule__in=FREEZING, state__in=STANDING).exists()


def accepted() -> set[str]:
    """The digests of what somebody lives with for now."""
    rows = Finding.objects.filter(state=FindingState.ACCEPTED, accepted_until__gt=database_now())
    return set(rows.values_list("digest", flat=True))


def accept(finding_id: int, *, until: datetime, reason: str, actor: Actor) -> Finding:
    """Live with a finding until a time; then it stands again, and until then nothing repairs it.

    Raises Finding.DoesNotExist when it does not stand, and NotAcceptable for one of the breaker's.
    """
    return in_transaction(partial(_accept, finding_id, until, reason, actor))


def _accept(finding_id: int, until: datetime, reason: str, actor: Actor) -> Finding:
    acceptable = Finding.objects.filter(state__in=(*STANDING, FindingState.ACCEPTED))
    row = acceptable.select_for_update().get(pk=finding_id)
    if row.rule in FREEZING:
        raise NotAcceptable(_("Nobody can live with this: it keeps all files from being judged."))
    row.state, row.accepted_until = FindingState.ACCEPTED, until
    row.accepted_reason, row.accepted_by = reason, actor.name
    row.save(update_fields=["state", "accepted_until", "accepted_reason", "accepted_by"])
    entry = Entry(
        AuditCategory.CONSISTENCY,
        f"Accepted until {until:%Y-%m-%d %H:%M}: {reason}",
        action="finding.accept",
        session_id=row.session_id,
        item_id=row.item_id,
        actor=actor,
        details={"rule": row.rule, "object": row.key, "until": until.isoformat()},
    )
    _audit.record(entry)
    return row
