"""What disks do: fill up, fail, go away, and not answer."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from .actions import DISMISS, RESUME, Action, Operation
from .vocabulary import Category, Entries, ErrorCode, ErrorEntry, Severity

_ANOTHER_DISK = Action(
    "larger_disk",
    _("Or move the library to a larger disk, and set PHOTONEST_LIBRARY to it."),
    operation=Operation.RESUME,
)

ENTRIES: Entries = {
    ErrorCode.DISK_FULL: ErrorEntry(
        Severity.CRITICAL,
        Category.STORAGE,
        True,
        15,
        _("The disk of {path} is full."),
        _("{detail}. The import stopped; no file was lost."),
        (
            Action(
                "make_room",
                _("Make room on it; this shows what is large: {command}"),
                command="du -xh --max-depth=2 {mount_quoted} | sort -h | tail -n 20",
                operation=Operation.RESUME,
            ),
            _ANOTHER_DISK,
        ),
        provable=True,
    ),
    ErrorCode.INODES_EXHAUSTED: ErrorEntry(
        Severity.CRITICAL,
        Category.STORAGE,
        True,
        15,
        _("The disk of {path} cannot hold more files."),
        _(
            "It has room for bytes, but its number of files is used up (inodes). The import stopped; "
            "no file was lost."
        ),
        (
            Action(
                "remove_files",
                _("Remove files that are not needed; this shows where most are: {command}"),
                command="du -x --inodes --max-depth=2 {mount_quoted} | sort -n | tail -n 20",
                operation=Operation.RESUME,
            ),
            _ANOTHER_DISK,
        ),
    ),
    ErrorCode.QUOTA_EXCEEDED: ErrorEntry(
        Severity.CRITICAL,
        Category.STORAGE,
        True,
        15,
        _("The quota for {path} is used up."),
        _("The disk may have room, but this user may not use more of it."),
        (
            Action(
                "raise_quota",
                _("Raise the quota of the worker's user, or make room; this shows it: {command}"),
                command="quota -s",
                operation=Operation.RESUME,
            ),
            _ANOTHER_DISK,
        ),
    ),
    ErrorCode.FILE_TOO_LARGE: ErrorEntry(
        Severity.MEDIUM,
        Category.STORAGE,
        False,
        15,
        _("{path} is larger than the library's disk or a limit allows for one file."),
        _("The system refused to write so large a file: {detail}."),
        (
            Action(
                "raise_limit",
                _("Raise the limit of the worker (ulimit -f), or use a disk without it."),
                operation=Operation.RESUME,
            ),
            DISMISS,
        ),
    ),
    ErrorCode.IO_ERROR: ErrorEntry(
        Severity.HIGH,
        Category.STORAGE,
        True,
        30,
        _("{path} could not be read or written."),
        _("The system reported: {detail}."),
        (
            Action("retry", _("Check cable, card and reader."), operation=Operation.RESUME),
            Action(
                "see_disk_errors",
                _("If it fails again, look for errors of the device: {command}"),
                command="dmesg | tail -n 30",
                operation=Operation.RESUME,
            ),
            DISMISS,
        ),
        passing=True,
    ),
    ErrorCode.STALE_HANDLE: ErrorEntry(
        Severity.HIGH,
        Category.STORAGE,
        True,
        5,
        _("{path} lies on a network share that was replaced."),
        _("The server does not know the share's handles any more: {detail}."),
        (
            Action(
                "mount_again",
                _("Mount the share anew: {command}"),
                command="umount -l {mount_quoted} && mount {mount_quoted}",
                operation=Operation.RESUME,
                when="share",
            ),
            RESUME,
        ),
        passing=True,
    ),
    ErrorCode.NO_ANSWER: ErrorEntry(
        Severity.HIGH,
        Category.STORAGE,
        True,
        10,
        _("The disk of {path} does not answer."),
        _("{detail}. The server, or the program behind the file system, is away or too slow."),
        (
            Action(
                "revive_mount",
                _("Check the server and the network behind {mount}."),
                operation=Operation.RESUME,
            ),
            Action(
                "mount_again",
                _("Or mount it anew: {command}"),
                command="umount -l {mount_quoted} && mount {mount_quoted}",
                operation=Operation.RESUME,
                when="share",
            ),
        ),
        passing=True,
    ),
}
