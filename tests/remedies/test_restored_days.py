"""Library or database come back from an older day, and the operator types what the desk recommends."""

import contextlib
import json

import pytest

from local_import.consistency import breaker
from tests.days import Days, commands

MONDAY, TUESDAY, WEDNESDAY = range(1, 26), range(26, 48), range(48, 70)
LATER = len(TUESDAY)
assert len(TUESDAY) >= breaker.FEWEST and len(WEDNESDAY) >= breaker.FEWEST


@pytest.fixture
def days(desk, tmp_path, django_db_blocker):
    """Photos imported on Monday, and more on Tuesday; both days kept."""
    with django_db_blocker.unblock(), contextlib.closing(Days(desk, tmp_path / "kept")) as days:
        days.import_all("monday", MONDAY)
        days.keep("monday")
        days.import_all("tuesday", TUESDAY)
        days.keep("tuesday")
        yield days


def check(days, status):
    ended, told = days.run("check_consistency")
    assert ended == status, told
    assert ("✔ Consistent" in told) == (status == 0)
    return told


def follow(days, told, beginning, **hands):
    """Type the first recommended command that begins so; returns what it said."""
    command = next((one for one in commands(told) if one.startswith(beginning)), None)
    assert command, f"{beginning} is not recommended by: {told}"
    for word, by in hands.items():
        command = command.replace(word, by)
    status, said = days.type(command)
    assert status == 0, f"{command}: {said}"
    return said


def states(days):
    """The state of each item of each session."""
    listed = json.loads(days.run("import_status", "--json")[1])
    return [
        sorted({item["state"] for item in days.desk.items(session["session"])})
        for session in reversed(listed)
    ]


IMPORT = "python manage.py import_photos DIRECTORY"
ACCEPT = "python manage.py import_operation accept_loss"
REBUILD = "python manage.py rebuild_library --apply"
REPAIR = "python manage.py repair_consistency --apply"


def test_a_library_set_back_is_healed_by_importing_the_photos_from_elsewhere(days):
    days.set_back(library="monday")
    told = check(days, 1)
    assert "library_set_back" in told
    everything = days.run("repair_consistency", "--apply")
    assert everything[0] == 1 and "0 repairs made" in everything[1]

    follow(days, told, IMPORT, DIRECTORY=str(days.photos("elsewhere", TUESDAY)))

    check(days, 0)
    assert states(days) == [["imported"]] * 3


def test_a_library_set_back_whose_photos_are_lost_says_so_and_a_newer_backup_heals_it(days):
    days.set_back(library="monday")
    follow(days, check(days, 1), ACCEPT)

    told = check(days, 1)
    assert states(days) == [["imported"], ["missing"]]
    assert "library_set_back" not in told and told.count("media_lost") == LATER

    days.set_back(library="tuesday")
    follow(days, told, REPAIR)
    check(days, 0)
    assert states(days) == [["imported"], ["imported"]]


def test_a_loss_is_accepted_as_it_was_seen_and_not_what_is_lost_later(days):
    days.set_back(library="monday")
    (command,) = [one for one in commands(check(days, 1)) if one.startswith(ACCEPT)]
    next(days.desk.library.glob("2*/*/*/*.jpg")).unlink()

    status, said = days.type(command)

    assert status == 2 and "not what was seen" in said
    assert states(days) == [["imported"], ["imported"]]


def test_a_database_set_back_is_listed_again_and_nothing_is_set_aside(days):
    before = days.contents()
    days.set_back(database="monday")
    told = check(days, 1)
    assert "database_set_back" in told
    status, said = days.run("repair_consistency", "--apply")
    assert status == 1 and "0 repairs made" in said

    said = follow(days, told, REBUILD)

    assert f"{LATER} listed, 0 left out" in said
    check(days, 0)
    assert days.contents() == before and not (days.desk.library / "quarantine").exists()


def test_what_an_earlier_repair_set_aside_comes_back_and_is_listed(days):
    before = days.contents("2019")
    days.set_back(database="monday")
    set_aside(days)

    told = check(days, 1)
    assert told.count("original_in_quarantine") == LATER
    _status, listed = days.run("quarantine", "list")
    assert f"{LATER} of them the only copy here" in listed
    said = days.run("repair_consistency")[1]
    follow_all(days, said, REPAIR, status=1)
    follow(days, check(days, 1), REBUILD)

    check(days, 0)
    assert days.contents("2019") == before


def follow_all(days, told, beginning, status):
    command = next(one for one in commands(told) if one.startswith(beginning))
    assert days.type(command)[0] == status


def set_aside(days):
    """What the repair did until it knew an original when it saw one."""
    code = (
        "from local_import.consistency import breaker, quarantine, strays\n"
        "from local_import import fsops, names\n"
        "from local_import.transactions import database_now\n"
        "with breaker.library_to_look_at() as library:\n"
        "    found = [e for e in fsops.walk(library) if names.is_media_place(e.path)]\n"
        "    for path in strays.unknown([e for e in found if e.kind == 'file']):\n"
        "        quarantine.set_aside(library, path, 'Rule stray_file.', database_now())\n"
    )
    status, said = days.run("shell", "-c", code)
    assert status == 0, said


def test_a_database_that_is_gone_is_listed_again(days):
    before = days.contents()
    days.lose_database()

    follow(days, check(days, 1), REBUILD)

    check(days, 0)
    assert days.contents() == before


def test_both_set_back_to_different_days_are_put_right_one_after_the_other(days):
    days.set_back(library="monday", database="monday")
    days.import_all("wednesday", WEDNESDAY)
    days.keep("wednesday")
    days.set_back(database="tuesday")
    told = check(days, 1)
    assert "database_set_back" in told and "library_set_back" in told

    follow(days, told, REBUILD)
    told = check(days, 1)
    follow(days, told, IMPORT, DIRECTORY=str(days.photos("elsewhere", TUESDAY)))

    check(days, 0)
    assert len(days.contents("2019")) == len(MONDAY) + len(TUESDAY) + len(WEDNESDAY)
