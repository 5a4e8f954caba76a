"""Looks at the workers of a session, and at the machine they work on."""

from __future__ import annotations

from django.db import connection
from django.utils.translation import gettext as _

from .. import names, processes
from ..errors import ErrorCode
from ..models import Worker
from ..transactions import database_now
from .evidence import Evidence, Known

TOLD = 5  # workers that are told of


def memory(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    return Evidence(code, {}, [_memory()])


def _memory() -> str:
    free, total = processes.free_memory()
    text = _("The machine has {free:,} of {total:,} bytes of memory free.")
    return text.format(free=free, total=total)


def heartbeats(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """When the session's workers were last heard of. Within a transaction nothing is asked: after
    an error the database would refuse."""
    if connection.in_atomic_block or "session" not in known:
        return Evidence(code, {}, [_memory()])
    now = database_now()
    found = Worker.objects.filter(session_id=known["session"]).order_by("-heartbeat_at")[:TOLD]
    text = _("The worker {name} was last heard of {age:.0f} s ago.")
    seen = [
        text.format(
            name=names.shown(worker.name.encode()), age=(now - worker.heartbeat_at).total_seconds()
        )
        for worker in found
    ]
    return Evidence(code, {}, [*(seen or [_("No worker of the session is alive.")]), _memory()])
