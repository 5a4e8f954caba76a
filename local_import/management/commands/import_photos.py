"""Import a directory, in the foreground or by the running workers."""

from __future__ import annotations

import getpass
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from django.core.management.base import CommandParser

from ... import names
from ...alerts import evaluate
from ...audit_logger import Actor
from ...errors import ImportProblem
from ...models import ImportSession
from ...pipeline import flags
from ...pipeline.desk import Desk
from ...pipeline.preview import preview
from ...pipeline.scan import files_in_source
from ...pipeline.work import Work
from ...services import background, reports, sessions
from ...states import ImportMode, SessionState
from .. import text
from ..arguments import filled, row_number, up_to
from ..desk_command import DeskCommand
from ..json_pieces import pieces
from ..progress import Progress
from ..refusals import INTERRUPTED, refuse, wrong_use

_EXIT_OF = {SessionState.FAILED: 1, SessionState.ERROR: 1, SessionState.CANCELED: 1}
MOST_WORKERS = 1024  # as of PHOTONEST_WORKERS


class Command(DeskCommand):
    help = (
        "Import the photos of a directory, with everything below it, into the library. "
        "Every file ends in the library, or at rest with a reason. Ctrl-C stops cleanly; the same "
        "command, or --resume, goes on. Exit status: 0 imported or nothing to import, 1 failed or "
        "in error, 2 wrong use, 130 interrupted; with --background, 0 says that it was started."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", nargs="?", type=filled, help="the directory to import")
        parser.add_argument(
            "--mode",
            choices=ImportMode.values,
            default=None,
            help="copy (default): the source stays; move: it goes away once its bytes are safe",
        )
        parser.add_argument(
            "--workers",
            type=up_to(MOST_WORKERS),
            default=None,
            help="number of worker processes (default: the cores of this machine)",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="decide everything and change nothing"
        )
        parser.add_argument(
            "--background",
            action="store_true",
            help="leave the work to the running workers and return at once",
        )
        parser.add_argument(
            "--resume",
            type=row_number,
            metavar="SESSION",
            help="go on with this session; what failed or is missing is tried again",
        )
        parser.add_argument(
            "--no-quiet-time",
            action="store_true",
            help="also take files that changed a moment ago (PHOTONEST_QUIET_TIME), at once: only where "
            "nobody writes into the directory any more",
        )
        parser.add_argument(
            "--label", type=names.legible, default="", help="a name for the session"
        )
        parser.add_argument(
            "--json", action="store_true", help="print the session as JSON and nothing else"
        )

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        _check_usage(options, dry_run)
        try:
            report, status = self._chosen(dry_run, options["background"])(**options)
        except ImportProblem as problem:
            refuse(problem, as_json=options["json"])
        self.write_all(pieces(report) if options["json"] else [text.session(report), "\n"])
        if not (dry_run or options["background"]):
            evaluate.evaluate_if_late()  # where neither beat nor a worker is used, nobody else does
        if status:
            sys.exit(status)

    def _chosen(self, dry_run: bool, background: bool) -> Callable[..., tuple[dict[str, Any], int]]:
        if dry_run:
            return self._preview
        return self._leave_to_workers if background else self._import

    def _leave_to_workers(self, **options: Any) -> tuple[dict[str, Any], int]:
        actor = Actor(f"command:{getpass.getuser()}")
        session = _session(actor, background.resume, **options)
        session = background.start(session.pk, actor=actor)
        return reports.session_report(session), 0

    def _preview(
        self, *, source: str, mode: str | None, json: bool, no_quiet_time: bool, **_: Any
    ) -> tuple[dict[str, Any], int]:
        left_out: Counter[str] = Counter()
        mode = mode or ImportMode.COPY
        with (
            sessions.dry_desk(
                sessions.check_source(os.fsencode(source)), mode, no_quiet_time=no_quiet_time
            ) as desk,
            Progress("Dry run", quiet=json) as progress,
        ):
            works = _watched(preview(desk, left_out), desk, progress)
            report = reports.preview_report(works, desk.source.root, left_out)
            report |= {"source": names.shown(desk.source.root), "mode": str(mode)}
        return report, _EXIT_OF.get(SessionState(report["state"]), 0)

    def _import(self, *, workers: int | None, **options: Any) -> tuple[dict[str, Any], int]:
        actor = Actor(f"command:{getpass.getuser()}")
        session = _session(actor, sessions.resume, **options)
        signals = _Interrupts()
        with Progress(f"Session {session.pk}", quiet=options["json"]) as progress:
            session = sessions.run_to_end(
                session.pk,
                workers=workers or os.cpu_count() or 1,
                actor=actor,
                report=progress.show,
                interrupted=signals.seen,
            )
        status = _EXIT_OF.get(SessionState(session.state), 0)
        if signals.seen() and session.paused_at is not None:
            status = INTERRUPTED
        return reports.session_report(session), status


def _session(
    actor: Actor, go_on: Callable[..., ImportSession], *, no_quiet_time: bool, **options: Any
) -> ImportSession:
    session = _chosen_session(actor, go_on, **options)
    if no_quiet_time:
        flags.skip_quiet_time(session.pk, actor=actor, reason="Asked for with --no-quiet-time.")
    return session


def _chosen_session(
    actor: Actor,
    go_on: Callable[..., ImportSession],
    *,
    source: str | None,
    resume: int | None,
    mode: str | None,
    label: str,
    **_: Any,
) -> ImportSession:
    """The session to run: the named one, an unfinished one of this source, or a new one."""
    if resume is not None:
        return go_on(resume, actor=actor)
    assert source is not None
    path, chosen = sessions.check_source(os.fsencode(source)), mode or ImportMode.COPY
    found = sessions.unfinished(path, chosen)
    if found is not None:
        return go_on(found.pk, actor=actor)
    return sessions.create(path, mode=chosen, label=label, actor=actor)


def _watched(works: Iterator[Work], desk: Desk, progress: Progress) -> Iterator[Work]:
    """The same works. Where somebody watches, the source is walked before, to tell of how many."""
    total, failed = 0, 0
    if progress.is_shown:
        total = sum(1 for _ in files_in_source(desk, Counter()))
    for done, work in enumerate(works, 1):
        failed += bool(work.verdict and work.verdict.failure)
        progress.tell(done, total, failed)
        yield work


def _check_usage(options: dict[str, Any], dry_run: bool) -> None:
    if (options["source"] is None) == (options["resume"] is None):
        wrong_use("Name either a source directory or --resume SESSION.")
    if options["resume"] is not None and (dry_run or options["mode"]):
        wrong_use("--resume goes with neither --dry-run nor --mode: the session has its mode.")
    if options["background"] and (dry_run or options["workers"] is not None):
        wrong_use(
            "--background goes with neither --dry-run nor --workers: PHOTONEST_WORKERS says how "
            "many workers a session in the background calls for."
        )


class _Interrupts:
    """Ctrl-C as a question that can be asked, instead of an exception anywhere."""

    def __init__(self) -> None:
        self._since: float | None = None
        signal.signal(signal.SIGINT, self._note)
        signal.signal(signal.SIGTERM, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._since is None:
            sys.stderr.write("\nStopping: the files in work are finished first.\n")
        self._since = self._since or time.monotonic()

    def seen(self) -> bool:
        return self._since is not None
