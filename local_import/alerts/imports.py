"""Signals of imports: what fails, what has stopped, and what stands still."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from ..consistency import waiting
from ..errors import ErrorCode, Severity
from ..metrics import Measure, sums
from ..models import ImportItem, ImportSession
from ..services import background
from ..states import SessionState
from .signal import Cause, Circumstances, Signal

FEWEST_FILES = 20  # of fewer files no share is worth a word
SHOWN = 5


def find_failures(seen: Circumstances) -> Iterator[Cause]:
    rows = sums(Measure.FILE, "code", since=seen.since)
    count, failed = (sum(row[name] for row in rows) for name in ("number", "failed"))
    if count < FEWEST_FILES or failed < seen.threshold * count:
        return
    worst = sorted((row for row in rows if row["failed"]), key=lambda row: -row["failed"])
    codes = ", ".join(row["code"] for row in worst[:SHOWN])
    facts = {"count": count, "failed": failed, "share": f"{failed / count:.0%}", "codes": codes}
    yield Cause("", facts | {"minutes": int(seen.window.total_seconds() // 60)})


def find_failed(seen: Circumstances) -> Iterator[Cause]:
    """By session: files of one that fail in five hundred places are one thing to see to."""
    failed = (
        ImportItem.objects.unresolved()  # found by the index on session and state
        .filter(session__state=SessionState.FAILED)
        .values_list("session", "incident__code")
    )
    numbers: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for session, code, number in failed.annotate(Count("pk")).order_by("session"):
        numbers[session][code or ErrorCode.UNKNOWN.value] += number
    for session, by_code in numbers.items():
        if by_code.total() >= seen.threshold:
            codes = ", ".join(code for code, _number in by_code.most_common(SHOWN))
            facts = {"session": session, "files": by_code.total(), "codes": codes}
            yield Cause(f"session:{session}", facts, f"session:{session}")


def find_in_error(seen: Circumstances) -> Iterator[Cause]:
    """By incident: five sessions that meet one full disk are one thing to see to."""
    broken = ImportSession.objects.filter(state=SessionState.ERROR).order_by("pk")
    by_cause: defaultdict[str, list[ImportSession]] = defaultdict(list)
    for session in broken:
        number = session.incident_id
        by_cause[f"incident:{number}" if number else f"session:{session.pk}"].append(session)
    for key, sessions in by_cause.items():
        if len(sessions) >= seen.threshold:
            first = sessions[0]
            facts = {"number": len(sessions), "sessions": _listed([one.pk for one in sessions])}
            facts["why"] = str(first.failure.get("summary") or first.get_error_code_display())
            yield Cause(key, facts | {"session": first.pk}, f"session:{first.pk}")


def _listed(numbers: list[int]) -> str:
    more = len(numbers) - SHOWN
    told = ", ".join(map(str, numbers[:SHOWN]))
    return f"{told}, … (+{more})" if more > 0 else told


def find_stalled(seen: Circumstances) -> Iterator[Cause]:
    since = seen.now - timedelta(minutes=seen.threshold)
    for session in background.with_work(seen.now).order_by("pk"):
        if waiting.is_stalled(session, seen.now, since):
            facts = {"session": session.pk, "minutes": int(seen.threshold)}
            yield Cause(f"session:{session.pk}", facts, f"session:{session.pk}")


SIGNALS = (
    Signal(
        code="failure_rate",
        severity=Severity.HIGH,
        watches=_("share of files that fail"),
        sentence=_(
            "{failed} of {count} files ({share}) failed in the last {minutes} minutes: {codes}."
        ),
        advice=_("See what they have in common: python manage.py import_incidents"),
        find=find_failures,
        unit=_("failed files as a share of all, from 0 to 1"),
        threshold=0.1,
        window_minutes=60,
    ),
    Signal(
        code="session_failed",
        severity=Severity.MEDIUM,
        watches=_("sessions of which files failed"),
        sentence=_(
            "Session {session} has failed: {files} of its files could not be imported ({codes})."
        ),
        advice=_("See why, and what to do: python manage.py explain session:{session}"),
        find=find_failed,
        unit=_("failed files of one session"),
        threshold=1,
    ),
    Signal(
        code="session_error",
        severity=Severity.HIGH,
        watches=_("sessions that cannot go on"),
        sentence=_("Session {sessions} cannot go on. {why}"),
        advice=_("See what to do: python manage.py explain session:{session}"),
        find=find_in_error,
        unit=_("sessions of one cause"),
        threshold=1,
    ),
    Signal(
        code="session_stalled",
        severity=Severity.HIGH,
        watches=_("sessions that stand still"),
        sentence=_("Session {session} has work, but for {minutes} minutes nobody has come to it."),
        advice=_("See what it waits for: python manage.py explain session:{session}"),
        find=find_stalled,
        unit=_("minutes without a move"),
        threshold=15,
        covered_by="no_worker",
    ),
)
