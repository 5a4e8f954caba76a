"""Every operation of the desk: who may ask for it, of what, what it does, and how it is taken back.

Pages, the admin, commands and the actions of an explanation all come through here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..errors import Operation
from . import checks, files, loss, whole
from .files import FileVerb
from .plan import Plan
from .target import Target, WrongTarget
from .whole import WholeVerb

Text = str | Promise
OPERATE, MAINTAIN = "local_import.operate_import", "local_import.maintain_import"
_FILES = ("item", "items", "files", "incident")

FILES_TOUCHED = _("Files that it touches")


@dataclass(frozen=True, slots=True)
class Spec:
    name: Operation
    kinds: tuple[str, ...]  # of targets
    label: Text  # on a button
    effect: Text  # a full sentence
    undo: Text  # whether and how it is taken back
    plan: Callable[[Target], Plan]
    step: Callable[[int], bool]  # of a run: do the next part; whether there may be more
    in_parts: bool  # it can be broken off between two of them
    permission: str = OPERATE
    counted: Text = FILES_TOUCHED

    def must_fit(self, target: Target) -> None:
        """Raises WrongTarget."""
        if target.kind not in self.kinds:
            raise WrongTarget(f"{self.name} {target}")


_Work = tuple[Callable[[Target], Plan], Callable[[int], bool], bool]


def _files(verb: FileVerb) -> _Work:
    return partial(files.plan, verb), partial(files.step, verb), True


def _whole(verb: WholeVerb) -> _Work:
    return verb.plan, partial(whole.step, verb), False


_SPECS = (
    Spec(
        Operation.RESUME,
        ("session",),
        _("Resume"),
        _("The session goes on; what failed or is missing in it is tried again."),
        _("Pausing or canceling the session stops it again."),
        *_whole(whole.RESUME),
    ),
    Spec(
        Operation.PAUSE,
        ("session",),
        _("Pause"),
        _("Workers finish the files they have, and take no more of the session."),
        _("Resuming the session takes it back."),
        *_whole(whole.PAUSE),
    ),
    Spec(
        Operation.CANCEL,
        ("session",),
        _("Cancel"),
        _("The session ends: what is imported stays so, and what waits is left alone."),
        _("Resuming the session takes it back."),
        *_whole(whole.CANCEL),
    ),
    Spec(
        Operation.UNDO,
        ("session",),
        _("Undo"),
        _(
            "Every imported file goes back to where it came from and leaves the library. Nothing is "
            "overwritten or deleted."
        ),
        _("Resuming the session imports the files again."),
        *_whole(whole.UNDO),
        permission=MAINTAIN,
    ),
    Spec(
        Operation.RESCAN,
        ("session",),
        _("Look through the source again"),
        _(
            "The source is looked through for files that came later; what failed is tried again. Of "
            "a session that is done a new one does it, and skips what is in the library."
        ),
        _("What it imports can be undone."),
        *_whole(whole.RESCAN),
    ),
    Spec(
        Operation.CONFIRM_SOURCE,
        ("session",),
        _("Confirm the source"),
        _(
            "The directory that stands at the source now is taken for that of the session, although it "
            "is another one than was recorded."
        ),
        _("It cannot be taken back; what is imported from there can be undone."),
        *_whole(whole.CONFIRM_SOURCE),
    ),
    Spec(
        Operation.RETRY,
        ("session", *_FILES),
        _("Try again"),
        _("The files wait for a worker again, and their last outcome is forgotten."),
        _("It cannot be taken back; files that fail again are told of as before."),
        *_files(files.RETRY),
    ),
    Spec(
        Operation.IMPORT_ANYWAY,
        _FILES,
        _("Import as it is"),
        _("The damaged files are imported as they are."),
        _("Undoing the session takes them out of the library again."),
        *_files(files.IMPORT_ANYWAY),
    ),
    Spec(
        Operation.REPLACE,
        _FILES,
        _("Replace the beginning"),
        _(
            "The whole is imported. Its beginning leaves the library for the quarantine, once the whole "
            "is safe there."
        ),
        _("Undoing the session takes the whole out; the beginning is in the quarantine still."),
        *_files(files.REPLACE),
        permission=MAINTAIN,
    ),
    Spec(
        Operation.KEEP_BOTH,
        _FILES,
        _("Keep both"),
        _("The whole is imported beside its beginning, which stays in the library as it is."),
        _("Undoing the session takes the whole out of the library again."),
        *_files(files.KEEP_BOTH),
    ),
    Spec(
        Operation.ACCEPT_BYTES,
        ("item",),
        _("Accept the bytes in the library"),
        _(
            "The file counts as imported with the bytes that stand in the library. They are read, and "
            "must be a whole photo; what was skipped as a duplicate of the old ones is tried again."
        ),
        _(
            "The audit log keeps both hashes. Undoing the session takes the file out of the library."
        ),
        *_whole(whole.ACCEPT_BYTES),
        permission=MAINTAIN,
    ),
    Spec(
        Operation.DISMISS,
        ("session", *_FILES),
        _("Set aside"),
        _(
            "The files count as skipped: the session need not wait for them. They stay where they are."
        ),
        _("Trying one of them again takes it back."),
        *_files(files.DISMISS),
    ),
    Spec(
        Operation.ACKNOWLEDGE,
        ("incident",),
        _("Acknowledge"),
        _("Others see that somebody knows of it and sees to it, and why."),
        _("It ends when the incident is resolved."),
        *_whole(whole.ACKNOWLEDGE),
    ),
    Spec(
        Operation.RESTORE,
        ("quarantine",),
        _("Put back"),
        _("The file goes back to where it stood in the library. Nothing is overwritten."),
        _("A repair may set it aside again."),
        *_whole(whole.RESTORE),
        permission=MAINTAIN,
    ),
    Spec(
        Operation.CHECK,
        ("check", "rule", "session"),
        _("Look now"),
        _(
            "The rules are asked anew, in the background. Nothing is changed; what is wrong is listed."
        ),
        _("There is nothing to take back."),
        *_whole(checks.CHECK),
    ),
    Spec(
        Operation.REPAIR,
        ("finding", "rule"),
        _("Repair"),
        _(
            "Each is looked at again, and repaired if it is wrong still. Nothing is deleted: a file "
            "that is in the way goes to the quarantine."
        ),
        _("A file can be put back from the quarantine; what was done is in the audit log."),
        checks.plan_repair,
        checks.step_repair,
        in_parts=True,
        permission=MAINTAIN,
        counted=_("Findings that it repairs"),
    ),
    Spec(
        Operation.ACCEPT_LOSS,
        ("missing",),
        _("Accept the loss"),
        _(
            "Each file is looked for once more, elsewhere in the library, in the quarantine and at its "
            "source, and put back where it is found. The others count as missing; nothing is deleted. "
            "Then everything else is judged and repaired again."
        ),
        _("A file that comes back, by an import or from a backup, is imported again by itself."),
        loss.plan,
        loss.step,
        in_parts=True,
        permission=MAINTAIN,
        counted=_("Files of the library that are gone"),
    ),
)
REGISTRY: dict[Operation, Spec] = {spec.name: spec for spec in _SPECS}
