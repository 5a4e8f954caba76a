"""What every command of the desk does when it is interrupted, or what it needs cannot be worked with."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError
from kombu.exceptions import OperationalError as BrokerError

from ..correlation import correlated, new_id
from .refusals import INTERRUPTED, give_up


class DeskCommand(BaseCommand):
    """Says what is wrong and what to do, with exit status 1; `--traceback` shows the error itself.

    What one call of a command writes to the audit log carries one request id.
    """

    def write_all(self, pieces: Iterable[str]) -> None:
        """Print them as they come, and nothing between them."""
        for piece in pieces:
            self.stdout.write(piece, ending="")

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            with correlated(request_id=new_id("command")):
                return super().execute(*args, **options)
        except KeyboardInterrupt:
            self.stderr.write("Interrupted.")
            sys.exit(INTERRUPTED)
        except BrokenPipeError:  # nobody reads the output any more
            raise
        except (DatabaseError, InterfaceError, BrokerError, OSError) as error:
            if options.get("traceback"):
                raise
            give_up(error, as_json=bool(options.get("json")))
