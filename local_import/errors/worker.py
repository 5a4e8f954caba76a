"""What happens to the processes that do the work."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from .actions import DISMISS, RESUME, Action, Operation
from .vocabulary import Category, Entries, ErrorCode, ErrorEntry, Severity

_SEE_KERNEL = Action(
    "see_kernel_log",
    _("If it happens again, look whether memory ran out: {command}"),
    command="dmesg | grep -iE 'oom|killed process|segfault' | tail",
    operation=Operation.RESUME,
)

ENTRIES: Entries = {
    ErrorCode.WORKER_DIED: ErrorEntry(
        Severity.HIGH,
        Category.WORKER,
        True,
        10,
        _("The worker processes ended before the session did."),
        _("{detail}."),
        (RESUME, _SEE_KERNEL),
    ),
    ErrorCode.LEASE_LOST: ErrorEntry(
        Severity.LOW,
        Category.WORKER,
        True,
        1,
        _("This worker was out of touch for too long, and others took over its files."),
        _("{detail}. Nothing was written twice: a worker without its lease is refused."),
        (RESUME,),
        passing=True,
    ),
    ErrorCode.MEMORY_EXHAUSTED: ErrorEntry(
        Severity.HIGH,
        Category.WORKER,
        True,
        10,
        _("There was not enough memory to work on {path}."),
        _("{detail}."),
        (
            Action(
                "fewer_workers",
                _("Use fewer workers at once: {command}"),
                command="python manage.py import_photos --resume {session} --workers 1",
                when="session",
            ),
            _SEE_KERNEL,
            DISMISS,
        ),
        passing=True,
    ),
    ErrorCode.TOO_MANY_OPEN_FILES: ErrorEntry(
        Severity.HIGH,
        Category.WORKER,
        True,
        5,
        _("{path} could not be opened: this process has too many files open."),
        _("{detail}. The limit is {open_files_limit} files for one process."),
        (
            Action(
                "raise_open_files",
                _("Raise the limit for the worker, and start it again: {command}"),
                command="ulimit -n 4096",
                operation=Operation.RESUME,
            ),
        ),
        passing=True,
    ),
    ErrorCode.TIME_LIMIT: ErrorEntry(
        Severity.MEDIUM,
        Category.WORKER,
        True,
        10,
        _("The work on {path} took longer than a task in the background may."),
        _("{detail}. A slow disk or a very large file are the usual reasons."),
        (
            Action(
                "in_foreground",
                _("Go on in the foreground, which has no limit."),
                operation=Operation.RESUME,
            ),
            DISMISS,
        ),
    ),
    ErrorCode.POISON: ErrorEntry(
        Severity.HIGH,
        Category.WORKER,
        True,
        15,
        _("{path} was set aside: worker processes ended while they read it."),
        _(
            "It was alone in the hands of a worker process {detail} times when that process died. "
            "The other files went on without it."
        ),
        (
            Action(
                "retry_alone",
                _("Try it again when the machine has memory to spare: {then}"),
                operation=Operation.RETRY,
            ),
            Action(
                "look_elsewhere",
                _("Or look at it with another program: {command}"),
                command="file {quoted}",
            ),
            DISMISS,
        ),
    ),
}
