"""The trouble of one is its own: a loop goes on behind what fails, and tells what failed.

What stands in the way of all (the database is away or full, the task's time is over) is raised.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from billiard.exceptions import SoftTimeLimitExceeded
from django.db import DataError, IntegrityError, InterfaceError, OperationalError

from . import names

logger = logging.getLogger(__name__)
LONGEST = 500  # characters
OF_ALL = (OperationalError, InterfaceError, SoftTimeLimitExceeded)
Told: TypeAlias = dict[Hashable, str]


def is_refusal(error: BaseException) -> bool:
    """Whether the database, or the way there, refuses the values of a row, and would do so again."""
    return isinstance(error, (DataError, IntegrityError, ArithmeticError, ValueError, TypeError))


class Troubles:
    """What failed in a loop, by what each turn was about.

    `letting` through: what stands in the way of every turn of this loop. A loop within another one
    adds to what that has `told`.
    """

    def __init__(
        self,
        doing: str,
        letting: tuple[type[Exception], ...] = (),
        told: Told | None = None,
    ) -> None:
        self.told: Told = {} if told is None else told
        self._doing, self._letting = doing, (*OF_ALL, *letting)

    @contextmanager
    def of(self, thing: Hashable) -> Iterator[None]:
        """An exception within is noted, and not raised."""
        try:
            yield
        except self._letting:
            raise
        except Exception as error:
            logger.exception("%r could not be %s", thing, self._doing)
            self.told[thing] = in_a_line(error)


def in_a_line(error: BaseException) -> str:
    """An exception in one line that every column and every screen takes."""
    text = f"{type(error).__name__}: {error}".partition("\n")[0]
    return names.shown(text.encode("utf-8", "replace"))[:LONGEST]
