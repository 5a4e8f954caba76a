"""The product with one part of its protocol taken out: the laboratory must notice each.

A mutant is put in place in a child process, and ends with it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from django.db import transaction
from django.utils import timezone

from local_import import door, fsops, setwise
from local_import.audit_logger import Actor, AuditLogger
from local_import.fsops import Tree, effects
from local_import.pipeline import check, claim, lease, place, recover, worker
from local_import.processes import identity
from local_import.states import SourceDisposition

MUTANTS: dict[str, Callable[[], None]] = {}


def mutant(put_in_place: Callable[[], None]) -> Callable[[], None]:
    MUTANTS[put_in_place.__name__] = put_in_place
    return put_in_place


@mutant
def nothing_is_synced() -> None:
    place._make_durable = lambda *_: None  # type: ignore[assignment]
    fsops.sync = lambda tree: None


@mutant
def directories_are_not_synced() -> None:
    """Only the content of each copy is, before it gets its name."""
    fill = effects._fill

    def filled(file: Any, target: int, *others: Any) -> None:
        fill(file, target, *others)
        os.fsync(target)

    effects._fill = filled
    nothing_is_synced()


@mutant
def it_is_recorded_before_it_is_durable() -> None:
    released = worker.release_batch

    def later(desk: Any, batch: Any, owner: Any) -> None:
        effects.sync(desk.library)
        released(desk, batch, owner)

    nothing_is_synced()
    worker.release_batch = later


@mutant
def a_failed_sync_is_tried_again() -> None:
    once = effects.sync

    def sync(tree: Tree) -> None:
        with suppress(OSError):
            once(tree)

    place._make_durable = lambda desk, placed: sync(desk.library) if placed else None  # type: ignore[assignment]


@mutant
def a_sync_of_a_dead_disk_is_believed() -> None:
    effects._prove_alive = lambda tree: None


@mutant
def what_was_placed_before_a_stop_is_not_synced() -> None:
    one, durable = place._place_one, place._make_durable
    stopped: list[Any] = []

    def noted(desk: Any, work: Any) -> Any:
        problem = one(desk, work)
        stopped.extend([problem] if problem else [])
        return problem

    place._place_one = noted
    place._make_durable = lambda *arguments: None if stopped else durable(*arguments)  # type: ignore[assignment]


@mutant
def a_source_goes_before_its_copy_is_recorded() -> None:
    copied = place._copy

    def copy(desk: Any, work: Any, target: bytes) -> None:
        copied(desk, work, target)
        if desk.moves:
            desk.source.at(work.path, lambda fd, name: os.unlink(name, dir_fd=fd))

    place._copy = copy


@mutant
def a_source_is_removed_without_a_look() -> None:
    def unlink(source: Tree, path: bytes, *_: object) -> None:
        source.at(path, lambda fd, name: os.unlink(name, dir_fd=fd))

    fsops.release = unlink


@mutant
def a_move_does_not_look_at_what_it_moves() -> None:
    def move(source: Tree, path: bytes, _: object, library: Tree, destination: bytes) -> None:
        effects._rename(source, path, library, destination)

    fsops.move = move
    place._verify_racy = lambda *_: None


@mutant
def what_stands_there_is_overwritten() -> None:
    effects._NOREPLACE = 0


@mutant
def a_copy_is_not_compared() -> None:
    def fill(file: Any, target: int, sha256: str, part: bytes) -> None:
        effects._write_all(target, file.read_at(0, file.size), part)

    effects._fill = fill


@mutant
def bytes_move_before_their_intent_is_written() -> None:
    compare_and_record, bring = worker.check, worker.place

    def compare(desk: Any, batch: Any, owner: Any) -> None:
        check.compare(desk, batch)
        for work in batch:
            work.planned = work.verdict is None and work.twin_of is None

    def place_and_record(desk: Any, batch: Any) -> Any:
        problem = bring(desk, batch)
        compare_and_record(desk, batch, Actor(identity()))
        return problem

    worker.check, worker.place = compare, place_and_record


@mutant
def the_fence_is_not_looked_at() -> None:
    update = setwise.update

    def unfenced(model: Any, alike: Any, columns: Sequence[str], rows: Any, **options: Any) -> int:
        kept = [number for number, name in enumerate(columns) if name != "fence"]
        options["match"] = [name for name in options["match"] if name != "fence"]
        narrow = [[row[number] for number in kept] for row in rows]
        return update(model, alike, [columns[number] for number in kept], narrow, **options)

    door.setwise.update = unfenced  # type: ignore[attr-defined]


@mutant
def a_lease_is_counted_by_the_clock_of_the_host() -> None:
    claim.database_now = lease.database_now = lambda: timezone.now()


@mutant
def files_are_taken_from_the_living() -> None:
    recover.is_provably_dead = lambda owner: True


@mutant
def nobody_takes_over_from_the_dead() -> None:
    recover.abandoned = lambda session_id: []


@mutant
def other_bytes_are_adopted() -> None:
    def adopt(desk: Any, work: Any) -> None:
        work.placed = work.adopted = True
        work.disposition = SourceDisposition.RELEASE_DUE if desk.moves else work.disposition

    place._adopt_or_release = adopt


@mutant
def other_bytes_are_adopted_in_recovery() -> None:
    recover.holds = lambda tree, path, *_: tree.exists(path)


@mutant
def what_cannot_be_read_is_taken_for_other_bytes() -> None:
    compare = fsops.compare

    def guess(*arguments: Any, **options: Any) -> fsops.Comparison:
        found = compare(*arguments, **options)
        return fsops.Comparison(fsops.Answer.DIFFERENT) if found.is_unreadable else found

    fsops.compare = guess


@mutant
def recovery_calls_it_missing_too_early() -> None:
    recover._publish_part = lambda desk, item: False
    exists = Tree.exists
    Tree.exists = lambda tree, path: False if path.endswith(b".jpg") else exists(tree, path)


@mutant
def temporary_files_of_others_are_thrown_away() -> None:
    def clear(desk: Any) -> None:
        for part in effects.parts(desk.library):
            effects.discard(desk.library, part)

    recover._clear_incoming = clear


@mutant
def a_torn_copy_is_published() -> None:
    def publish(desk: Any, item: Any) -> bool:
        part = b".incoming/%d-%d.part" % (item.pk, item.fence - 1)
        return desk.library.exists(part) and recover._publish(desk, part, item.destination.encode())

    recover._publish_part = publish


@mutant
def the_audit_is_written_in_its_own_transaction() -> None:
    write = AuditLogger.record_many

    def later(logger: AuditLogger, *arguments: Any) -> None:
        transaction.on_commit(lambda: write(logger, *arguments))

    AuditLogger.record_many = later


@mutant
def nobody_asks_whether_its_directories_are() -> None:
    fsops.out_of_reach = lambda *_: set()


@mutant
def nobody_asks_whether_the_library_is_at_its_path() -> None:
    effects.require_in_place = lambda tree: None
    nobody_asks_whether_its_directories_are()
