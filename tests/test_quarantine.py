"""A repair deletes nothing: what is in the way is set aside, told of, and can be put back."""

import json
import os

import pytest
from django.core.management import call_command

from local_import import fsops
from local_import.consistency import look, quarantine
from local_import.consistency.breaker import library_to_look_at
from local_import.models import Media
from tests.consistency import found, imported, repaired, time_passed

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "odd \n\x1b[31m ' name.jpg"


@pytest.fixture
def session(inbox, library, monkeypatch):
    session = imported(inbox)
    with time_passed(monkeypatch):
        yield session


def listed(capsys):
    call_command("quarantine", "list", "--json")
    return json.loads(capsys.readouterr().out)


def test_a_stray_is_set_aside_and_comes_back_where_it_stood(session, library, capsys):
    stray = library / "2001" / NAME
    stray.parent.mkdir()
    stray.write_bytes(b"precious")
    assert repaired().after.suspects == []
    assert not stray.exists()

    (row,) = listed(capsys)
    call_command("quarantine", "restore", row["name"])

    assert stray.read_bytes() == b"precious"
    assert row["bytes"] == 8 and row["why"] == "Rule stray_file."
    assert "\x1b" not in row["from"] and "\n" not in row["from"]
    assert [rule for rule, _ in found()] == ["stray_file"]


def test_nothing_is_overwritten_when_a_file_is_put_back(session, library, capsys):
    stray = library / "stray.jpg"
    stray.write_bytes(b"first")
    repaired()
    stray.write_bytes(b"second")
    (row,) = listed(capsys)

    with pytest.raises(SystemExit) as ended:
        call_command("quarantine", "restore", row["name"])

    assert ended.value.code == 1
    assert stray.read_bytes() == b"second"
    assert listed(capsys) == [row]


def test_a_damaged_file_is_kept_when_the_right_bytes_come_back(session, library, capsys):
    media = Media.objects.first()
    (library / media.path).write_bytes(b"damaged")

    assert repaired().after.suspects == []

    (row,) = listed(capsys)
    assert (library / "quarantine" / row["name"]).read_bytes() == b"damaged"
    assert (library / media.path).stat().st_size == media.size_bytes


def test_bytes_come_back_from_the_quarantine_when_the_source_is_gone(session, library, inbox):
    media = Media.objects.first()
    os.makedirs(library / "quarantine")
    (library / media.path).rename(library / "quarantine" / "kept")
    for path in inbox.iterdir():
        path.unlink()

    assert repaired().after.suspects == []
    assert (library / media.path).exists()


@pytest.mark.parametrize(
    "origin", ["/etc/passwd", "../outside", "a/../../b", "%2E%2E/x", "", "a//b"]
)
def test_a_manifest_that_leads_out_of_the_library_is_not_followed(session, library, origin):
    (library / "quarantine").mkdir()
    (library / "quarantine" / "x").write_bytes(b"x")
    (library / "quarantine" / "x.json").write_text(json.dumps({"from": origin}))

    with pytest.raises(SystemExit):
        call_command("quarantine", "restore", "x")

    assert (library / "quarantine" / "x").read_bytes() == b"x"


class Killed(BaseException):
    """As by SIGKILL: nothing after it runs."""


BOUNDARIES = range(12)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("damage", ["stray", "damaged", "gone"])
def test_a_repair_that_is_killed_anywhere_loses_nothing_and_is_finished_by_the_next(
    session, library, inbox, monkeypatch, damage, boundary
):
    media = Media.objects.first()
    right = (library / media.path).read_bytes()
    if damage == "stray":
        (library / "stray.jpg").write_bytes(b"precious")
    elif damage == "damaged":
        (library / media.path).write_bytes(b"precious")
    else:
        (library / media.path).unlink()
    before = contents(library, inbox)
    with monkeypatch.context() as patch:
        patch.setattr("local_import.fsops.effects.fault_point", dying_at(boundary))
        try:
            repaired()
        except Killed:
            pass

    assert before <= contents(library, inbox)
    repaired()
    repaired()
    assert found() == []
    assert (library / media.path).read_bytes() == right
    assert before <= contents(library, inbox)


def dying_at(number):
    left = [number]

    def fault_point(effect, path):
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    return fault_point


def contents(*roots):
    """The bytes of every file there is."""
    return {path.read_bytes() for root in roots for path in root.rglob("*") if path.is_file()}


def test_a_look_does_not_touch_the_disk(session, library, monkeypatch):
    (library / "stray.jpg").write_bytes(b"x")

    def refuse(effect, path):
        raise AssertionError(effect)

    monkeypatch.setattr("local_import.fsops.effects.fault_point", refuse)
    with library_to_look_at() as tree:
        assert list(quarantine.held(tree)) == []
    assert [s.rule for s in look.take().suspects] == ["stray_file"]
    assert fsops.effects.fault_point is refuse
