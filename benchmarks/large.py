"""A database as large as it gets: a million items and six million audit rows, built set by set.

Session 1 is an import of 800,000 files, of which 40,000 failed by one cause; the last one runs, with
its files waiting; between them are small ones. Rows are written past the desk, but as it writes
them: every constraint and every index is there while they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.db import connection, transaction
from django.utils import timezone

from local_import import names, setwise
from local_import.door import Step, move
from local_import.guards import open_gate
from local_import.models import ImportItem, ImportSession, Incident, Media, Worker

CHUNK = 1_800
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
FAILURE = {
    "code": "permission_denied",
    "severity": "high",
    "category": "permission",
    "summary": "The file may not be read by this process.",
    "diagnosis": "The system refused access: Permission denied.",
    "recommended_actions": ["Give the importing user access.", "Then finish the session."],
    "evidence": {"path": "/card/0/IMG.jpg", "detail": "Permission denied"},
}
MOVING = 100  # files in work, of the session that runs


def build(number: int, sessions: int = 100) -> None:
    """Fill an empty database with so many items, and six audit rows for each."""
    sizes = _sizes(number, sessions)
    made = [_session(pk) for pk in range(1, len(sizes) + 1)]
    incident = _incident(number)
    _insert_media(number)
    rows = _items(sizes, [session.pk for session in made], incident)
    with transaction.atomic(), open_gate("benchmark"):
        while chunk := list(islice(rows, CHUNK)):
            setwise.insert(ImportItem, _alike(), _COLUMNS, chunk)
    _insert_audit()
    _finish(made)
    if connection.vendor == "postgresql":  # which does so by itself before long; SQLite never does
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _sizes(number: int, sessions: int) -> list[int]:
    between, small = sessions - 2, number // (10 * sessions)
    return [number * 8 // 10, *[small] * between, number * 2 // 10 - between * small]


def _session(number: int) -> ImportSession:
    source = b"/card/%d" % number
    session = ImportSession.objects.create(source_path=source, source=names.shown(source))
    move(ImportSession, session.pk, Step("confirm", "Readable."))
    return move(ImportSession, session.pk, Step("start", "Started."))


def _incident(number: int) -> int:
    place = "/card/1"
    row = Incident.objects.create(
        fingerprint=f"v1:{'0' * 32}",
        code="permission_denied",
        place=place,
        failure=FAILURE,
        first_seen_at=BEGAN,
        last_seen_at=timezone.now(),
        count=number // 25,
    )
    row.sessions.add(1)
    return row.pk


def _sha256(n: int) -> str:
    return hashlib.sha256(b"%d" % n).hexdigest()


def library_path(n: int) -> str:
    return f"2019/01/{n % 28 + 1:02}/201901{n % 28 + 1:02}_000000_local_{_sha256(n)[:16]}.jpg"


def _insert_media(number: int) -> None:
    alike = {
        "size_bytes": 80_000,
        "kind": "jpeg",
        "captured_at": BEGAN,
        "captured_offset_minutes": 0,
        "captured_source": "exif",
        "captured_confidence": "sure",
        "camera_make": "",
        "camera_model": "",
        "original_name": "IMG.jpg",
        "damage": "",
        "imported_at": BEGAN,
    }
    rows = ((n, _sha256(n), library_path(n)) for n in range(1, number + 1))
    while chunk := list(islice(rows, CHUNK)):
        setwise.insert(Media, alike, ("id", "sha256", "path"), chunk)


_COLUMNS = (
    *("session_id", "path", "path_digest", "shown_path", "state", "stopped_in", "sha256"),
    *("destination", "media_id", "error_code", "skip_reason", "incident_id", "failure"),
    *("owner", "lease_until", "fence"),
)


def _alike() -> dict[str, object]:
    item = ImportItem()
    alike = {
        field.attname: getattr(item, field.attname)
        for field in ImportItem._meta.concrete_fields
        if field.attname not in (*_COLUMNS, "id")
    }
    return alike | {"state_changed_at": timezone.now(), "size_bytes": 80_000}


def path_of(n: int) -> bytes:
    return b"%03d/IMG_%07d.jpg" % (n % 500, n)


def _items(sizes: list[int], sessions: list[int], incident: int) -> Iterator[setwise.Row]:
    n = 0
    for session, size in zip(sessions, sizes, strict=True):
        for index in range(size):
            n += 1
            path = path_of(n)
            known = (session, path, names.digest(path), names.shown(path))
            if session == sessions[-1]:
                yield known + _unfinished(n, index)
            else:
                yield known + _ended(n, index, incident if session == sessions[0] else None)


def _unfinished(n: int, index: int) -> tuple[object, ...]:
    if index < MOVING:
        until = timezone.now() + timedelta(days=1)
        held = ("far:1:1", until, 1)
        return ("moving", "", _sha256(n), library_path(n), None, "", "", None, {}, *held)
    return ("pending", "", "", "", None, "", "", None, {}, "", None, 0)


def _ended(n: int, index: int, incident: int | None) -> tuple[object, ...]:
    rest = ("", None, 1)
    if incident is not None and index % 20 == 7:
        code = "permission_denied"
        return ("failed", "analyzing", "", "", None, code, "", incident, FAILURE, *rest)
    if index % 20 == 9:
        return ("skipped", "checking", _sha256(n), "", n - 1, "", "duplicate", None, {}, *rest)
    return ("imported", "", _sha256(n), library_path(n), n, "", "", None, {}, *rest)


def _insert_audit() -> None:
    """Six rows for each item, the last of them the transition to the state it is in."""
    moment = {
        "sqlite": "strftime('%Y-%m-%d %H:%M:%f', '2026-01-01', '+' || (i.id / 100 + k) || ' seconds')",
        "postgresql": "timestamptz '2026-01-01 UTC' + (i.id / 100 + k) * interval '1 second'",
    }[connection.vendor]
    series = " UNION ALL ".join(f"SELECT {k} AS k" for k in range(6))
    with connection.cursor() as cursor:
        cursor.execute(  # nothing in it comes from outside
            "INSERT INTO local_import_audit_log (timestamp, level, category, action, message, "
            "session_id, item_id, external_item, request_id, task_id, actor, details, error_type, "
            "error_message, stack_trace, recommended_actions, duration_ms, from_state, to_state) "
            f"SELECT {moment}, 'info', 'state_transition', 'item.step', 'Made by the benchmark.', "
            "i.session_id, i.id, '', '', '', 'far:1:1', '{}', '', '', '', '[]', NULL, "
            "CASE WHEN k = 0 THEN '' ELSE 'pending' END, "
            "CASE WHEN k = 5 THEN i.state ELSE 'pending' END "
            f"FROM local_import_item i CROSS JOIN ({series}) series"
        )


def _finish(sessions: list[ImportSession]) -> None:
    now = timezone.now()
    ImportSession.objects.update(walked_at=now, planned_at=now, begun_at=now)
    for session in sessions[:-1]:
        failing = ImportItem.objects.filter(session=session, state="failed").exists()
        for name in ("plan", "fail" if failing else "finish"):
            move(ImportSession, session.pk, Step(name, "By the benchmark."))
    for name in ("plan", "begin"):
        move(ImportSession, sessions[-1].pk, Step(name, "By the benchmark."))
    _count(sessions)
    Worker.objects.create(
        name="far:1:1", host="far", pid=1, session=sessions[-1], started_at=now, heartbeat_at=now
    )


def _count(sessions: list[ImportSession]) -> None:
    """The picture that a session keeps of its items, as the synchroniser leaves it."""
    from local_import.state_synchronizer import StateSynchronizer

    for session in (sessions[0], sessions[1], sessions[-1]):
        snapshot = StateSynchronizer().get_session_snapshot(session.pk)
        ImportSession.objects.filter(pk=session.pk).update(
            counts=dict(snapshot.counts),
            stops=dict(snapshot.stops),
            counted_at=snapshot.counted_at,
        )
