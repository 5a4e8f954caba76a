"""What one can do about a failure: a command for a shell, an operation of the desk, or both.

An action is complete in itself: who follows it, command first and operation then, is done.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class Operation(TextChoices):
    """What the desk does itself when an operator asks for it."""

    RESUME = "resume", _("go on with the session: what failed is tried again")
    RETRY = "retry", _("try this file again")
    IMPORT_ANYWAY = "import_anyway", _("import this file as it is")
    REPLACE = "replace", _("import the whole in place of its beginning")
    KEEP_BOTH = "keep_both", _("import the whole beside its beginning")
    ACCEPT_BYTES = "accept_bytes", _("accept the bytes that stand in the library")
    DISMISS = "dismiss", _("set this file aside")
    UNDO = "undo", _("undo the session")
    PAUSE = "pause", _("pause the session")
    CANCEL = "cancel", _("cancel the session")
    RESCAN = "rescan", _("look through the source again")
    CONFIRM_SOURCE = "confirm_source", _("take what stands at the source for it from now on")
    ACKNOWLEDGE = "acknowledge", _("let others know that somebody sees to it")
    RESTORE = "restore", _("put a file back from the quarantine")
    CHECK = "check", _("look whether database and disk agree")
    REPAIR = "repair", _("repair what the check has found")
    ACCEPT_LOSS = "accept_loss", _("accept that files of the library are lost")


ITEM_OPERATIONS = frozenset(
    {
        *(Operation.RETRY, Operation.IMPORT_ANYWAY, Operation.REPLACE, Operation.KEEP_BOTH),
        *(Operation.ACCEPT_BYTES, Operation.DISMISS),
    }
)
# How a shell asks for it. {session} and {item} are numbers.
SHELL = {
    Operation.RESUME: "python manage.py import_photos --resume {session}",
    Operation.RETRY: "python manage.py import_item {item} retry",
    Operation.IMPORT_ANYWAY: "python manage.py import_item {item} import_anyway",
    Operation.REPLACE: "python manage.py import_item {item} replace",
    Operation.KEEP_BOTH: "python manage.py import_item {item} keep_both",
    Operation.ACCEPT_BYTES: "python manage.py import_item {item} accept_bytes",
    Operation.DISMISS: "python manage.py import_item {item} dismiss",
    Operation.UNDO: "python manage.py import_undo {session}",
}
THEN = {
    Operation.RESUME: _("Then finish the session: {then}"),
    Operation.RETRY: _("Then try the file again: {then}"),
    Operation.UNDO: _("Then undo again: {then}"),
}
START_AGAIN = _("Then start the import again.")  # where there is no session yet


@dataclass(frozen=True, slots=True)
class Action:
    """`text` may name {command} and {then}, how a shell asks for the operation; and any fact.

    An operation that the text does not name is told of in a sentence of its own.
    """

    code: str  # stable
    text: Text
    command: str = ""  # for a shell; {quoted} and other facts are quoted for it
    operation: Operation | None = None
    when: str = ""  # the fact that must have been seen for the action to be of use


DISMISS = Action(
    "dismiss", _("Or set it aside, if it is not needed: {then}"), operation=Operation.DISMISS
)
RETRY = Action("retry", _("Try the file again: {then}"), operation=Operation.RETRY)
RESUME = Action("resume", _("Go on with the session: {then}"), operation=Operation.RESUME)
