"""Values that travel many at once arrive as they were, whatever is in them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.utils import timezone as clock

from local_import import setwise
from local_import.models import AuditLog, ImportItem
from local_import.pipeline.scan import _defaults
from tests.builders import make_session

pytestmark = pytest.mark.django_db

TEXTS = [
    "",
    "it's",
    'a "quoted" \\ name',
    "{a,b}",
    "null",
    "%s %%",
    "line\nline",
    "\t\x1b[31m",
    "写真 📷",
]
MOMENT = datetime(2026, 3, 1, 0, 30, 15, 123456, timezone(timedelta(hours=9)))


def alike(action):
    empty = AuditLog(action=action, category="consistency", level="info")
    own = ("id", "timestamp", "message", "details", "duration_ms", "action")
    names = (field.attname for field in AuditLog._meta.concrete_fields)
    return {name: getattr(empty, name) for name in names if name not in own} | {"action": action}


def test_text_times_json_and_nothing_arrive_as_they_were():
    rows = [
        (MOMENT, text, {"of": text, "in": [text, None, 0.1]}, None if n % 2 else n / 3)
        for n, text in enumerate(TEXTS)
    ]
    columns = ("timestamp", "message", "details", "duration_ms")

    setwise.insert(AuditLog, alike("test.travel"), columns, rows)

    found = AuditLog.objects.filter(action="test.travel").order_by("id")
    assert list(found.values_list(*columns)) == rows
    assert {moment.astimezone(UTC) for (moment, *_) in rows} == {found[0].timestamp}


def test_every_byte_of_a_name_arrives():
    session = make_session("ready")
    paths = [bytes(range(256)), b"'\\x00\"", b"plain.jpg"]
    common = _defaults() | {"session_id": session.pk, "state_changed_at": clock.now()}
    rows = [(path, str(n), "shown", n) for n, path in enumerate(paths)]

    columns = ("path", "path_digest", "shown_path", "size_bytes")
    setwise.insert(ImportItem, common, columns, rows)

    found = ImportItem.objects.order_by("size_bytes")
    assert [bytes(item.path) for item in found] == paths


def test_rows_are_found_by_any_text():
    session = make_session("ready")
    common = _defaults() | {"session_id": session.pk, "state_changed_at": clock.now()}
    rows = [(b"x", str(n), text, n) for n, text in enumerate(TEXTS)]
    setwise.insert(ImportItem, common, ("path", "path_digest", "shown_path", "size_bytes"), rows)

    for n, text in enumerate(TEXTS):
        found = setwise.find(ImportItem, "shown_path", [text, "no such"], ["size_bytes"])
        assert [tuple(row) for row in found] == [(n,)]
