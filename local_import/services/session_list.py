"""The sessions, the newest first: by state, mode, name, and whether files of theirs failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.db.models.functions import Left

from ..models import ImportSession
from ..models.import_session import ImportSessionQuerySet
from ..states import ITEM_UNRESOLVED, SESSION_RUNNING, SESSION_WAITING, SessionState
from .progress import Progress, progress_of_many

ROWS = 50
FAMILIES = {  # what one asks for more often than for a single state
    "running": SESSION_RUNNING,
    "waiting": SESSION_WAITING,
    "trouble": frozenset({SessionState.FAILED, SessionState.ERROR}),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; an empty value asks for nothing."""

    state: str = ""  # a state or a family
    mode: str = ""
    text: str = ""  # how the label begins, or the source
    failures: bool = False
    in_sources: bool = True  # whether the asker may know the sources


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[tuple[ImportSession, Progress]]
    after: int | None  # the session behind which the next page begins, if there is one


def page_of(wanted: Wanted, after: int | None = None) -> Page:
    found = _matching(ImportSession.objects.order_by("-pk"), wanted)
    if after is not None:
        found = found.filter(pk__lt=after)
    rows = list(found.select_related("created_by")[: ROWS + 1])
    more = len(rows) > ROWS
    return Page(with_progress(rows[:ROWS]), rows[ROWS - 1].pk if more else None)


def with_progress(rows: Sequence[ImportSession]) -> list[tuple[ImportSession, Progress]]:
    return list(zip(rows, progress_of_many(rows), strict=True))


def _matching(rows: ImportSessionQuerySet, wanted: Wanted) -> ImportSessionQuerySet:
    if wanted.state:
        rows = rows.filter(state__in=FAMILIES.get(wanted.state, {wanted.state}))
    if wanted.mode:
        rows = rows.filter(mode=wanted.mode)
    if wanted.failures:
        rows = rows.filter(_has_failures())
    return _beginning(rows, wanted) if wanted.text else rows


def _has_failures() -> Q:
    failing = Q(state=SessionState.ERROR)
    for state in ITEM_UNRESOLVED:
        failing |= Q(**{f"counts__{state}__gt": 0})
    return failing


def _beginning(rows: ImportSessionQuerySet, wanted: Wanted) -> ImportSessionQuerySet:
    begins = {"label_begins": Left("label", len(wanted.text))}
    found = Q(label_begins=wanted.text)
    if wanted.in_sources:  # else one could find out a source by guessing it, letter by letter
        begins["source_begins"] = Left("source", len(wanted.text))
        found |= Q(source_begins=wanted.text)
    return rows.annotate(**begins).filter(found)
