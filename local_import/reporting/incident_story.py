"""What an incident consists of: where its files lie, what they are, and examples of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice

from django.db.models import Q, QuerySet

from ..models import ImportItem, ImportSession, Incident

LOOKED_AT = 2_000  # files whose names are looked at for the distribution
SHOWN = 8  # lines of it
PAGE = 30  # files
Shares = list[tuple[str, int]]
Place = tuple[int, int]  # session and number of a file


@dataclass(frozen=True, slots=True)
class Distribution:
    """Of the files that were looked at: how many of which extension, and in which directory."""

    looked_at: int
    is_cut: bool  # there are more
    extensions: Shares
    directories: Shares


def files_of(incident: Incident) -> QuerySet[ImportItem]:
    return ImportItem.objects.filter(incident=incident)


def distribution(incident: Incident) -> Distribution:
    """One query, by the index of incidents."""
    rows = files_of(incident).order_by().values_list("shown_path", flat=True)
    paths = list(islice(rows[: LOOKED_AT + 1].iterator(), LOOKED_AT + 1))
    looked = paths[:LOOKED_AT]
    return Distribution(
        len(looked),
        len(paths) > LOOKED_AT,
        _most(Counter(map(_extension, looked))),
        _most(Counter(path.rpartition("/")[0] for path in looked)),
    )


def _extension(path: str) -> str:
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower()[:12] if "." in name[1:] else ""


def _most(counted: Counter[str]) -> Shares:
    found = counted.most_common(SHOWN)
    rest = counted.total() - sum(number for _name, number in found)
    return [*found, ("…", rest)] if rest else found


def page_of(
    incident: Incident, after: Place | None = None
) -> tuple[list[ImportItem], Place | None]:
    """Files session by session, from behind one on; and behind which the next page begins."""
    rows = files_of(incident).select_related("session").defer("failure")
    if after is not None:
        session, pk = after
        rows = rows.filter(Q(session=session, pk__gt=pk) | Q(session__gt=session))
    found = list(rows.order_by("session", "pk")[: PAGE + 1])
    shown = found[:PAGE]
    return shown, (shown[-1].session_id, shown[-1].pk) if len(found) > PAGE else None


def sessions_of(incident: Incident) -> list[ImportSession]:
    """Those in which it was ever seen, the newest first."""
    return list(incident.sessions.order_by("-pk")[:20])
