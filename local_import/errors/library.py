"""What can be wrong with the library: it is away, closed, in two parts, or its files are."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from .actions import RESUME, Action, Operation
from .vocabulary import Category, Entries, ErrorCode, ErrorEntry, Severity

ENTRIES: Entries = {
    ErrorCode.LIBRARY_NOT_WRITABLE: ErrorEntry(
        Severity.CRITICAL,
        Category.LIBRARY,
        True,
        5,
        _("The library {path} cannot be written to."),
        _("A file could not be made in it: {detail}. Nothing was imported."),
        (
            Action(
                "grant_access",
                _("Let the worker write there, as the owner or as root: {command}"),
                command="chmod {grant} {obstacle_quoted}",
                operation=Operation.RESUME,
                when="grant",
            ),
            Action(
                "see_permissions",
                _(
                    "See who owns each part of the path ({command}) and make it writable, or set "
                    "PHOTONEST_LIBRARY to another place."
                ),
                command="namei -l {quoted}",
                operation=Operation.RESUME,
            ),
        ),
        provable=True,
    ),
    ErrorCode.LIBRARY_UNMOUNTED: ErrorEntry(
        Severity.CRITICAL,
        Category.LIBRARY,
        True,
        5,
        _("The library {path} is not the one the database knows."),
        _(
            "The library's mark, the file .photonest-library, is not there, or another directory came "
            "to stand at the path while the library was used. Its disk is probably not mounted, or it "
            "was renamed. Nothing is imported until it is back."
        ),
        (
            Action(
                "mount",
                _("Mount it again: {command}"),
                command="mount {mount_quoted}",
                operation=Operation.RESUME,
                when="in_fstab",
            ),
            Action(
                "connect_library",
                _(
                    "Mount the library's disk, or give the library its name back, so that its files "
                    "are at {path}."
                ),
                operation=Operation.RESUME,
            ),
            Action(
                "check_setting",
                _("Check that PHOTONEST_LIBRARY names the right directory: {command}"),
                command="findmnt -T {quoted}",
                operation=Operation.RESUME,
            ),
        ),
        provable=True,
    ),
    ErrorCode.LIBRARY_SPLIT: ErrorEntry(
        Severity.HIGH,
        Category.LIBRARY,
        True,
        15,
        _("{path} has its place in a part of the library that is another file system."),
        _(
            "A file gets its name by a rename, which cannot cross file systems. Another disk is "
            "mounted inside the library."
        ),
        (
            Action(
                "find_mounts",
                _("Take away what is mounted inside the library; this shows it: {command}"),
                command="findmnt -R -o TARGET,SOURCE,FSTYPE -T {library_quoted}",
                operation=Operation.RESUME,
            ),
        ),
    ),
    ErrorCode.LIBRARY_OVERLAPS_SOURCE: ErrorEntry(
        Severity.HIGH,
        Category.REQUEST,
        False,
        5,
        _("The source {path} and the library {library} lie inside each other."),
        _("An import would read its own results. Nothing was imported."),
        (
            Action(
                "take_library_away",
                _("Take the library out of the source: unmount it there, or move it."),
                operation=Operation.RESUME,
                when="mark",
            ),
            Action(
                "remove_mark",
                _("Or, if {library} is no library any more, remove its mark: {command}"),
                command="rm {mark_quoted}",
                operation=Operation.RESUME,
                when="mark_of_another",
            ),
            Action(
                "separate",
                _(
                    "Choose a source outside the library, or set PHOTONEST_LIBRARY to a place outside."
                ),
            ),
        ),
    ),
    ErrorCode.SOURCE_IN_LIBRARY: ErrorEntry(
        Severity.HIGH,
        Category.LIBRARY,
        True,
        5,
        _("{path} is the library's own file {library_file}."),
        _(
            "Both names lead to one file: by a hard link, or because a part of the library is mounted "
            "at the source. It was neither imported nor removed."
        ),
        (
            Action(
                "dismiss",
                _("Set it aside; the library has it already: {then}"),
                operation=Operation.DISMISS,
            ),
            Action(
                "list_library_file",
                _(
                    "Or, if the database has lost what the library holds, set it aside and list the "
                    "library's files again: {command}"
                ),
                command=(
                    "python manage.py import_item {item} dismiss && "
                    "python manage.py rebuild_library --apply"
                ),
                when="item",
            ),
            Action(
                "make_own_copy",
                _("Or, if it is a hard link, give the source a file of its own: {command}"),
                command="cp -p {quoted} {aside_quoted} && mv {aside_quoted} {quoted}",
                operation=Operation.RESUME,
            ),
        ),
    ),
    ErrorCode.LIBRARY_FILE_WRONG: ErrorEntry(
        Severity.CRITICAL,
        Category.LIBRARY,
        True,
        15,
        _("The library file for {path} is missing or has other bytes."),
        _("{detail}."),
        (
            Action(
                "give_back_missing",
                _(
                    "The source has the very bytes that the library lacks; the next try puts them "
                    "there: {then}"
                ),
                operation=Operation.RESUME,
                when="library_file_missing",
            ),
            Action(
                "give_back_damaged",
                _(
                    "The source has the very bytes that the library had; set the damaged file aside "
                    "and copy them there: {command}"
                ),
                command=(
                    "mv -n {library_file_quoted} {library_file_aside_quoted} && "
                    "cp -p -n {quoted} {library_file_quoted}"
                ),
                operation=Operation.RESUME,
                when="library_file_damaged",
            ),
            Action(
                "accept_bytes",
                _(
                    "If the bytes that stand there are the whole photo, as where a program wrote its "
                    "end after it was imported, accept them: {then}"
                ),
                operation=Operation.ACCEPT_BYTES,
                when="stands",
            ),
            Action(
                "restore_backup",
                _("Or restore the library's file from a backup."),
                operation=Operation.RESUME,
            ),
        ),
    ),
    ErrorCode.DESTINATION_TAKEN: ErrorEntry(
        Severity.LOW,
        Category.LIBRARY,
        True,
        1,
        _("Another file stands at the destination of {path}."),
        _("{detail}. It was not overwritten; the next try takes a longer name."),
        (RESUME,),
    ),
    ErrorCode.STILL_NEEDED: ErrorEntry(
        Severity.LOW,
        Category.LIBRARY,
        True,
        5,
        _("{path} stays in the library: other files rest on it."),
        _("{detail}."),
        (
            Action(
                "see_dependents",
                _("Leave it there: it is their only copy. This shows which they are: {command}"),
                command="python manage.py import_status {other_session} --items --state skipped",
            ),
            Action(
                "bring_duplicate_back",
                _(
                    "Or bring the duplicate back to its source; the undo then lets its session "
                    "import it instead."
                ),
                operation=Operation.UNDO,
            ),
            Action(
                "give_duplicate_up",
                _(
                    "Or give the duplicate up: tried again it is found to be missing, and rests on "
                    "nothing: {command}"
                ),
                command="python manage.py import_item {other_item} retry",
                operation=Operation.UNDO,
                when="other_item",
            ),
        ),
    ),
}
