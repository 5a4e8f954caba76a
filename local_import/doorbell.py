"""The doorbell: tells workers that a session, or an operation asked for, has work.

The database is the queue; a message says no more than "look there". When one is lost, doubled or
late, that changes when the work is done and nothing else: the sweeper rings again.
"""

from __future__ import annotations

import logging
import os
import socket
from datetime import datetime, timedelta
from functools import partial

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F

from .bounded import within
from .models import ImportSession, OperationRun
from .transactions import database_now

logger = logging.getLogger(__name__)

QUEUE = "imports"
ADVANCE = "local_import.advance_session"
HELP = "local_import.help_session"
CARRY_OUT = "local_import.carry_out"
PATIENCE = timedelta(seconds=25)  # how long a first ring may go unanswered
MOST_DOUBLINGS = 10
LOOK_S = 0.05  # how long a broker may take to answer when somebody asks whether it is there


def ring(session_id: int) -> None:
    """Call a worker to the session, once the present transaction commits.

    It does not fail when the broker cannot be reached: the sweeper rings again.
    """
    ImportSession.objects.filter(pk=session_id).update(
        rung_at=database_now(), unanswered_rings=F("unanswered_rings") + 1
    )
    transaction.on_commit(partial(_send, ADVANCE, session_id, 1))


def call_helpers(session_id: int) -> None:
    """Call the other workers that a session is to have, on behalf of the one that runs it."""
    transaction.on_commit(partial(_send, HELP, session_id, settings.PHOTONEST_WORKERS - 1))


def ring_for_run(run_id: int) -> None:
    """Call a worker to an operation that takes long, once the present transaction commits."""
    OperationRun.objects.filter(pk=run_id).update(progressed_at=database_now())
    transaction.on_commit(partial(_send, CARRY_OUT, run_id, 1))


def answer(session_id: int) -> None:
    """A worker has come."""
    ImportSession.objects.filter(pk=session_id).update(unanswered_rings=0)


def trouble() -> str:
    """What keeps a message from the broker, looked at for LOOK_S at most; empty when nothing does."""
    with current_app.connection_for_write() as broker:
        address, host = broker.as_uri(), broker.hostname  # without its password
        port = broker.port or broker.transport.default_port
        if broker.transport.driver_type == "filesystem":
            reachable = os.access(settings.PHOTONEST_QUEUE / "messages", os.W_OK | os.X_OK)
            return "" if reachable else f"{settings.PHOTONEST_QUEUE} cannot be written to"
    try:
        within(LOOK_S, lambda: socket.create_connection((host, port), LOOK_S).close())
    except OSError as error:  # TimeoutError is one
        return f"{address}: {error.strerror or error}"
    return ""


def is_silent(session: ImportSession, now: datetime) -> bool:
    """Whether it is time to ring again.

    The patience doubles with each ring that nobody answers. Otherwise a session that waits behind
    others would fill the queue, and the fuller the queue, the longer it would wait.
    """
    if session.unanswered_rings == 0 or session.rung_at is None:
        return True
    doublings = min(session.unanswered_rings - 1, MOST_DOUBLINGS)
    return session.rung_at + PATIENCE * (1 << doublings) <= now


def _send(task: str, pk: int, times: int) -> None:
    try:
        for _ in range(times):
            current_app.send_task(task, [pk])
    except Exception as error:  # each broker has errors of its own, and none may fail the caller
        logger.warning(
            "%s of %s waits: the message broker cannot be reached (%s). Nothing is lost; the "
            "next sweep that reaches it calls the workers.",
            task,
            pk,
            error,
        )
