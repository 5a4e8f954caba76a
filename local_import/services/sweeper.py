"""The sweep: what no message may be needed for. Beat asks for it every 30 seconds."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from ..models import ImportItem, ImportSession
from ..transactions import database_now
from .background import call_workers, with_work


def sweep() -> dict[str, int]:
    """Look after every session; returns how often each thing was done. Doing it twice is harmless."""
    return {"called": _call_workers()}


def _call_workers() -> int:
    """Ring for each session that has work and nobody at it."""
    now = database_now()
    # What is in work may be a dead worker's: the next runner finds that out.
    in_work = ImportItem.objects.in_work().filter(session_id=OuterRef("pk"))
    found = with_work(now) | ImportSession.objects.runnable().running().filter(Exists(in_work))
    return sum(call_workers(session, now) for session in found.order_by("pk"))
