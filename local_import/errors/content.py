"""What the bytes of a file are: damaged, unknown, too large, or in the library already."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from .actions import DISMISS, Action, Operation
from .vocabulary import Category, Entries, ErrorCode, ErrorEntry, Severity

_ASK_AGAIN = Action(
    "retry", _("To import it after all, try it again: {then}"), operation=Operation.RETRY
)

ENTRIES: Entries = {
    ErrorCode.DAMAGED: ErrorEntry(
        Severity.MEDIUM,
        Category.CONTENT,
        False,
        5,
        _("{path} is damaged."),
        _("{detail}. The bytes were left untouched."),
        (
            Action(
                "import_anyway",
                _("If this is the only copy, import it as it is: {then}"),
                operation=Operation.IMPORT_ANYWAY,
            ),
            Action(
                "replace_by_whole_copy",
                _(
                    "Or put a whole copy in its place, from the camera, the card or a backup; its "
                    "name must stay the same."
                ),
                operation=Operation.RESUME,
            ),
            DISMISS,
        ),
        page="howto/import-a-damaged-file.md",
    ),
    ErrorCode.BAD_VALUE: ErrorEntry(
        Severity.MEDIUM,
        Category.CONTENT,
        False,
        15,
        _("A value in or about {path} cannot be used."),
        _("{detail}."),
        (
            DISMISS,
            Action(
                "correct_value",
                _("Or correct the data that is named here."),
                operation=Operation.RESUME,
            ),
        ),
    ),
    ErrorCode.CONTENT_MISMATCH: ErrorEntry(
        Severity.MEDIUM,
        Category.CONTENT,
        False,
        5,
        _("{path} is not what its name says."),
        _("{detail}."),
        (
            Action(
                "replace_by_whole_copy",
                _("Put the photo itself in its place, from the camera, the card or a backup."),
                operation=Operation.RETRY,
            ),
            DISMISS,
        ),
    ),
    ErrorCode.IMAGE_TOO_LARGE: ErrorEntry(
        Severity.MEDIUM,
        Category.CONTENT,
        False,
        10,
        _("{path} has too many pixels to be decoded."),
        _("{detail}. The bytes were left untouched."),
        (
            Action(
                "replace_by_smaller",
                _("Put a smaller version in its place."),
                operation=Operation.RESUME,
            ),
            DISMISS,
        ),
    ),
    ErrorCode.UNSUPPORTED: ErrorEntry(
        Severity.LOW,
        Category.CONTENT,
        False,
        10,
        _("{path} has a format that is not imported."),
        _(
            "{detail}. JPEG, PNG, GIF, TIFF, BMP, WebP and AVIF are imported; no extra adds other "
            "formats to this version."
        ),
        (
            Action(
                "convert",
                _(
                    "Save it as one of these formats beside the file, and import the directory again."
                ),
            ),
        ),
    ),
    ErrorCode.EMPTY: ErrorEntry(
        Severity.LOW,
        Category.CONTENT,
        False,
        5,
        _("{path} has no bytes."),
        _("A copy that broke off, or a full card, leaves such files. There is nothing to import."),
        (
            Action(
                "replace_by_whole_copy",
                _("Look for the photo on the camera, the card or in a backup, and put it there."),
                operation=Operation.RETRY,
            ),
        ),
    ),
    ErrorCode.DUPLICATE: ErrorEntry(
        Severity.LOW,
        Category.CONTENT,
        False,
        0,
        _("The bytes of {path} are in the library already."),
        _("{detail}. Both have the same SHA-256, and the library's file was read to make sure."),
        (_ASK_AGAIN,),
    ),
    ErrorCode.SIDECAR: ErrorEntry(
        Severity.LOW,
        Category.CONTENT,
        False,
        0,
        _("{path} belongs to another file."),
        _("{detail}."),
        (_ASK_AGAIN,),
    ),
    ErrorCode.DIRECTORY: ErrorEntry(
        Severity.LOW,
        Category.CONTENT,
        False,
        0,
        _("{path} is a directory, and its files are items of their own."),
        _("It could not be read when the source was walked; it was walked again since."),
        (_ASK_AGAIN,),
    ),
    ErrorCode.DISMISSED: ErrorEntry(
        Severity.LOW,
        Category.CONTENT,
        False,
        0,
        _("{path} was set aside by an operator."),
        _("{detail}."),
        (_ASK_AGAIN,),
    ),
    ErrorCode.REPLACED: ErrorEntry(
        Severity.LOW,
        Category.CONTENT,
        False,
        0,
        _("{path} was imported as the beginning of a file, and gave way to its whole."),
        _("Its bytes are the first of the whole, and in the quarantine."),
        (_ASK_AGAIN,),
    ),
}
