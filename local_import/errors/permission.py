"""What the system forbids: by owner and mode, by a read-only mount, by a flag."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from .actions import DISMISS, Action, Operation
from .vocabulary import Category, Entries, ErrorCode, ErrorEntry, Severity

ENTRIES: Entries = {
    ErrorCode.PERMISSION_DENIED: ErrorEntry(
        Severity.HIGH,
        Category.PERMISSION,
        True,
        5,
        _("{path} may not be read or changed by this process."),
        _("The system refused access: {detail}."),
        (
            Action(
                "grant_access",
                _("Give the worker access, as the owner or as root: {command}"),
                command="chmod {grant} {obstacle_quoted}",
                operation=Operation.RESUME,
                when="grant",
            ),
            Action(
                "grant_access_below",
                _("Or to everything in the directory: {command}"),
                command="chmod -R {grant_below} {directory_quoted}",
                operation=Operation.RESUME,
                when="grant_below",
            ),
            Action(
                "see_permissions",
                _("See who owns each part of the path: {command}"),
                command="namei -l {quoted}",
                operation=Operation.RESUME,
            ),
            DISMISS,
        ),
        provable=True,
    ),
    ErrorCode.READ_ONLY_FILESYSTEM: ErrorEntry(
        Severity.CRITICAL,
        Category.PERMISSION,
        True,
        5,
        _("{path} cannot be written: its disk is mounted read-only."),
        _(
            "The file system at {mount} takes no changes. A card with its lock switched on, a disk "
            "with errors, or the option ro are the usual reasons."
        ),
        (
            Action(
                "remount",
                _("Mount it for writing, as root: {command}"),
                command="mount -o remount,rw {mount_quoted}",
                operation=Operation.RESUME,
                when="mount",
            ),
            Action(
                "see_disk_errors",
                _("If that is refused, look for errors of the disk: {command}"),
                command="dmesg | tail -n 30",
                operation=Operation.RESUME,
            ),
        ),
        provable=True,
    ),
    ErrorCode.IMMUTABLE: ErrorEntry(
        Severity.MEDIUM,
        Category.PERMISSION,
        True,
        2,
        _("{path} may not be changed: it is marked immutable."),
        _("{obstacle} has a flag of the file system that forbids changes, even to root."),
        (
            Action(
                "clear_flag",
                _("Take the flag away, as root: {command}"),
                command="chattr -i -a {obstacle_quoted}",
                operation=Operation.RESUME,
                when="obstacle",
            ),
            DISMISS,
        ),
    ),
}
