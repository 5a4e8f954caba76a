"""The oracle sees each law broken: one thing is spoiled by hand in a finished import."""

import os

import pytest
from django.utils import timezone

from local_import import door
from local_import.door import Step
from local_import.models import AuditLog, ImportItem, ImportSession, Incident, Media
from tests.consistency import flip, forget

from .flow import import_all, prepare
from .oracle import verify, verify_end


def imported():
    return ImportItem.objects.filter(state="imported").order_by("pk").first()


def lose_a_source(place):
    content = b"never imported"
    (place.source / "c.jpg").write_bytes(content)
    place.contents["c.jpg"] = content
    os.unlink(place.source / "c.jpg")


def damage_a_library_file(place):
    (place.library / imported().destination).write_bytes(b"other bytes")


def take_a_library_file_away(place):
    os.unlink(place.library / imported().destination)


def add_a_library_file(place):
    (place.library / "2019" / "stray.jpg").write_bytes(b"nobody knows me")


def list_a_wrong_size(place):
    Media.objects.filter(path=imported().destination).update(size_bytes=1)


def forget_an_audit_row(place):
    rows = AuditLog.objects.filter(item=imported(), to_state="imported")
    forget(rows)


def break_a_chain(place):
    rows = AuditLog.objects.filter(item=imported(), to_state="checking")
    forget(rows)


def leave_a_temporary_file(place):
    (place.library / ".incoming" / "999-1.part").write_bytes(b"half")


def call_it_missing(place):
    item = ImportItem.objects.get(pk=imported().pk)
    flip(ImportItem.objects.filter(pk=item.pk), state="missing", stopped_in="moving")


def claim_after_the_end(place):
    flip(ImportItem.objects.filter(pk=imported().pk), state="pending", media_id=None)


def fail_without_an_incident(place):
    rows = ImportItem.objects.filter(pk=imported().pk)
    flip(rows, state="failed", stopped_in="moving", error_code="damaged")


def resolve_by_hand(place):
    door.move(ImportItem, imported().pk, Step("fail", "Spoiled.", {"error_code": "damaged"}))
    Incident.objects.update(state="resolved", resolved_at=timezone.now())


def call_the_session_failed(place):
    flip(ImportSession.objects.all(), state="failed")


BREAKS = {
    lose_a_source: "exist whole in neither",
    damage_a_library_file: "does not hold its bytes",
    take_a_library_file_away: "which is not there",
    add_a_library_file: "has 0 Media rows",
    list_a_wrong_size: "has another size",
    forget_an_audit_row: "but its audit ends at",
    break_a_chain: "goes on from",
    leave_a_temporary_file: "belongs to no item in work",
    call_it_missing: "but its source is there",
    claim_after_the_end: "with items that wait",
    fail_without_an_incident: "has incident None",
    resolve_by_hand: "is resolved, but",
    call_the_session_failed: "but its items call for imported",
}


@pytest.mark.parametrize("place", ["copy on one disk"], indirect=True)
@pytest.mark.parametrize("spoil", BREAKS, ids=lambda spoil: spoil.__name__)
def test_the_oracle_sees_what_was_spoiled(place, spoil):
    prepare(place)
    import_all(place)
    assert verify(place) == verify_end(place) == []

    spoil(place)

    assert BREAKS[spoil] in "\n".join(verify_end(place))
