"""After an operator has acted: is the cause gone of what failed in a session?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from django.conf import settings

from ..models import ImportItem, ImportSession, Media
from ..troubleshooting import Recheck, recheck


def of_item(item: ImportItem) -> Recheck:
    """Look at a failed or missing item again; writes nothing."""
    known = _known(item.failure) | {"raw_path": item.absolute_path, "sha256": item.sha256}
    media = Media.objects.filter(sha256=item.sha256).first() if item.sha256 else None
    if media is not None:
        known["raw_library_file"] = os.path.join(known["raw_library"], media.path.encode())
    return recheck(item.code, known)


def of_session_error(session: ImportSession) -> Recheck:
    """The same for what keeps the session itself from going on."""
    known = _known(session.failure) | {"raw_path": bytes(session.source_path)}
    return recheck(session.error_code, known)


def _known(failure: dict[str, Any]) -> dict[str, Any]:
    library = os.fsencode(settings.PHOTONEST_LIBRARY)
    return dict(failure.get("evidence") or {}) | {"raw_library": library}


def report(session: ImportSession) -> Iterator[dict[str, Any]]:
    """One entry for the session's own error and for each item that failed or is missing."""
    if session.error_code:
        yield {"item": None, "code": session.error_code} | _told(of_session_error(session))
    items = ImportItem.objects.in_session(session.pk).unresolved().select_related("session")
    for item in items.order_by("pk").iterator():
        about = {"item": item.pk, "path": item.shown_absolute_path, "code": item.code}
        yield about | _told(of_item(item))


def _told(found: Recheck) -> dict[str, Any]:
    return {"gone": found.gone, "seen": found.seen, "seen_at": found.seen_at}
