"""The engine: an error and its context in, a diagnosis with evidence and actions out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from ..errors import ErrorCode
from ..wording.describe import Diagnosis, describe
from ..wording.facts import gathered
from . import disks, paths, rows, workers
from .classify import closer_code_of
from .evidence import Look, examine
from .fingerprint import fingerprint

LOOKS: dict[ErrorCode, Look] = {
    ErrorCode.SOURCE_MISSING: paths.gone,
    ErrorCode.PERMISSION_DENIED: paths.refused,
    ErrorCode.LIBRARY_NOT_WRITABLE: paths.refused,
    ErrorCode.NOT_REGULAR_FILE: paths.not_a_file,
    ErrorCode.SOURCE_BUSY: paths.in_use,
    ErrorCode.SOURCE_CHANGED: paths.in_use,
    ErrorCode.SOURCE_GREW: paths.in_use,
    ErrorCode.NAME_TOO_LONG: paths.too_long,
    ErrorCode.DAMAGED: paths.content,
    ErrorCode.CONTENT_MISMATCH: paths.content,
    ErrorCode.LIBRARY_FILE_WRONG: paths.library_file,
    ErrorCode.DISK_FULL: disks.room,
    ErrorCode.QUOTA_EXCEEDED: disks.room,
    ErrorCode.IO_ERROR: disks.device,
    ErrorCode.STALE_HANDLE: disks.device,
    ErrorCode.NO_ANSWER: disks.device,
    ErrorCode.LIBRARY_UNMOUNTED: disks.library_mark,
    ErrorCode.TOO_MANY_OPEN_FILES: disks.open_files,
    ErrorCode.LIBRARY_SPLIT: disks.inner_mounts,
    ErrorCode.FILE_TOO_LARGE: disks.file_size,
    ErrorCode.SOURCE_OCCUPIED: paths.in_use,
    ErrorCode.SOURCE_REPLACED: paths.what_stands_there,
    ErrorCode.SOURCE_IN_LIBRARY: paths.one_file,
    ErrorCode.DATABASE_CONSTRAINT: rows.constraint,
    ErrorCode.DATABASE_BUSY: rows.database,
    ErrorCode.DATABASE_DEADLOCK: rows.database,
    ErrorCode.DATABASE_FULL: rows.database,
    ErrorCode.DATABASE_OUTDATED: rows.database,
    ErrorCode.DATABASE_UNREACHABLE: rows.database,
    ErrorCode.DATABASE_ERROR: rows.database,
    ErrorCode.SOURCE_NOT_DIRECTORY: paths.not_a_file,
    ErrorCode.LIBRARY_OVERLAPS_SOURCE: paths.overlap,
    ErrorCode.STILL_NEEDED: rows.dependents,
    ErrorCode.MEMORY_EXHAUSTED: workers.memory,
    ErrorCode.WORKER_DIED: workers.heartbeats,
    ErrorCode.POISON: workers.heartbeats,
    ErrorCode.LEASE_LOST: workers.heartbeats,
    ErrorCode.SESSION_BUSY: workers.heartbeats,
}


class TroubleshootingEngine:
    """Finds the code for an error, looks at the place, and says what is so and what to do."""

    def diagnose(self, error: BaseException, context: Mapping[str, Any] | None = None) -> Diagnosis:
        """Never raises, takes no longer than two seconds, and changes nothing.

        `context` may name file_path (text or bytes), operation, session, item, library, source,
        owner.
        """
        known = gathered(error, {"library": settings.PHOTONEST_LIBRARY} | dict(context or {}))
        found = examine(LOOKS, closer_code_of(error), error, known)
        if found.code == ErrorCode.UNKNOWN:
            known["fingerprint"] = fingerprint(error)
        return describe(found.code, known | found.facts, found.seen, found.seen_at)


class ActionRecommender:
    """What can be done about an error or a code."""

    def __init__(self, engine: TroubleshootingEngine | None = None) -> None:
        self._engine = engine or TroubleshootingEngine()

    def recommend(
        self, problem: BaseException | ErrorCode | str, context: Mapping[str, Any] | None = None
    ) -> list[str]:
        if isinstance(problem, BaseException):
            return self._engine.diagnose(problem, context).recommended_actions
        known = gathered(Exception(), context or {})
        return describe(ErrorCode(problem), known).recommended_actions
