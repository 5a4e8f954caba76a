"""Files that nobody knows: bounded work however many there are, and none is touched by mistake."""

import os
import sys

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from local_import import door
from local_import.consistency import crowd, findings, look
from local_import.fsops import Tree, walking
from local_import.models import Finding, ImportItem, Media
from tests.builders import make_item, step
from tests.consistency import found, imported, repaired, time_passed

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 50_000


@pytest.fixture
def session(inbox, library, monkeypatch):
    session = imported(inbox)
    with time_passed(monkeypatch):
        yield session


@pytest.fixture
def many_strays(library):
    folder = library / "2001"
    folder.mkdir()
    for number in range(MANY):
        os.close(os.open(folder / f"{number}.jpg", os.O_CREAT | os.O_WRONLY))


def test_a_directory_of_very_many_strays_is_told_of_in_bounded_time_and_space(
    session, many_strays, monkeypatch
):
    held, touched = [], [0]
    names, at = walking._names, Tree.at

    def noting(entries):
        held.append(names(entries))
        return held[-1]

    def counting(tree, path, effect, **options):
        touched[0] += 1
        return at(tree, path, effect, **options)

    monkeypatch.setattr(walking, "_names", noting)
    monkeypatch.setattr(Tree, "at", counting)
    with CaptureQueriesContext(connection) as queries:
        report = look.take()
    findings.keep(report)

    assert max(map(len, held)) == walking.PORTION
    assert touched[0] < 2.2 * MANY  # each is looked at, and asked whether it is fresh
    assert len(queries) < 4 * MANY / 500 + 200
    strays = Finding.objects.filter(rule="stray_file")
    assert strays.count() == crowd.SAMPLE
    (told,) = Finding.objects.exclude(rule="stray_file")
    assert (told.rule, told.evidence["number"]) == ("too_many", MANY)
    assert sys.getsizeof(report.suspects) < 100_000


def test_where_a_directory_has_more_names_than_a_portion_all_are_met_once(library, monkeypatch):
    monkeypatch.setattr(walking, "PORTION", 3)
    for number in range(10):
        (library / "a" / "b").mkdir(parents=True, exist_ok=True)
        (library / "a" / f"{number}").touch()
        (library / "a" / "b" / f"{number}").touch()

    with Tree(os.fsencode(library)) as tree:
        met = [entry.path for entry in walking.walk(tree)]

    expected = [b"a/%d" % n for n in range(10)] + [b"a/b/%d" % n for n in range(10)]
    assert sorted(met) == sorted(expected)


def test_two_walks_of_one_tree_do_not_disturb_each_other(library, monkeypatch):
    monkeypatch.setattr(walking, "PORTION", 2)
    library.mkdir()
    for number in range(9):
        (library / f"{number}").touch()

    with Tree(os.fsencode(library)) as tree:
        pairs = list(zip(walking.walk(tree), walking.walk(tree), strict=True))
        assert not walking.is_empty(tree)

    assert len(pairs) == 9 and all(one == other for one, other in pairs)


@pytest.mark.parametrize("state", ["pending", "failed", "missing", "moving"])
def test_a_file_at_a_place_that_was_planned_for_an_item_is_no_stray(session, library, state):
    """A late worker may have brought it; the sweep looks after it."""
    place = make_item(name=b"late.jpg", state="moving").destination
    path = library / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"late")
    _bring_from_moving(state)

    assert ("stray_file", place) not in found()


def _bring_from_moving(state):
    names = {"pending": "release", "failed": "fail", "missing": "lose"}
    item = ImportItem.objects.get(state="moving")
    if state in names:
        door.move(ImportItem, item.pk, step(item, names[state]))


def test_a_directory_that_cannot_be_read_is_told_of_until_it_can(session, library, monkeypatch):
    (library / "2001").mkdir()
    (library / "2001" / "stray.jpg").write_bytes(b"x")
    scandir = os.scandir

    def refuse(fd):
        if os.readlink(f"/proc/self/fd/{fd}").endswith("/2001"):
            raise PermissionError(13, "Permission denied")
        return scandir(fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        assert found() == [("directory_unreadable", "2001")]

    assert found() == [("stray_file", "2001/stray.jpg")]


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "a/../../x", ".incoming/x"])
def test_a_media_path_that_leads_outside_is_told_of_and_nothing_there_is_touched(
    session, library, path, monkeypatch
):
    media = Media.objects.first()
    Media.objects.filter(pk=media.pk).update(path=path)
    reached, at = [], Tree.at

    def noting(tree, where, effect, **options):
        reached.append(where)
        return at(tree, where, effect, **options)

    monkeypatch.setattr(Tree, "at", noting)
    told = found()

    assert ("media_outside", str(media.pk)) in told
    assert os.fsencode(path) not in reached
    assert [s.rule for s in repaired().after.suspects] == []  # put right from the item's own place
    assert os.fsencode(path) not in reached
