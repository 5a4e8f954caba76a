"""Analyse: read a file once, and say what it is, when it was taken and where it would go.

No transaction and no writing; the dry run uses the same functions.
"""

from __future__ import annotations

import logging
import os
import random
import time
from datetime import UTC, datetime, timedelta

from django.conf import settings

from .. import capture_time, formats, fsops, names
from ..errors import CATALOGUE, ErrorCode, ImportProblem
from ..formats import Inspection
from ..fsops import FileEffectError, NotRegularFile, Source, StillOpenForWriting, Tree
from ..models import ImportItem, ImportSession
from ..sayings import say
from ..states import SkipReason
from ..transactions import database_now
from ..troubleshooting import Diagnosis, TroubleshootingEngine
from . import quiet
from .desk import Desk, holds
from .work import Verdict, Work

logger = logging.getLogger(__name__)

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 600.0
WALK_WAIT = timedelta(seconds=0.5)
_engine = TroubleshootingEngine()


def analyse(desk: Desk, work: Work, now: datetime | None = None) -> None:
    """Fill in what the bytes tell, or the verdict that ends this file's way."""
    began = time.perf_counter()
    _analyse(desk, work, now or datetime.now(UTC))
    work.read_ms += (time.perf_counter() - began) * 1000


def _analyse(desk: Desk, work: Work, now: datetime) -> None:
    try:
        with fsops.open_source(desk.source, work.path) as source:
            work.fingerprint, work.size_bytes = source.fingerprint, source.size
            work.is_racy = source.is_racy
            work.wait_s = quiet.left_s(work, desk.quiet_s)
            if work.wait_s:
                _leave_alone(desk, work)
            else:
                _read(desk, work, source, now)
    except FileNotFoundError as error:
        work.verdict = lost(desk, work, error)
    except NotRegularFile as error:
        work.verdict = _of_no_file(desk, work, error)
    except (OSError, FileEffectError, ImportProblem) as error:
        work.verdict = failed(desk, work, error)
    except Exception as error:
        # A defect of ours must not stop the other files; the log has the stack.
        logger.exception("analysis failed unexpectedly", extra={"item_id": work.item_id})
        work.verdict = failed(desk, work, error)


def _leave_alone(desk: Desk, work: Work) -> None:
    """Until it is still; what never is would be waited for without end, and is told of as written."""
    if quiet.is_hopeless(work):
        work.verdict = failed(desk, work, StillOpenForWriting(full_path(desk, work)))
    else:
        work.release("It was changed a moment ago, so somebody may still write it.")


def _read(desk: Desk, work: Work, source: Source, now: datetime) -> None:
    if source.size == 0:
        work.skip(SkipReason.EMPTY, "The file has no bytes.")
        return
    found = work.inspection = formats.inspect(source)
    if not found.supported:
        _pass_over(desk, work, found)
        return
    if found.damage and not work.accept_damage:
        raise ImportProblem(ErrorCode.DAMAGED, path=full_path(desk, work), detail=found.damage)
    work.sha256 = source.sha256()
    name = os.path.basename(work.path).decode("utf-8", "replace")
    mtime_ns = source.fingerprint.mtime_ns
    work.capture = capture_time.decide(found.exif, name, mtime_ns, desk.zone, now)
    first = names.PREFIX_LENGTHS[0]
    work.destination = names.destination(work.capture.wall, work.sha256, found.extension, first)
    if work.attempts > 1:  # the rename finds out whether the first name is taken
        work.destination = free_place(desk.library, work)


def _pass_over(desk: Desk, work: Work, found: Inspection) -> None:
    """What is no photo is skipped; what is called one may be the rest of one, so it fails."""
    if not formats.is_called_photo(work.path):
        text = f"The content is {found.description}, which cannot be imported."
        work.skip(SkipReason.UNSUPPORTED, text)
        return
    detail = say("called_photo", description=found.description)
    raise ImportProblem(ErrorCode.CONTENT_MISMATCH, path=full_path(desk, work), detail=detail)


def _of_no_file(desk: Desk, work: Work, error: NotRegularFile) -> Verdict:
    """A directory that could not be read when the source was walked is no failure once it was."""
    try:
        names_inside = fsops.listing(desk.source, work.path)
    except OSError as refusal:
        return failed(desk, work, refusal)
    if names_inside is None or work.size_bytes:  # a directory where a file was found
        return failed(desk, work, error)
    if ImportSession.objects.filter(pk=desk.session_id, walked_at__isnull=True).exists():
        due = database_now() + WALK_WAIT
        return Verdict("release", "It waits until it is walked.", {"next_attempt_at": due})
    if names_inside and not _is_walked(desk, work):
        return failed(desk, work, error)
    text = "It can be read now, and its files are items of their own."
    return Verdict("skip", text, {"skip_reason": SkipReason.DIRECTORY, "media_id": None})


def _is_walked(desk: Desk, work: Work) -> bool:
    below = names.shown(work.path) + "/"
    items = ImportItem.objects.in_session(desk.session_id)
    return items.filter(shown_path__startswith=below).exists()


def free_place(library: Tree, work: Work) -> str:
    """The first name, with a longer and longer prefix of the hash, that no other bytes hold.

    Raises ImportProblem when every one is taken, or what stands there cannot be read.
    """
    assert work.capture and work.inspection
    for length in names.PREFIX_LENGTHS:
        place = names.destination(work.capture.wall, work.sha256, work.inspection.extension, length)
        path = place.encode()
        if not library.exists(path) or holds(library, path, work.sha256, work.path):
            return place
    taken = say("place_taken", path=place)
    raise ImportProblem(ErrorCode.DESTINATION_TAKEN, path=work.path, detail=taken)


def full_path(desk: Desk, work: Work) -> bytes:
    return os.path.join(desk.source.root, work.path)


def failed(desk: Desk, work: Work, error: BaseException) -> Verdict:
    """The verdict for an error, with the engine's diagnosis; what may pass is tried again first."""
    found = _diagnosed(desk, work, error)
    if CATALOGUE[found.code].passing and work.retries < settings.PHOTONEST_RETRIES:
        return _once_more(work, found)
    values = {"error_code": found.code.value, "failure": found.as_failure()}
    return Verdict("fail", found.summary, values)


def _diagnosed(desk: Desk, work: Work, error: BaseException) -> Diagnosis:
    context = {
        "file_path": full_path(desk, work),
        "session": desk.session_id,
        "item": work.item_id,
        "source": desk.source.root,
    }
    return _engine.diagnose(error, context)


def _once_more(work: Work, found: Diagnosis) -> Verdict:
    """Waits 1, 4, 16 … seconds, less up to half of it by chance, so that not all come at once."""
    wait_s = FIRST_RETRY_S * 4**work.retries * random.uniform(0.5, 1)  # noqa: S311 - jitter
    due = database_now() + timedelta(seconds=min(wait_s, LONGEST_RETRY_S))
    values = {"next_attempt_at": due, "retries": work.retries + 1}
    return Verdict("release", f"{found.summary} It is tried again in {wait_s:.0f} s.", values)


def lost(desk: Desk, work: Work, error: BaseException) -> Verdict:
    """The verdict for a source that is gone: that is known whatever else the error says."""
    found = _diagnosed(desk, work, error)
    return Verdict("lose", found.summary, {"failure": found.as_failure()})
