"""The embedded broker: Kombu's messages in files, of which nobody sees half.

Kombu writes a message in place, and a worker that found it empty ended; a table of queues that was being
written was read likewise. Its messages also travel through the directory of temporary files: on another
file system that is a copy, which two workers can make of one message.
See https://github.com/celery/kombu/issues/1551.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

logger = logging.getLogger(__name__)


class Channel(filesystem.Channel):  # type: ignore[misc]
    def _put(self, queue: str, payload: Any, **_: Any) -> None:
        """A message has its name once it is whole; one that begins with a dot is nobody's yet."""
        name = f"{time.time_ns()}_{uuid.uuid4()}.{queue}.msg"
        folder = Path(self.data_folder_out)
        hidden = folder / f".{name}"
        try:
            hidden.write_text(dumps(payload), encoding="utf-8")
            hidden.rename(folder / name)
        except OSError as error:
            raise ChannelError(f"The message {name} cannot be written: {error}") from error

    def _get(self, queue: str) -> Any:
        for name in sorted(os.listdir(self.data_folder_in)):
            if name.partition(".")[2] == f"{queue}.msg":
                message = self._take(name)
                if message is not None:
                    return message
        raise Empty

    def _take(self, name: str) -> Any:
        """None for one that another worker took, or that no program can read."""
        mine = Path(self.processed_folder) / name
        try:
            Path(self.data_folder_in, name).rename(mine)
            text = mine.read_bytes()
            mine.unlink()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ChannelError(f"The message {name} cannot be taken: {error}") from error
        try:
            return loads(text)
        except ValueError:  # the disk lost it with the power; the sweep sends another
            logger.warning("The message %s cannot be read and is dropped.", name)
            return None

    def get_table(self, exchange: str) -> list[Any]:
        with self._alone():
            found: list[Any] = super().get_table(exchange)
        return found

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        with self._alone():
            super()._queue_bind(exchange, routing_key, pattern, queue)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Kombu's own lock comes after it has emptied the file."""
        try:
            with Path(self.control_folder, "lock").open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise ChannelError(f"The table of queues cannot be read: {error}") from error


class Transport(filesystem.Transport):  # type: ignore[misc]
    Channel = Channel
