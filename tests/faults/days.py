"""An installation whose library and database are set back to days apart, and an operator who does what
the check recommends: nothing is lost, and what is lost is said to be."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from local_import import operations
from local_import.consistency import findings, look, rebuild, repair
from local_import.consistency.breaker import library_to_look_at
from local_import.guards import open_gate
from local_import.models import AuditLog, ImportItem, ImportSession, Incident, Media
from local_import.models.finding import Finding, RuleLook
from local_import.models.operation_run import OperationRun
from local_import.services import sessions
from local_import.services.sweeper import sweep
from tests.photos import jpeg

from . import oracle
from .boundaries import Act, nothing
from .flow import ACTOR, run_here
from .oracle import Sight, files
from .place import Place, write
from .trial import Trials

ROUNDS = 8  # looks and remedies; more would mean that the operator is led in circles
A_DAY = 3  # photos
SEEN = (Finding, RuleLook, OperationRun)
ROWS = (
    *(Incident, ImportSession, Incident.sessions.through, Media, ImportItem, AuditLog),
)  # in the order of their references
LAWS = (
    oracle.no_byte_is_lost,
    oracle.imported_is_true,
    oracle.no_content_is_listed_twice,
    oracle.the_audit_tells_every_state,
    oracle.work_has_an_owner,
    oracle.a_session_at_rest_rests,
    oracle.every_failure_has_its_incident,
)


@dataclass(frozen=True)
class History:
    library: int  # the day that it is set back to; 0 is that before the first import
    database: int
    at_hand: bool  # the photos are elsewhere, too
    mode: str = "move"


Rows = dict[type, list[dict[str, Any]]]


def photos(day: int) -> dict[str, bytes]:
    first = 100 * day
    return {f"{day}/{seed}.jpg": jpeg(seed) for seed in range(first + 1, first + 1 + A_DAY)}


@dataclass
class Days:
    trials: Trials
    history: History

    @property
    def place(self) -> Place:
        return self.trials.place

    @property
    def elsewhere(self) -> Path:
        return self.place.near / "elsewhere"

    def live(self, number: int) -> None:
        """Import each day's photos; keep library and rows of each; then set both back."""
        self.place.clean()
        _forget(SEEN)
        for path in (self.place.source, self.elsewhere):
            shutil.rmtree(path, ignore_errors=True)
        rows, copies = [self._rows()], [self._copy(0)]
        for day in range(1, number + 1):
            self._import(day, self.history.mode)
            rows.append(self._rows())
            copies.append(self._copy(day))
        self._set_back(copies[self.history.library], rows[self.history.database])
        if self.history.at_hand:
            for day in range(1, number + 1):
                self._put(self.elsewhere, day)
        self.place.kept = set(self._held())
        self.place.contents = {}

    def _import(self, day: int, mode: str) -> None:
        source = self.place.source / f"day-{day}"
        self._put(source, day)
        run_here(sessions.create(os.fsencode(source), mode=mode, actor=ACTOR).pk)
        if mode == "copy":
            shutil.rmtree(source)  # the card goes back into the camera, and is used again

    def _put(self, root: Path, day: int) -> None:
        for name, content in photos(day).items():
            write(root / name, content)

    def _copy(self, day: int) -> Path:
        kept = self.place.near / f"kept-{day}"
        shutil.rmtree(kept, ignore_errors=True)
        if self.place.library.exists():
            shutil.copytree(self.place.library, kept)
        else:
            write(kept / ".photonest-library", b"This directory is a Photonest library.\n")
        return kept

    def _rows(self) -> Rows:
        return {table: list(table._base_manager.order_by("pk").values()) for table in ROWS}

    def _set_back(self, copy: Path, rows: Rows) -> None:
        shutil.rmtree(self.place.library)
        shutil.copytree(copy, self.place.library)
        _forget(tuple(reversed(ROWS)))
        with transaction.atomic(), open_gate("set back"):
            for table, held in rows.items():
                QuerySet(table).bulk_create([table(**row) for row in held])  # past the door

    def _held(self) -> Iterator[str]:
        held = files(self.place.library)
        yield from (content for path, content in held.items() if not path.startswith("."))

    def put_right(self, act: Act = nothing) -> None:
        """Killed anywhere, the operator looks again and goes on."""
        ending = self.trials.child(self._follow, act).end()
        if not ending.killed:
            self.trials.blame(str(self.history), *([ending.error] if ending.error else []))
            return
        self.put_right()

    def _follow(self) -> None:
        for _round in range(ROUNDS):
            sweep()
            report = look.take()
            findings.keep(report)
            rules = {suspect.rule for suspect in report.suspects}
            if not rules - {"media_lost"}:
                return
            self._remedy(rules, report)
        raise AssertionError(f"after {ROUNDS} rounds: {rules}")

    def _remedy(self, rules: set[str], report: look.Report) -> None:
        gone = rules & {"library_set_back", "files_gone_at_once"}
        if rules & {"database_set_back", "original_unlisted"}:
            with library_to_look_at() as library:
                assert library
                rebuild.rebuild(library, apply=True, actor=ACTOR)
        elif gone and self.history.at_hand:
            source = os.fsencode(self.elsewhere)
            run_here(sessions.create(source, actor=ACTOR).pk)
        elif gone:
            target = next(s.evidence["target"] for s in report.suspects if s.rule in gone)
            operations.carry_out("accept_loss", target, actor=ACTOR, reason="Lost.", wait=True)
        else:
            repair.repair(actor=ACTOR)

    def judge(self, where: str) -> None:
        sight = Sight(self.place)
        self.trials.points += 1
        self.trials.blame(
            where, *(text for law in LAWS for text in law(sight)), *self._untrue(sight)
        )

    def _untrue(self, sight: Sight) -> Iterator[str]:
        """Every file is listed, and every listed one is there or known to be lost."""
        rows = {media.path: media for media in Media.objects.all()}
        for path in sight.library.keys() - rows.keys():
            yield f"{path} is in the library, and no media lists it"
        for path, media in rows.items():
            if (path in sight.library) == (media.lost_at is not None):
                yield f"{path} is {'there' if media.lost_at else 'gone'}, and its media says otherwise"
        if self.history.at_hand and any(media.lost_at for media in rows.values()):
            yield "photos that were at hand are called lost"
        for item in ImportItem.objects.filter(state="missing"):
            if item.sha256 in sight.library.values():
                yield f"{item} is missing, and its bytes are in the library"


def _forget(tables: tuple[type, ...]) -> None:
    with transaction.atomic(), open_gate("clean"):
        for table in tables:
            table.objects.all()._raw_delete("default")  # type: ignore[attr-defined]
