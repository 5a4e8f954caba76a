"""When the database was lost, the originals in the library are listed again."""

import json

import pytest
from django.core.management import call_command

from local_import.models import AuditLog, ImportItem, ImportSession, Media
from tests.consistency import forget, found, imported, time_passed
from tests.photos import jpeg

pytestmark = pytest.mark.django_db(transaction=True)
COLUMNS = (
    "sha256",
    "path",
    "size_bytes",
    "kind",
    "width",
    "captured_at",
    "captured_offset_minutes",
)


@pytest.fixture
def before(inbox, library):
    """What the media rows said before they were lost with all other rows."""
    imported(inbox)
    rows = list(Media.objects.order_by("path").values_list(*COLUMNS))
    for model in (AuditLog, ImportItem, ImportSession, Media):
        forget(model.objects.all())
    return rows


def rebuild(capsys, *arguments):
    with pytest.raises(SystemExit) if "--apply" not in arguments else nothing():
        call_command("rebuild_library", "--json", *arguments)
    return json.loads(capsys.readouterr().out)


class nothing:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False


def test_every_photo_is_listed_as_it_was(before, library, capsys, monkeypatch):
    assert rebuild(capsys)["listed"] == 3
    assert not Media.objects.exists()

    assert rebuild(capsys, "--apply") == {"applied": True, "listed": 3, "left_out": []}

    assert list(Media.objects.order_by("path").values_list(*COLUMNS)) == before
    with time_passed(monkeypatch):
        assert found() == []


def test_a_second_rebuild_adds_nothing(before, library, capsys):
    rebuild(capsys, "--apply")

    assert rebuild(capsys, "--apply")["listed"] == 0
    assert Media.objects.count() == 3


def test_what_cannot_be_listed_is_left_where_it_is_and_told_of(before, library, capsys):
    (library / "notes.txt").write_bytes(b"no photo")
    (library / "copy.jpg").write_bytes((library / before[0][1]).read_bytes())
    (library / "odd\n.jpg").write_bytes(jpeg(99))

    with pytest.raises(SystemExit) as ended:
        call_command("rebuild_library", "--apply", "--json")

    report = json.loads(capsys.readouterr().out)
    assert (ended.value.code, report["listed"], len(report["left_out"])) == (1, 3, 3)
    assert (library / "notes.txt").exists() and (library / "odd\n.jpg").exists()
    assert {one["path"] for one in report["left_out"]} >= {"notes.txt", "odd\\n.jpg"}


def test_a_library_that_is_away_is_not_rebuilt(before, library, capsys):
    (library / ".photonest-library").unlink()

    with pytest.raises(SystemExit) as ended:
        call_command("rebuild_library", "--apply")

    assert ended.value.code == 2
