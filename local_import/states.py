"""The vocabulary of states: their names, their families, and the reasons that go with them.

Which state may follow which is declared once, by the transitions on the models; see
docs/reference/states.md for both tables.
"""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class SessionState(TextChoices):
    PENDING = "pending", _("pending")
    READY = "ready", _("ready")
    EXPANDING = "expanding", _("expanding")
    PROCESSING = "processing", _("processing")
    ENQUEUED = "enqueued", _("enqueued")
    IMPORTING = "importing", _("importing")
    IMPORTED = "imported", _("imported")
    FAILED = "failed", _("failed")
    ERROR = "error", _("error")
    CANCELED = "canceled", _("canceled")


SESSION_WAITING = frozenset({SessionState.PENDING, SessionState.READY})
SESSION_RUNNING = frozenset(
    {
        SessionState.EXPANDING,
        SessionState.PROCESSING,
        SessionState.ENQUEUED,
        SessionState.IMPORTING,
    }
)
SESSION_AT_REST = frozenset(
    {SessionState.IMPORTED, SessionState.FAILED, SessionState.ERROR, SessionState.CANCELED}
)


class ItemState(TextChoices):
    PENDING = "pending", _("pending")
    ANALYZING = "analyzing", _("analyzing")
    CHECKING = "checking", _("checking")
    MOVING = "moving", _("moving")
    UPDATING = "updating", _("updating")
    IMPORTED = "imported", _("imported")
    SKIPPED = "skipped", _("skipped")
    FAILED = "failed", _("failed")
    MISSING = "missing", _("missing")
    SOURCE_RESTORED = "source_restored", _("source restored")


ITEM_IN_WORK = (
    ItemState.ANALYZING,
    ItemState.CHECKING,
    ItemState.MOVING,
    ItemState.UPDATING,
)
ITEM_AT_REST = frozenset(
    {
        ItemState.IMPORTED,
        ItemState.SKIPPED,
        ItemState.FAILED,
        ItemState.MISSING,
        ItemState.SOURCE_RESTORED,
    }
)
# At rest, but the operator's job is not done: these keep a session from being imported.
ITEM_UNRESOLVED = (ItemState.FAILED, ItemState.MISSING)
# Left the way from the source to the library; `stopped_in` tells in which state.
ITEM_STOPPED = (ItemState.SKIPPED, ItemState.FAILED, ItemState.MISSING)


class SkipReason(TextChoices):
    """Why an item was deliberately not imported."""

    DUPLICATE = "duplicate", _("the same bytes are in the library")
    UNSUPPORTED = "unsupported", _("not a format that can be imported")
    EMPTY = "empty", _("the file has no bytes")
    SIDECAR = "sidecar", _("belongs to another file")
    DIRECTORY = "directory", _("a directory, whose files are items of their own")
    DISMISSED = "dismissed", _("set aside by an operator")
    REPLACED = "replaced", _("gave way to the whole of which it was the beginning")


class Growth(TextChoices):
    """What is to become of a file that grew after its beginning was imported."""

    REPLACE = "replace", _("it replaces its beginning")
    KEEP_BOTH = "keep_both", _("both are kept")


class ImportMode(TextChoices):
    COPY = "copy", _("copy: the source stays")
    MOVE = "move", _("move: the source goes away once its bytes are safe")


class SourceDisposition(TextChoices):
    """What becomes of the source file."""

    KEPT = "kept", _("stays where it is")
    MOVED = "moved", _("was renamed into the library")
    RELEASE_DUE = "release_due", _("is to be removed: its copy is safe in the library")
    RELEASED = "released", _("was removed: its copy is safe in the library")
    CHANGED = "changed", _("stays: it changed after it was copied")
