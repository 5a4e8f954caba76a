"""The oracle: what must be true at every instant, read from the database and the disk.

It knows the laws and nothing of the code that keeps them.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from local_import import names
from local_import.models import AuditLog, ImportItem, ImportSession, Media
from local_import.state_synchronizer import _snapshot, derive, flags_of
from local_import.states import ITEM_AT_REST, ITEM_IN_WORK, ITEM_UNRESOLVED, SESSION_AT_REST

from .place import TABLES, Place

INCOMING, QUARANTINE, MARK = ".incoming/", "quarantine/", ".photonest-library"
_PASSING = {  # columns that a sync or a call writes anew
    *("counted_at", "runner", "runner_lease_until"),
    *("rung_at", "unanswered_rings"),
}


def files(root: Path) -> dict[str, str]:
    """The SHA-256 of every regular file below a directory, by its path below it."""
    found = {}
    for folder, _, inside in os.walk(root):
        for name in inside:
            path = Path(folder, name)
            if stat.S_ISREG(path.lstat().st_mode):
                found[str(path.relative_to(root))] = sha256(path.read_bytes()).hexdigest()
    return found


@dataclass
class Sight:
    """Database and disk as they are at one moment; read when first asked for."""

    place: Place

    @cached_property
    def everything(self) -> dict[str, str]:
        return files(self.place.library)

    @cached_property
    def library(self) -> dict[str, str]:
        apart = (INCOMING, QUARANTINE, MARK)
        return {path: one for path, one in self.everything.items() if not path.startswith(apart)}

    @cached_property
    def incoming(self) -> set[str]:
        return {p.removeprefix(INCOMING) for p in self.everything if p.startswith(INCOMING)}

    @cached_property
    def items(self) -> list[ImportItem]:
        return list(ImportItem.objects.select_related("media", "session").order_by("pk"))

    @cached_property
    def in_work(self) -> list[ImportItem]:
        return [item for item in self.items if item.state in ITEM_IN_WORK]

    @cached_property
    def going_back(self) -> list[ImportItem]:
        """What is imported, of sessions in which an undo is written down and not ended."""
        return [item for item in self.items if item.session.undo_requested_at and item.media]

    @cached_property
    def sessions(self) -> list[ImportSession]:
        return list(ImportSession.objects.order_by("pk"))


Law = Callable[[Sight], Iterator[str]]


def verify(place: Place, *, removable: bool = True) -> list[str]:
    """Every violation of the laws, in words; asked at any instant, also while items are in work.

    Not `removable`: temporary files could not be removed, so that some may be left over for now.
    """
    sight = Sight(place)
    laws = [law for law in LAWS if removable or law is not temporary_files_belong_to_work]
    return [text for law in laws for text in law(sight)]


def verify_end(place: Place, *, edited: bool = False) -> list[str]:
    """The same at the end of it all: every file imported or a duplicate, and nothing left over.

    When the source was `edited` meanwhile, new bytes may well wait in it for the next import.
    """
    sight = Sight(place)
    ends = [law for law in ENDS if not edited or law not in OF_A_QUIET_SOURCE]
    return [text for law in (*LAWS, *ends) for text in law(sight)]


def verify_undone(place: Place) -> list[str]:
    """Every photo is back, the library has none of the session's, and nothing is left over."""
    sight = Sight(place)
    ends = (everything_is_back, sessions_follow_from_their_items, nothing_is_left_over)
    return [text for law in (*LAWS, *ends) for text in law(sight)]


def no_byte_is_lost(sight: Sight) -> Iterator[str]:
    whole = {one for path, one in sight.everything.items() if not path.startswith(INCOMING)}
    whole |= set(files(sight.place.source).values())
    for lost in sorted(sight.place.must_survive - whole):
        yield f"the bytes {lost[:8]} exist whole in neither source, library nor quarantine"


def imported_is_true(sight: Sight) -> Iterator[str]:
    for item in sight.items:
        if item.state != "imported" or item in sight.going_back:
            continue
        if item.media is None:
            yield f"{item} is imported and has no Media row"
        elif sight.library.get(item.media.path) != item.sha256 or item.media.sha256 != item.sha256:
            yield f"{item} is imported, but {item.media.path} does not hold its bytes"
        elif (sight.place.library / item.media.path).stat().st_size != item.media.size_bytes:
            yield f"{item} is imported, but {item.media.path} has another size than its row"


def a_duplicate_has_its_twin(sight: Sight) -> Iterator[str]:
    for item in sight.items:
        taken_back = item.session.undo_requested_at or item.session.state == "canceled"
        if item.skip_reason != "duplicate" or taken_back or _went_back(sight, item):
            continue
        if item.media is None or sight.library.get(item.media.path) != item.sha256:
            yield f"{item} is skipped as a duplicate, but the library lacks its bytes"


def _went_back(sight: Sight, item: ImportItem) -> bool:
    """Whether an undo that left other files in the library took what it is a duplicate of out of it."""
    alike = [
        one for one in sight.items if (one.session_id, one.sha256) == (item.session_id, item.sha256)
    ]
    return any(one.state == "source_restored" for one in alike)


def missing_is_gone(sight: Sight) -> Iterator[str]:
    for item in sight.items:
        if item.state == "missing" and os.path.lexists(item.absolute_path):
            yield f"{item} is called missing, but its source is there"


def every_library_file_has_one_row(sight: Sight) -> Iterator[str]:
    rows = Counter(Media.objects.values_list("path", flat=True))
    # A worker that stood still may have placed what is called missing, until the next sweep; and a
    # disk that died may have kept what it did not confirm, until the file is taken again.
    looked_for = [item for item in sight.items if item.state in ("missing", "pending")]
    planned = {item.destination for item in (*sight.in_work, *looked_for)}
    for path, one in sight.library.items():
        if rows[path] != 1 and path not in planned and one not in sight.place.kept:
            yield f"{path} in the library has {rows[path]} Media rows and nobody plans it"
    leaving = {item.media.path for item in sight.going_back if item.media}
    for path in rows.keys() - sight.library.keys() - leaving:
        yield f"Media names {path}, which is not there"


def no_content_is_listed_twice(sight: Sight) -> Iterator[str]:
    for one, number in Counter(Media.objects.values_list("sha256", flat=True)).items():
        if number > 1:
            yield f"{number} Media rows have the bytes {one[:8]}"
    for media in Media.objects.all():
        if sight.library.get(media.path) not in (media.sha256, None):
            yield f"{media.path} holds other bytes than its Media row says"


def the_audit_tells_every_state(sight: Sight) -> Iterator[str]:
    told: dict[Any, list[tuple[str, str]]] = {}
    rows = AuditLog.objects.filter(category="state_transition").order_by("pk")
    for row in rows.values_list("session", "item", "from_state", "to_state"):
        told.setdefault(("item", row[1]) if row[1] else ("session", row[0]), []).append(row[2:])
    for item in sight.items:
        yield from _chain(f"item {item}", item.state, [*told.get(("item", item.pk), [])], "")
    for session in sight.sessions:
        steps = told.get(("session", session.pk), [])
        yield from _chain(f"session {session}", session.state, steps, "pending")


def _chain(name: str, state: str, steps: list[tuple[str, str]], first: str) -> Iterator[str]:
    at = first
    for source, target in steps:
        if source != at:
            yield f"the audit of {name} goes on from {source} after {at}"
        at = target
    if at != state:
        yield f"{name} is {state}, but its audit ends at {at or 'nothing'}"


def work_has_an_owner(sight: Sight) -> Iterator[str]:
    for item in sight.items:
        held = (bool(item.owner), item.lease_until is not None)
        if item.state in ITEM_IN_WORK and (held != (True, True) or item.fence < 1):
            yield f"{item} is {item.state} without owner, lease and fence"
        if item.state not in ITEM_IN_WORK and held != (False, False):
            yield f"{item} is {item.state} and still has an owner or a lease"


def a_session_at_rest_rests(sight: Sight) -> Iterator[str]:
    for session in sight.sessions:
        states = {item.state for item in sight.items if item.session_id == session.pk}
        if session.state in SESSION_AT_REST and states & set(ITEM_IN_WORK):
            yield f"session {session} is {session.state} with items in work"
        if session.state in ("imported", "failed") and not states <= ITEM_AT_REST:
            yield f"session {session} is {session.state} with items that wait"
        if session.state == "imported" and states & {"failed", "missing"}:
            yield f"session {session} is imported with items that are not"


def every_failure_has_its_incident(sight: Sight) -> Iterator[str]:
    for item in sight.items:
        if (item.state in ITEM_UNRESOLVED) != (item.incident_id is not None):
            yield f"{item} is {item.state} and has incident {item.incident_id}"
    for row in (*sight.items, *sight.sessions):
        if row.incident is not None and row.incident.state == "resolved":
            yield f"incident {row.incident} is resolved, but {row} fails of it"


def temporary_files_belong_to_work(sight: Sight) -> Iterator[str]:
    fences = {item.pk: item.fence for item in sight.in_work}
    for name in sorted(sight.incoming):
        claim = names.claim_of(f".incoming/{name}".encode()) or (0, 0)
        if claim[1] > fences.get(claim[0], -1) and not name.startswith(
            "probe-"
        ):  # of a process that looked whether it can write
            yield f".incoming/{name} belongs to no item in work"


def _photos(sight: Sight) -> Iterator[ImportItem]:
    """The items but for directories that could not be read once: their files are items of their own."""
    directory = ("skipped", "directory")
    return (item for item in sight.items if (item.state, item.skip_reason) != directory)


def everything_is_imported(sight: Sight) -> Iterator[str]:
    for item in _photos(sight):
        if item.state != "imported" and (item.state, item.skip_reason) != ("skipped", "duplicate"):
            yield f"{item} ended as {item.state} {item.code} {item.failure}"
    held = set(sight.library.values())
    for name, content in sight.place.contents.items():
        if sha256(content).hexdigest() not in held:
            yield f"{name} is not in the library"
    for session in sight.sessions:
        if session.state != "imported":
            yield f"session {session} ended as {session.state} {session.failure}"


def everything_is_back(sight: Sight) -> Iterator[str]:
    found = files(sight.place.source)
    for name, content in sight.place.contents.items():
        if found.get(name) != sha256(content).hexdigest():
            yield f"{name} is not back at its source"
    root = os.fsencode(sight.place.source)
    for item in sight.items:
        own = bytes(item.session.source_path) == root
        if own and item.state not in ("source_restored", "skipped"):
            yield f"{item} is {item.state} after its undo"
    for session in sight.sessions:
        if bytes(session.source_path) == root and session.state != "canceled":
            yield f"session {session} is {session.state} after its undo"


def the_source_is_as_the_mode_says(sight: Sight) -> Iterator[str]:
    found = files(sight.place.source)
    root = os.fsencode(sight.place.source)
    moved = [i for i in sight.items if i.session.mode == "move" and i.state == "imported"]
    taken = {item.absolute_path for item in moved}  # also where another session took it
    for item in _photos(sight):
        if bytes(item.session.source_path) != root:
            continue
        goes = item.absolute_path in taken
        if (os.fsdecode(bytes(item.path)) in found) == goes:
            yield f"{item} is {item.state} and its source {'is still there' if goes else 'is gone'}"


def sessions_follow_from_their_items(sight: Sight) -> Iterator[str]:
    for session in sight.sessions:
        counts = _snapshot(session).counts
        due = derive(flags_of(session, counts), counts)
        if session.state != due:
            yield f"session {session} is {session.state}, but its items call for {due}"


def nothing_is_left_over(sight: Sight) -> Iterator[str]:
    for name in sorted(sight.incoming):
        yield f".incoming/{name} is left over"


LAWS: tuple[Law, ...] = (
    no_byte_is_lost,
    imported_is_true,
    a_duplicate_has_its_twin,
    missing_is_gone,
    every_library_file_has_one_row,
    no_content_is_listed_twice,
    the_audit_tells_every_state,
    work_has_an_owner,
    a_session_at_rest_rests,
    every_failure_has_its_incident,
    temporary_files_belong_to_work,
)
OF_A_QUIET_SOURCE: tuple[Law, ...] = (everything_is_imported, the_source_is_as_the_mode_says)
ENDS: tuple[Law, ...] = (
    *OF_A_QUIET_SOURCE,
    sessions_follow_from_their_items,
    nothing_is_left_over,
)


def dump(place: Place) -> dict[str, Any]:
    """Everything that is, to be compared with itself later."""
    rows = {
        table.__name__: [
            {name: value for name, value in row.items() if name not in _PASSING}
            for row in table.objects.order_by("pk").values()
        ]
        for table in TABLES
    }
    return rows | {"library": files(place.library), "source": files(place.source)}
