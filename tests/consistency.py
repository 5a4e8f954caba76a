"""A finished import to be damaged, and the check as it will be an hour later."""

import os
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection, transaction

from local_import import transactions
from local_import.audit_logger import Actor
from local_import.consistency import look, repair
from local_import.consistency.rule import Depth
from local_import.guards import open_gate
from local_import.services import sessions
from tests.faults.flow import run_here
from tests.photos import jpeg

HOUR = timedelta(hours=1)
OPERATOR = Actor("operator")


def imported(inbox, number=3, mode="copy"):
    """A session of so many photos, imported to its end."""
    for index in range(number):
        (inbox / f"{index}.jpg").write_bytes(jpeg(index + 1))
    return run_here(sessions.create(os.fsencode(inbox), mode=mode).pk)


@contextmanager
def time_passed(monkeypatch, by=HOUR):
    """What happened just now is an hour old for the check."""
    with monkeypatch.context() as patch:
        for module in ("look", "repair", "findings"):
            patch.setattr(
                f"local_import.consistency.{module}.database_now",
                lambda: transactions.database_now() + by,
            )
        yield


def found(**options):
    """(rule, object) of each finding."""
    report = look.take(**options)
    return sorted((suspect.rule, suspect.key) for suspect in report.suspects)


def rules_found(depth=Depth.CONTENTS):
    return sorted({rule for rule, _ in found(depth=depth)})


def repaired(depth=Depth.CONTENTS):
    return repair.repair(depth=depth, actor=OPERATOR)


@contextmanager
def guards_away():
    """As in a database whose triggers were lost."""
    with transaction.atomic(), open_gate("damage"):
        yield


def forget(rows):
    """Delete rows as by SQL."""
    with guards_away():
        rows._raw_delete("default")


def flip(rows, **values):
    """Write a state as by SQL."""
    with guards_away():
        rows.update_by_door(**values)


@contextmanager
def constraints_away():
    """As in a database that was loaded from a dump without its constraints."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
            yield cursor
            cursor.execute("PRAGMA ignore_check_constraints = OFF")
            return
        cursor.execute("ALTER TABLE local_import_item DROP CONSTRAINT item_in_work_has_lease")
        try:
            yield cursor
        finally:
            cursor.execute(
                "ALTER TABLE local_import_item ADD CONSTRAINT item_in_work_has_lease "
                "CHECK (true) NOT VALID"
            )
