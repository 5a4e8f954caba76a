"""Looks at the workers of a session, and at the machine they work on."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from .. import names, processes
from ..errors import ErrorCode
from ..models import Worker
from ..sayings import Seen, say
from ..transactions import database_now
from .evidence import Evidence, Known

TOLD = 5  # workers that are told of


def memory(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    return Evidence(code, {}, [_memory()])


def _memory() -> Seen:
    free, total = processes.free_memory()
    return say("memory", free=free, total=total)


def heartbeats(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """When the session's workers were last heard of. Within a transaction nothing is asked: after
    an error the database would refuse."""
    if connection.in_atomic_block or "session" not in known:
        return Evidence(code, {}, [_memory()])
    now = database_now()
    found = Worker.objects.filter(session_id=known["session"]).order_by("-heartbeat_at")[:TOLD]
    seen = [_heard_of(worker, now) for worker in found] or [say("no_worker")]
    return Evidence(code, {}, [*seen, _memory()])


def _heard_of(worker: Worker, now: datetime) -> Seen:
    age = (now - worker.heartbeat_at).total_seconds()
    return say("heard_of", name=names.shown(worker.name.encode()), age=age)
