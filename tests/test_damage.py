"""Damage, detect, heal: whatever is damaged in a healthy system is found by the right rule, repaired
where that can be, and told of where it cannot; a healthy system has no findings.

`--faults all` tries every seed of SEEDS, otherwise a sample of them.
"""

import os
import random
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import F

from local_import import door
from local_import.consistency import look
from local_import.consistency.rule import Depth
from local_import.door import Step
from local_import.fsops import Tree
from local_import.models import AuditLog, ImportItem, ImportSession, Media
from local_import.services import sessions
from local_import.state_synchronizer import StateSynchronizer
from local_import.transactions import database_now
from tests.consistency import forget, guards_away, repaired, time_passed
from tests.faults.flow import run_here
from tests.photos import jpeg

pytestmark = pytest.mark.django_db(transaction=True)
SEEDS = 500  # on each database
SAMPLE = 20
NOTHING: set[str] = set()


@dataclass
class World:
    """A finished import with photos, a duplicate and a file that is no photo."""

    inbox: Path
    library: Path
    chance: random.Random

    def item(self, state="imported"):
        return self.chance.choice(list(ImportItem.objects.filter(state=state).order_by("pk")))

    def session(self):
        return ImportSession.objects.get()

    def media(self):
        return self.item().media

    def path(self, media):
        return self.library / media.path

    def trail(self, item):
        return AuditLog.objects.transitions().of_item(item.pk).order_by("pk")

    def source_gone(self):
        for path in self.inbox.iterdir():
            path.unlink()


def sql(statement, *values):
    with guards_away(), connection.cursor() as cursor:
        cursor.execute(statement, values)


# Each way returns the rules that must tell of it, and those that are left to a person.
def session_state(w):
    sql("UPDATE local_import_session SET state = %s", w.chance.choice(["importing", "failed"]))
    return {"session_state_unaudited"}, NOTHING


def session_canceled(w):
    sql("UPDATE local_import_session SET state = 'canceled'")
    return {"session_state_unaudited"}, NOTHING


def item_state(w):
    sql(
        "UPDATE local_import_item SET state = 'missing', stopped_in = 'moving' WHERE id = %s",
        w.item().pk,
    )
    return {"item_state_unaudited"}, NOTHING


def item_forgotten(w):
    sql(
        "UPDATE local_import_item SET state = 'pending', stopped_in = '', skip_reason = '' "
        "WHERE id = %s",
        w.item("skipped").pk,
    )
    return {"item_state_unaudited"}, NOTHING


def item_called_failed(w):
    sql(
        "UPDATE local_import_item SET state = 'failed', stopped_in = 'moving', "
        "error_code = 'damaged' WHERE id = %s",
        w.item().pk,
    )
    return {"item_state_unaudited"}, NOTHING


def item_deleted(w):
    forget(ImportItem.objects.filter(pk=w.item().pk))
    return {"item_gone"}, {"item_gone"}


def file_deleted(w):
    w.path(w.media()).unlink()
    return {"media_missing"}, NOTHING


def file_deleted_everywhere(w):
    w.path(w.media()).unlink()
    w.source_gone()
    return {"media_missing"}, {"media_lost"}


def file_truncated(w):
    path = w.path(w.media())
    os.truncate(path, path.stat().st_size // 2)
    return {"media_size"}, NOTHING


def file_grown(w):
    with w.path(w.media()).open("ab") as file:
        file.write(b"more")
    return {"media_size"}, NOTHING


def bit_flipped(w):
    path = w.path(w.media())
    content = bytearray(path.read_bytes())
    content[w.chance.randrange(len(content))] ^= 1 << w.chance.randrange(8)
    path.write_bytes(content)
    return {"media_content"}, NOTHING


def bit_flipped_without_source(w):
    bit_flipped(w)
    w.source_gone()
    return {"media_content"}, {"media_content"}


def file_moved(w):
    path = w.path(w.media())
    path.rename(path.with_name("moved.jpg"))
    return {"media_missing", "stray_file"}, NOTHING


def files_swapped(w):
    first, second = w.chance.sample(sorted(w.library.glob("2*/**/*.jpg")), 2)
    held, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(held)
    return {"media_content" if len(held) == len(other) else "media_size"}, NOTHING


def file_is_a_link(w):
    path = w.path(w.media())
    path.unlink()
    path.symlink_to("/etc/hostname")
    return {"media_missing"}, NOTHING


def file_is_a_directory(w):
    path = w.path(w.media())
    path.unlink()
    path.mkdir()
    return {"media_missing"}, NOTHING


def stray(w):
    (w.library / "2001").mkdir(exist_ok=True)
    (w.library / "2001" / "stray\n\x1b.jpg").write_bytes(b"nobody knows me")
    return {"stray_file"}, NOTHING


def stray_pipe(w):
    os.mkfifo(w.library / "pipe")
    return {"stray_file"}, NOTHING


def left_over(w):
    (w.library / ".incoming").mkdir(exist_ok=True)
    (w.library / ".incoming" / w.chance.choice(["999-1.part", "odd"])).write_bytes(b"half")
    return {"incoming_left_over"}, NOTHING


def counts_edited(w):
    ImportSession.objects.update(counts={"imported": 7})
    return {"session_counts"}, NOTHING


def counts_forgotten(w):
    ImportSession.objects.update(counts={})
    return {"session_counts"}, NOTHING


def stops_edited(w):
    ImportSession.objects.update(stops={"failed": {"moving": 7}})
    return {"session_counts"}, NOTHING


def last_audit_row_removed(w):
    forget(w.trail(w.item()).filter(to_state="imported"))
    return {"item_state_unaudited"}, NOTHING


def audit_row_removed(w):
    row = w.chance.choice(list(w.trail(w.item()))[:-1])
    forget(AuditLog.objects.filter(pk=row.pk))
    return {"item_audit_gap"}, {"item_audit_gap"}


def audit_of_an_item_removed(w):
    forget(AuditLog.objects.of_item(w.item().pk))
    return {"item_state_unaudited"}, NOTHING


def audit_of_the_session_removed(w):
    rows = AuditLog.objects.transitions().filter(item=None).order_by("pk")
    forget(AuditLog.objects.filter(pk=w.chance.choice(list(rows)[:-1]).pk))
    return {"session_audit_gap"}, {"session_audit_gap"}


def audit_row_changed(w):
    sql(
        "UPDATE local_import_audit_log SET to_state = 'failed' WHERE id = %s",
        w.trail(w.item()).get(to_state="moving").pk,
    )
    return {"item_audit_gap"}, {"item_audit_gap"}


def media_of_another(w):
    first, second = w.chance.sample(list(ImportItem.objects.filter(state="imported")), 2)
    ImportItem.objects.filter(pk=first.pk).update(media=second.media)
    return {"item_media_differ"}, NOTHING


def media_path_edited(w):
    Media.objects.filter(pk=w.media().pk).update(path="2001/01/01/other.jpg")
    return {"item_media_differ"}, NOTHING


def media_paths_exchanged(w):
    first, second = w.chance.sample(list(Media.objects.all()), 2)
    Media.objects.filter(pk=first.pk).update(path="x")
    Media.objects.filter(pk=second.pk).update(path=first.path)
    Media.objects.filter(pk=first.pk).update(path=second.path)
    return {"item_media_differ"}, NOTHING


def media_path_outside(w):
    path = w.chance.choice(["/etc/passwd", "../../etc/passwd", ".incoming/x", "a//b"])
    Media.objects.filter(pk=w.media().pk).update(path=path)
    return {"item_media_differ"}, NOTHING


def media_size_edited(w):
    Media.objects.filter(pk=w.media().pk).update(size_bytes=F("size_bytes") + 1)
    return {"media_size"}, NOTHING


def media_hash_edited(w):
    Media.objects.filter(pk=w.media().pk).update(sha256="0" * 64)
    return {"item_media_differ"}, NOTHING


def item_hash_edited(w):
    ImportItem.objects.filter(pk=w.item().pk).update(sha256="1" * 64)
    return {"item_media_differ"}, NOTHING


def item_place_edited(w):
    ImportItem.objects.filter(pk=w.item().pk).update(destination="2001/01/01/x.jpg")
    return {"item_media_differ"}, NOTHING


def worker_died(w):
    """An item that was claimed by a worker of another host, of which nothing is heard."""
    claim_one(w, database_now() - timedelta(hours=1))
    return {"lease_ended"}, {"session_stalled"}  # it waits for a worker now, and none comes


def lease_far_off(w):
    claim_one(w, database_now() + timedelta(days=4000))
    return {"lease_far_off"}, NOTHING


def claim_one(w, until):
    item = w.item("skipped")
    door.move(ImportItem, item.pk, Step("requeue", "Once more."))
    step = Step("claim", "Taken.", {"owner": "another-host:1:1", "lease_until": until})
    door.move(ImportItem, item.pk, step)
    StateSynchronizer().sync_session_with_items(item.session_id)


def mark_gone(w):
    (w.library / ".photonest-library").unlink()
    return {"library_away"}, {"library_away"}


def clock_ahead(w):
    sql(
        "UPDATE local_import_audit_log SET timestamp = %s WHERE id = %s",
        database_now() + timedelta(days=2),
        AuditLog.objects.latest("pk").pk,
    )
    return {"clock_wrong"}, {"clock_wrong"}


def item_time_ahead(w):
    ImportItem.objects.filter(pk=w.item().pk).update(
        state_changed_at=database_now() + timedelta(days=2)
    )
    return {"time_ahead"}, {"time_ahead"}


def guards_lost(w):
    on = " ON local_import_item" if connection.vendor == "postgresql" else ""
    sql(f"DROP TRIGGER guard_item_state{on}")
    return {"guards_lost"}, NOTHING


def gate_left_open(w):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO local_import_gate (purpose) VALUES ('for ever')")
    return {"guards_lost"}, NOTHING


def source_not_released(w):
    ImportItem.objects.filter(pk=w.item().pk).update(source_disposition="release_due")
    return {"source_not_released"}, NOTHING


WAYS = [
    session_state, session_canceled, item_state, item_forgotten, item_called_failed, item_deleted,
    file_deleted, file_deleted_everywhere, file_truncated, file_grown, bit_flipped,
    bit_flipped_without_source, file_moved, files_swapped, file_is_a_link, file_is_a_directory,
    stray, stray_pipe, left_over, counts_edited, counts_forgotten, stops_edited, last_audit_row_removed,
    audit_row_removed, audit_of_an_item_removed, audit_of_the_session_removed, audit_row_changed,
    media_of_another, media_path_edited, media_paths_exchanged, media_path_outside,
    media_size_edited, media_hash_edited, item_hash_edited, item_place_edited, worker_died,
    lease_far_off, mark_gone, clock_ahead, item_time_ahead, guards_lost, gate_left_open,
    source_not_released,
]  # fmt: skip


def found():
    return {suspect.rule for suspect in look.take(depth=Depth.CONTENTS).suspects}


@pytest.fixture(autouse=True)
def no_transaction_over_files(monkeypatch):
    """Whatever is looked at, damaged or repaired: no lock of the database is held meanwhile."""
    at = Tree.at

    def outside(tree, path, effect, **options):
        assert not connection.in_atomic_block, path
        return at(tree, path, effect, **options)

    monkeypatch.setattr(Tree, "at", outside)


@pytest.fixture
def world(inbox, library):
    """Makes a healthy world, by a seed."""

    def make(seed):
        chance = random.Random(seed)
        for index in range(4):
            (inbox / f"{index}.jpg").write_bytes(jpeg(index + 1, size=(64 + 8 * index, 48)))
        (inbox / "twin.jpg").write_bytes(jpeg(1))
        (inbox / "notes.txt").write_bytes(b"no photo")
        run_here(sessions.create(os.fsencode(inbox)).pk)
        return World(inbox, library, chance)

    return make


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        every = metafunc.config.getoption("--faults") == "all"
        metafunc.parametrize("seed", range(SEEDS) if every else range(SAMPLE))


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_each_damage_is_found_and_healed_or_left_to_a_person(world, way, monkeypatch):
    heals(world(1), [way], monkeypatch)


def test_damage_by_chance_is_found_and_healed_or_left_to_a_person(world, seed, monkeypatch):
    here = world(seed)

    heals(here, [here.chance.choice(WAYS)], monkeypatch)


def heals(here, ways, monkeypatch):
    with time_passed(monkeypatch):
        assert found() == NOTHING
        for way in ways:
            expected, for_a_person = way(here)
            assert found() >= expected, way.__name__

        left = {suspect.rule for suspect in repaired().after.suspects}
        again = {suspect.rule for suspect in repaired().after.suspects}

    assert left == again == for_a_person, [way.__name__ for way in ways]
