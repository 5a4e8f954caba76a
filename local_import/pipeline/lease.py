"""A worker's lease on its files: kept by a heartbeat, and believed only as long as that beats.

A file is taken from its worker when the lease ends, never before. So a worker that cannot renew in
time (it was stopped, its host slept, the database is away) stops by itself while it still may.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import DatabaseError, connection

from ..audit_logger import Actor
from ..errors import ErrorCode
from ..models import ImportItem, Worker
from ..transactions import database_now, in_transaction

logger = logging.getLogger(__name__)

NOBODY = "nobody"  # holds what was given up: its lease is over
LEASE = timedelta(seconds=60)
# Of who has no heartbeat that renews it (another importer): it must do for the longest file.
UNATTENDED_LEASE = timedelta(minutes=15)
BEAT_S = LEASE.total_seconds() / 4
SAFE_S = LEASE.total_seconds() * 2 / 3  # after this without a renewal the lease is not believed


class LeaseLost(Exception):
    """This worker was out of touch for longer than its lease allows."""

    error_code = ErrorCode.LEASE_LOST


class Presence:
    """A context manager: while it is open, a process is listed among the workers."""

    def __init__(self, name: str, queue: str = "", session_id: int | None = None) -> None:
        self._name, self._queue, self._session_id = name, queue, session_id
        self._introduced = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self.renew()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if self._introduced:  # not within another presence of the same process
            in_transaction(lambda: Worker.objects.filter(name=self._name).delete())

    def renew(self) -> None:
        """Let it be heard of."""
        in_transaction(lambda: self._write(database_now()))

    def _write(self, now: datetime) -> None:
        _, created = Worker.objects.update_or_create(
            name=self._name,
            defaults={"heartbeat_at": now, "session_id": self._session_id},
            create_defaults=self._facts() | {"heartbeat_at": now, "started_at": now},
        )
        self._introduced = self._introduced or created

    def _facts(self) -> dict[str, object]:
        return {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "version": settings.PHOTONEST_VERSION,
            "queue": self._queue,
            "session_id": self._session_id,
        }

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_S):
            try:
                self.renew()
            except DatabaseError:  # not renewed: whoever asks for it learns that in time
                logger.warning("the heartbeat could not be written", exc_info=True)
            finally:
                connection.close()  # none is held while nothing is done, nor handed on by a fork


class Lease(Presence):
    """The same for a worker: while it is open, what the owner holds stays its own."""

    def __init__(self, owner: Actor, session_id: int, queue: str = "") -> None:
        super().__init__(owner.name, queue, session_id)
        self._renewed = time.monotonic()
        self._lost = False

    def is_lost(self) -> bool:
        """Whether somebody else may hold the files by now; once lost, a lease stays lost."""
        self._lost = self._lost or time.monotonic() - self._renewed > SAFE_S
        return self._lost

    def renew(self) -> None:
        """Extend the lease of everything the owner holds, and let it be heard of."""
        asked = time.monotonic()
        if not self.is_lost():
            super().renew()
            self._renewed = asked

    def _write(self, now: datetime) -> None:
        super()._write(now)
        ImportItem.objects.held(self._name).in_work().update(lease_until=now + LEASE)


def length_of(owner: str) -> timedelta:
    """How long a lease of this owner is, when it is fresh."""
    return LEASE if Worker.objects.filter(name=owner).exists() else UNATTENDED_LEASE


def end_lease(item_id: int, fence: int, at: datetime | None = None) -> None:
    """Let the next recovery have an item, as it is; no heartbeat keeps it any more."""
    ours = ImportItem.objects.filter(pk=item_id, fence=fence).in_work()
    ours.update(owner=NOBODY, lease_until=at or database_now())


def give_up(owner: Actor, session_id: int) -> None:
    """Let the next recovery have what a worker holds of a session, and cannot go on with.

    Nothing is released: the recovery looks first where the bytes are.
    """
    held = ImportItem.objects.in_session(session_id).held(owner.name).in_work()
    with suppress(DatabaseError):  # then the leases end by themselves
        in_transaction(lambda: held.update(owner=NOBODY, lease_until=database_now()))
