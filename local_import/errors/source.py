"""What can be wrong with a source: it is gone, it changes, or it is no photo at all."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from .actions import DISMISS, RESUME, Action, Operation
from .vocabulary import Category, Entries, ErrorCode, ErrorEntry, Severity

_PUT_BACK = Action(
    "put_back",
    _("Put it back where it was, under the same name."),
    operation=Operation.RESUME,
)

ENTRIES: Entries = {
    ErrorCode.SOURCE_MISSING: ErrorEntry(
        Severity.MEDIUM,
        Category.SOURCE,
        True,
        10,
        _("{path} is not there."),
        _(
            "Nothing stands there now. What was found there before was moved, renamed or deleted, and no "
            "session is known to have moved it into the library."
        ),
        (
            _PUT_BACK,
            DISMISS,
            Action(
                "look_around",
                _("See what is there instead: {command}"),
                command="ls -la {directory_quoted}",
            ),
        ),
        provable=True,
    ),
    ErrorCode.SOURCE_DIRECTORY_MISSING: ErrorEntry(
        Severity.HIGH,
        Category.SOURCE,
        True,
        10,
        _("{path} is not there, because the directory {missing} is missing."),
        _("A directory on the way to it was moved, renamed or deleted, with all that it held."),
        (
            Action(
                "put_directory_back",
                _("Put the directory {missing} back where it was."),
                operation=Operation.RESUME,
            ),
            DISMISS,
            Action(
                "look_around",
                _("See what is there instead: {command}"),
                command="ls -la {above_quoted}",
            ),
        ),
        provable=True,
    ),
    ErrorCode.SOURCE_UNMOUNTED: ErrorEntry(
        Severity.HIGH,
        Category.SOURCE,
        True,
        5,
        _("{path} cannot be reached, because its disk or card is not mounted."),
        _("The directory {mount} is empty, but files were found below it before."),
        (
            Action(
                "mount",
                _("Mount it again: {command}"),
                command="mount {mount_quoted}",
                operation=Operation.RESUME,
                when="in_fstab",
            ),
            Action(
                "connect",
                _("Connect the disk or card again, so that its files are at {mount}."),
                operation=Operation.RESUME,
            ),
            DISMISS,
        ),
        provable=True,
    ),
    ErrorCode.SOURCE_NOT_DIRECTORY: ErrorEntry(
        Severity.MEDIUM,
        Category.REQUEST,
        False,
        1,
        _("{path} is not a directory."),
        _("A session imports a directory with everything below it; this is a single file."),
        (
            Action(
                "name_directory",
                _("Name the directory that holds it: {command}"),
                command="python manage.py import_photos {directory_quoted}",
            ),
        ),
    ),
    ErrorCode.SOURCE_CHANGED: ErrorEntry(
        Severity.MEDIUM,
        Category.SOURCE,
        True,
        5,
        _("{path} changed while it was being imported."),
        _("Size, time or content differ from what was read a moment before. Nothing was imported."),
        (
            Action(
                "wait_for_writer",
                _("Wait until the program that writes the file has finished."),
                operation=Operation.RESUME,
            ),
            Action("see_writer", _("See who writes it: {command}"), command="fuser -v {quoted}"),
            DISMISS,
        ),
        passing=True,
    ),
    ErrorCode.SOURCE_BUSY: ErrorEntry(
        Severity.LOW,
        Category.SOURCE,
        True,
        5,
        _("{path} is still being written."),
        _(
            "Another process has the file open for writing, or has written to it while it was waited "
            "for that nobody does."
        ),
        (
            Action(
                "wait_for_writer",
                _("Wait until the copy or upload has finished."),
                operation=Operation.RESUME,
            ),
            Action("see_writer", _("See who writes it: {command}"), command="fuser -v {quoted}"),
            DISMISS,
        ),
        passing=True,
    ),
    ErrorCode.SOURCE_GREW: ErrorEntry(
        Severity.MEDIUM,
        Category.SOURCE,
        False,
        2,
        _("{path} grew after its beginning was imported."),
        _("{detail}. The program that writes it had paused. Nothing was changed."),
        (
            Action(
                "replace",
                _(
                    "Import the whole in place of its beginning, which goes to the quarantine: {then}"
                ),
                operation=Operation.REPLACE,
            ),
            Action(
                "keep_both",
                _("Or keep both in the library: {then}"),
                operation=Operation.KEEP_BOTH,
            ),
            DISMISS,
        ),
    ),
    ErrorCode.NOT_REGULAR_FILE: ErrorEntry(
        Severity.MEDIUM,
        Category.SOURCE,
        False,
        2,
        _("{path} is not a regular file."),
        _("A link, pipe, socket or device stands where a photo was expected. It was not opened."),
        (
            Action("dismiss", _("Set it aside: {then}"), operation=Operation.DISMISS),
            Action(
                "replace",
                _("Or put the photo itself in its place."),
                operation=Operation.RESUME,
            ),
            Action("look_at_it", _("Look at it: {command}"), command="ls -ld {quoted}"),
        ),
    ),
    ErrorCode.NAME_TOO_LONG: ErrorEntry(
        Severity.MEDIUM,
        Category.SOURCE,
        False,
        5,
        _("{path} has a name that is too long for the file system."),
        _("The system refused the name: {detail}."),
        (
            Action(
                "import_renamed",
                _(
                    "Set this item aside ({then}), give the file and its directories shorter names, "
                    "and import it in a new session."
                ),
                operation=Operation.DISMISS,
            ),
            RESUME,
        ),
    ),
    ErrorCode.SOURCE_REPLACED: ErrorEntry(
        Severity.HIGH,
        Category.SOURCE,
        True,
        10,
        _("{path} is not the directory that this session imports."),
        _("{detail}. Nothing was read from it, and nothing in it was changed."),
        (
            Action(
                "put_source_back",
                _("Put the directory back that stood there when the session was made."),
                operation=Operation.RESUME,
            ),
            Action(
                "confirm_source",
                _("Or, if what stands there now is the source of this session, say so: {command}"),
                command="python manage.py import_operation confirm_source session:{session}",
                operation=Operation.RESUME,
                when="another",
            ),
            Action(
                "look_at_way",
                _("See which directory, link or disk each part of the path is: {command}"),
                command="namei -l {quoted}; findmnt -T {quoted}",
            ),
        ),
        provable=True,
    ),
    ErrorCode.SOURCE_OCCUPIED: ErrorEntry(
        Severity.LOW,
        Category.SOURCE,
        True,
        5,
        _("Other bytes stand at {path} now."),
        _("The import cannot be undone for this file, because nothing is ever overwritten."),
        (
            Action(
                "move_away",
                _("Move the other file away: {command}"),
                command="mv -n {quoted} {aside_quoted}",
                operation=Operation.UNDO,
            ),
        ),
    ),
}
