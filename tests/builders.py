"""Rows for tests. A state is reached by real transitions through the door, never written."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from local_import import door, names
from local_import.door import Step
from local_import.models import ImportItem, ImportSession, Media
from local_import.state_machine import declared
from local_import.state_synchronizer import StateSynchronizer

MOMENT = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
DAMAGED = {"code": "damaged", "summary": "The photo is damaged."}


def make_session(state="pending", source=b"/inbox", **values):
    shown = names.shown(source)
    session = ImportSession.objects.create(source_path=source, source=shown, **values)
    return _bring(session, state)


def walk(session):
    """Say that everything in its source is found; what its state is then follows from its items."""
    ImportSession.objects.filter(pk=session.pk).update(walked_at=MOMENT, planned_at=MOMENT)
    StateSynchronizer().sync_session_with_items(session.pk)
    return ImportSession.objects.get(pk=session.pk)


def make_item(session=None, name=b"a.jpg", state="pending", **values):
    session = session or make_session()
    item = ImportItem.objects.create(
        session=session,
        path=name,
        path_digest=names.digest(name),
        shown_path=names.shown(name),
        **values,
    )
    return _bring(item, state)


def make_media(name=b"a.jpg", **values):
    """The media with the content of the photo of that name; made once."""
    content = content_of(name)
    return Media.objects.get_or_create(
        sha256=content,
        defaults={
            "path": f"2020/01/02/{content[:8]}.jpg",
            "size_bytes": 1,
            "kind": "jpeg",
            "captured_at": MOMENT,
            "captured_offset_minutes": 0,
            "captured_source": "file_time",
            "captured_confidence": "guess",
            "imported_at": MOMENT,
        }
        | values,
    )[0]


def content_of(name):
    """The SHA-256 that stands for the content of the photo of that name."""
    return sha256(name).hexdigest()


def transition_names(model, state):
    """The fewest transitions that lead from `pending` to the state."""
    ways, queue = {"pending": []}, ["pending"]
    for here in queue:
        for (source, target), name in declared(model).items():
            if source == here and target not in ways:
                ways[target] = [*ways[here], name]
                queue.append(target)
    return ways[state]


def step(row, name):
    """A step with values that the constraints accept."""
    return Step(name, "Because the test says so.", _values(row, name))


def _bring(row, state):
    for name in transition_names(type(row), state):
        row = door.move(type(row), row.pk, step(row, name))
    return row


def _values(row, name):
    if isinstance(row, ImportSession):
        return {}
    path = bytes(row.path)
    values = {
        "claim": {"owner": "host:1:1", "lease_until": MOMENT + timedelta(days=36500)},
        "compare": {"sha256": content_of(path)},
        "plan": {"destination": f"2020/01/02/{content_of(path)[:8]}.jpg"},
        "fail": {"error_code": "damaged", "failure": DAMAGED},
        "skip": {"skip_reason": "empty"},
    }
    if name in ("finish", "recover"):
        return {"media_id": make_media(path).pk}
    return values.get(name, {})
