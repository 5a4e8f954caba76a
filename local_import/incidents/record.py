"""The record of advice: what became of the files that were tried again after a failure.

Nothing is counted while files are imported: an item keeps which incident it was offered again after,
and this asks where those items are now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import F, Q

from ..models import ImportItem, Incident
from ..states import ITEM_UNRESOLVED, ItemState

MOST = 1000  # files looked at; the newest incidents first
_NEWEST_INCIDENTS = 50


@dataclass(frozen=True, slots=True)
class Record:
    """Of the files that were tried again: how many ended how. What is still under way is left out."""

    imported: int = 0
    failed_again: int = 0  # of the same cause in the same place
    otherwise: int = 0  # failed of something else, or were skipped
    is_cut: bool = False  # there were more than were looked at

    @property
    def ended(self) -> int:
        return self.imported + self.failed_again + self.otherwise

    def as_json(self) -> dict[str, int | bool]:
        return {
            "tried": self.ended,
            "imported": self.imported,
            "failed_again": self.failed_again,
            "otherwise": self.otherwise,
            "is_cut": self.is_cut,
        }


def record_after(code: str, *, incident_id: int | None = None) -> Record:
    """How trying again after this error code went: in one incident, or anywhere."""
    chosen = Q(pk=incident_id) if incident_id else Q(code=code)
    newest = Incident.objects.filter(chosen).most_recent_first()[:_NEWEST_INCIDENTS]
    tried = _tried(list(newest.values_list("pk", flat=True)), MOST)
    return _record(end for _incident, end in tried)


def records_of(incidents: Sequence[int]) -> dict[int, Record]:
    """The same in each of the incidents, by one query; one of which nothing was tried again is not there."""
    ends: dict[int, list[str]] = {}
    for incident, end in _tried(incidents, MOST * len(incidents)):
        ends.setdefault(incident, []).append(end)
    return {incident: _record(found) for incident, found in ends.items()}


def _tried(incidents: Sequence[int], most: int) -> list[tuple[int, str]]:
    """After which incident a file was tried again, and how that ended."""
    rows = ImportItem.objects.filter(retried_after__in=incidents)
    same = rows.annotate(same=Q(incident=F("retried_after")))
    found = same.values("retried_after", "state", "same")[:most]
    return [(row["retried_after"], _end(row)) for row in found]


def _record(ends: Iterable[str]) -> Record:
    number = Counter(ends)
    return Record(
        imported=number["imported"],
        failed_again=number["again"],
        otherwise=number["otherwise"],
        is_cut=number.total() >= MOST,
    )


def _end(row: Mapping[str, object]) -> str:
    if row["state"] == ItemState.IMPORTED:
        return "imported"
    if row["state"] in ITEM_UNRESOLVED:
        return "again" if row["same"] else "otherwise"
    return "otherwise" if row["state"] == ItemState.SKIPPED else "under way"
