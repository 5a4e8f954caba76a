"""The rows that a look is about: all, those of one session, or those that are named."""

from __future__ import annotations

from ..models import ImportItem, ImportSession
from ..models.import_item import ImportItemQuerySet
from ..models.import_session import ImportSessionQuerySet
from .rule import Keys, Look


def items(look: Look, keys: Keys | None, *, of_sessions: bool = False) -> ImportItemQuerySet:
    """The keys name items, or sessions with all their items."""
    rows = ImportItem.objects.all()
    if look.session_id is not None:
        rows = rows.in_session(look.session_id)
    if keys is None:
        return rows
    ids = [int(key) for key in keys]
    return rows.filter(session__in=ids) if of_sessions else rows.filter(pk__in=ids)


def sessions(look: Look, keys: Keys | None) -> ImportSessionQuerySet:
    rows = ImportSession.objects.all()
    if look.session_id is not None:
        rows = rows.filter(pk=look.session_id)
    return rows if keys is None else rows.filter(pk__in=[int(key) for key in keys])
