"""What there is to say of a file that no session recorded, and of media that no item tells of."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from django.utils.translation import gettext_lazy as _

from ... import fsops, names
from ...bounded import within
from ...fsops import Found, Tree
from ...models import ImportSession, Media
from ...wording.facts import quoted
from .. import possible
from .targets import LOOK_S
from .words import Account, Explanation

_REASONS = {
    "hidden": _("its name, or that of a directory above it, begins with a dot"),
    "system": _("systems keep files of that name for themselves"),
    "symlink": _("it is, or lies behind, a symbolic link"),
}


def explain_file(session: ImportSession, path: bytes, now: datetime) -> Explanation:
    """A path below the source of a session that has no item for it."""
    account = Account()
    full = os.path.join(bytes(session.source_path), path)
    account.say("not_recorded", path=names.shown(full), session=session.pk)
    _tell_reason(account, session, path)
    account.say("next_operator")
    again = "import_source" if possible.rescan(session) else "rescan_source"
    account.offer(again, session=session.pk, source_quoted=quoted(bytes(session.source_path)))
    account.offer("see_session", session=session.pk)
    return account.conclude("file", f"path:{names.shown(full)}", "", None)


def _tell_reason(account: Account, session: ImportSession, path: bytes) -> None:
    try:
        found = within(LOOK_S, lambda: _look(bytes(session.source_path), path))
    except (OSError, fsops.FileEffectError) as error:  # TimeoutError is one
        account.say("disk_silent", trouble=getattr(error, "strerror", None) or str(error))
        return
    if found is None:
        account.say("not_on_disk")
    elif found.kind == "left_out":
        reason = _REASONS.get(found.reason, found.reason)
        account.say("left_out", reason=reason, path=names.shown(found.path))
    elif session.walked_at is None:
        account.say("not_walked")
    else:
        _tell_times(account, session.walked_at, found)


def _look(root: bytes, path: bytes) -> Found | None:
    with Tree(root) as tree:
        return fsops.find(tree, path)


def _tell_times(account: Account, walked: datetime, found: Found) -> None:
    changed = datetime.fromtimestamp(found.mtime_ns / 1e9, UTC)
    if changed > walked:
        account.say("came_later", changed=changed, walked=walked)
    else:
        account.say("walked_past", walked=walked, changed=changed)


def explain_media(media: Media, now: datetime) -> Explanation:
    account = Account()
    since = media.imported_at
    account.say("media_state", path=media.path, since=since, sha256=media.sha256, media=media.pk)
    account.say("next_done")
    return account.conclude("media", f"media:{media.pk}", "", since)
