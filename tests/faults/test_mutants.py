"""The laboratory catches the protocol being broken: a test of the tests."""

from errno import EIO

import pytest

from . import child
from .displaced import Renamed, YearMoved, displaced_at
from .mutants import MUTANTS
from .place import ALONE
from .trial import (
    died_at,
    edited_at,
    forgotten_at,
    frozen_at,
    killed_at,
    misread_at,
    power_lost_at,
    swept_at,
    undisturbed,
    unread_at,
)


def kills(trials, at):
    return ((killed_at, trials, one) for one in boundaries(trials, at))


def edits(trials, at):
    return ((edited_at, trials, one) for one in boundaries(trials, at))


def sweeps(trials, at):
    return ((swept_at, trials, one) for one in boundaries(trials, at))


def losses_of_power(trials, at):
    return ((power_lost_at, trials, one) for one in reversed(boundaries(trials, at)))


def deaths_of_the_disk(trials, at):
    return ((died_at, trials, one) for one in reversed(boundaries(trials, at)))


def failed_syncs(trials, at):
    return ((forgotten_at, trials, one) for one in boundaries(trials, at))


def frosts(trials, at):
    ones = boundaries(trials, at)
    return ((frozen_at, trials, one, other) for one in ones for other in range(1, 60))


def misreadings(trials, at):
    return ((misread_at, trials, number) for number in range(1, 14))


def read_errors(trials, at):
    return ((unread_at, trials, number, EIO, True) for number in range(1, 5))


def renamed_libraries(trials, at):
    return ((displaced_at, trials, Renamed, one) for one in boundaries(trials, at))


def moved_years(trials, at):
    return ((displaced_at, trials, YearMoved, one) for one in boundaries(trials, at))


def no_faults(trials, at):
    return [(undisturbed, trials)]


def boundaries(trials, at):
    return [one for one in trials.boundaries() if one.name.startswith(at)]


# For each mutant: the kind of trial that catches it, in which scenario, and at which boundaries. The
# whole sweeps try more than that; here one kind of boundary is enough to see that they would notice.
SYNC, RENAME, WRITE, CREATE = "sync", "rename 2019", "write .incoming", "create .incoming"
CAUGHT_BY = {
    "nothing_is_synced": (losses_of_power, "copy on one disk", "after commit"),
    "directories_are_not_synced": (losses_of_power, "copy on one disk", "after commit"),
    "it_is_recorded_before_it_is_durable": (losses_of_power, "copy on one disk", SYNC),
    "a_source_goes_before_its_copy_is_recorded": (losses_of_power, "move across disks", SYNC),
    "a_sync_of_a_dead_disk_is_believed": (deaths_of_the_disk, "move on one disk", SYNC),
    "what_was_placed_before_a_stop_is_not_synced": (deaths_of_the_disk, "copy on one disk", WRITE),
    "a_failed_sync_is_tried_again": (failed_syncs, "copy on one disk", SYNC),
    "a_source_is_removed_without_a_look": (edits, "move across disks", SYNC),
    "a_move_does_not_look_at_what_it_moves": (edits, "move on one disk", RENAME),
    "what_stands_there_is_overwritten": (no_faults, "place taken, copy", ""),
    "a_copy_is_not_compared": (misreadings, "copy on one disk", ""),
    "bytes_move_before_their_intent_is_written": (kills, "copy on one disk", SYNC),
    "the_fence_is_not_looked_at": (frosts, ALONE.name, SYNC),
    "a_lease_is_counted_by_the_clock_of_the_host": (sweeps, "copy on one disk", SYNC),
    "files_are_taken_from_the_living": (sweeps, "copy on one disk", SYNC),
    "nobody_takes_over_from_the_dead": (kills, "copy on one disk", SYNC),
    "other_bytes_are_adopted": (no_faults, "place taken, copy", ""),
    "other_bytes_are_adopted_in_recovery": (kills, "place taken, copy", RENAME),
    "what_cannot_be_read_is_taken_for_other_bytes": (read_errors, "duplicate, copy", ""),
    "recovery_calls_it_missing_too_early": (kills, "copy on one disk", CREATE),
    "temporary_files_of_others_are_thrown_away": (sweeps, "copy across disks", RENAME),
    "a_torn_copy_is_published": (kills, "copy on one disk", WRITE),
    "nobody_asks_whether_the_library_is_at_its_path": (renamed_libraries, "copy on one disk", SYNC),
    "nobody_asks_whether_its_directories_are": (moved_years, "copy on one disk", SYNC),
    "the_audit_is_written_in_its_own_transaction": (kills, "copy on one disk", "after commit"),
}
_OF_A_DISK = (losses_of_power, deaths_of_the_disk)
ON_DISK = {name for name, (kind, *_) in CAUGHT_BY.items() if kind in _OF_A_DISK}


def test_every_mutant_is_tried():
    assert set(CAUGHT_BY) == set(MUTANTS)


@pytest.mark.parametrize(
    ("name", "place"),
    [(name, place) for name, (_, place, _) in CAUGHT_BY.items()],
    indirect=["place"],
)
def test_the_laboratory_catches(name, trials, request, monkeypatch):
    """Trial after trial, until the first violation."""
    monkeypatch.setattr(child, "PATIENCE_S", 5)  # some mutants wait for ever
    kind, _, at = CAUGHT_BY[name]
    more = ()
    if name in ON_DISK:
        disk = request.getfixturevalue("disk")
        trials.place.near = disk.path / "near"
        more = (disk,)
    trials.mutate = MUTANTS[name]

    for try_out, _, *arguments in kind(trials, at):
        try_out(trials, *more, *arguments)
        if trials.violations:
            break

    found, trials.violations = trials.violations, []  # they are the mutant's, not the product's
    assert found, f"{trials.points} trials did not notice that {name}"
    request.node.user_properties.append(("caught", (name, trials.points, found[0])))
