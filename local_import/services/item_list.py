"""The items of a session, page by page, in the order of an index: by state, and by number within.

What no index can find is looked for in a window of items, and the window is told of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from urllib.parse import parse_qsl, urlencode

from django.db.models import Q
from django.db.models.functions import Left

from ..audit_log_repository import row_id
from ..errors import ErrorCode
from ..models import ImportItem
from ..models.import_item import ImportItemQuerySet
from ..states import ItemState, SkipReason

ROWS = 100
WINDOW = 10_000  # items that are looked through for what no index finds
Place = tuple[str, int]  # state and number of the item before


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; an empty value asks for nothing."""

    state: str = ""
    code: str = ""  # of an error, or the reason of a skip
    incident: int | None = None
    path: str = ""  # how the path below the source begins
    stopped_in: str = ""  # the state in which it left its way

    def __str__(self) -> str:
        """As the query of an address, which `parse` reads."""
        return urlencode({word: value for word, value in asdict(self).items() if value})

    @classmethod
    def parse(cls, text: str) -> Wanted:
        """Raises ValueError for a word or a value that is not known, and for an empty value: the
        filter that was meant would be lost, and all files be found."""
        pairs = parse_qsl(text, strict_parsing=True, keep_blank_values=True) if text else []
        told = dict(pairs)
        if empty := [word for word, value in pairs if not value]:
            raise ValueError(f"{empty} is given no value")
        if unknown := told.keys() - {one.name for one in fields(cls)}:
            raise ValueError(f"{unknown} is no filter of files")
        incident = row_id(told["incident"]) if "incident" in told else None
        if incident is None and "incident" in told:
            raise ValueError(f"{told['incident']} is no incident")
        state = ItemState(told["state"]) if "state" in told else ""
        code = ErrorCode(told["code"]) if "code" in told else ""
        stopped_in = ItemState(told["stopped_in"]) if "stopped_in" in told else ""
        return cls(state, code, incident, told.get("path", ""), stopped_in)


@dataclass(frozen=True, slots=True)
class Page:
    """`after` is where the next page begins, if there is one; `looked_at` the size of a window."""

    items: list[ImportItem]
    after: Place | None
    looked_at: int = 0


def matching(session_id: int, wanted: Wanted) -> ImportItemQuerySet:
    """All of them, in no order; where no index finds them every file of the session is looked at."""
    return _matching(_found_by_index(session_id, wanted).order_by(), wanted)


def page_of(session_id: int, wanted: Wanted, after: Place | None = None) -> Page:
    rows = _found_by_index(session_id, wanted)
    needs_window = wanted.path or wanted.code in SkipReason.values
    return _in_window(rows, wanted, after) if needs_window else _next(rows, after)


def _found_by_index(session_id: int, wanted: Wanted) -> ImportItemQuerySet:
    rows = ImportItem.objects.in_session(session_id).order_by("state", "pk")
    if wanted.incident is not None:
        rows = rows.filter(incident=wanted.incident)
    if wanted.code in SkipReason.values:
        rows = rows.filter(state=ItemState.SKIPPED)
    elif wanted.code:
        rows = rows.filter(incident__code=wanted.code)
    if wanted.stopped_in:
        rows = rows.stopped().filter(stopped_in=wanted.stopped_in)
    return rows.filter(state=wanted.state) if wanted.state else rows


def _next(rows: ImportItemQuerySet, after: Place | None) -> Page:
    found = list(_rows_after(rows, after, ROWS + 1))
    last = found[ROWS - 1] if len(found) > ROWS else None
    return Page(found[:ROWS], (str(last.state), last.pk) if last else None)


def _rows_after(rows: ImportItemQuerySet, after: Place | None, number: int) -> Iterator[ImportItem]:
    """The rest of the state first, then the states behind it: each is a range of the index."""
    rows = rows.select_related("incident").defer("failure", "incident__failure")
    if after is None:
        yield from rows[:number]
        return
    state, pk = after
    rest = list(rows.filter(state=state, pk__gt=pk)[:number])
    yield from rest
    if len(rest) < number:
        yield from rows.filter(state__gt=state)[: number - len(rest)]


def _in_window(rows: ImportItemQuerySet, wanted: Wanted, after: Place | None) -> Page:
    end = _end_of_window(rows, after)
    within = rows.filter(_up_to(end)) if end else rows
    page = _next(_matching(within, wanted), after)
    return page if page.after else Page(page.items, end, WINDOW)


def _matching(rows: ImportItemQuerySet, wanted: Wanted) -> ImportItemQuerySet:
    if wanted.code in SkipReason.values:
        rows = rows.filter(skip_reason=wanted.code)
    if wanted.path:
        rows = rows.annotate(begins=Left("shown_path", len(wanted.path))).filter(begins=wanted.path)
    return rows


def _end_of_window(rows: ImportItemQuerySet, after: Place | None) -> Place | None:
    """The last item of the window; None when everything that is left lies in it."""
    places = rows.values_list("state", "pk")
    if after is None:
        return next(iter(places[WINDOW - 1 : WINDOW]), None)
    state, pk = after
    here = places.filter(state=state, pk__gt=pk)
    found = next(iter(here[WINDOW - 1 : WINDOW]), None)
    if found is not None:
        return found
    left = WINDOW - here.count()
    return next(iter(places.filter(state__gt=state)[left - 1 : left]), None)


def _up_to(place: Place) -> Q:
    state, pk = place
    return Q(state__lt=state) | Q(state=state, pk__lte=pk)
