"""What the database reports, and the services behind a network."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from .actions import RESUME, Action, Operation
from .vocabulary import Category, Entries, ErrorCode, ErrorEntry, Severity

ENTRIES: Entries = {
    ErrorCode.DATABASE_BUSY: ErrorEntry(
        Severity.LOW,
        Category.DATABASE,
        True,
        1,
        _("The database stayed busy for too long."),
        _("{detail}."),
        (
            RESUME,
            Action(
                "end_other_programs",
                _("If it happens again, end other programs that hold the database."),
                operation=Operation.RESUME,
            ),
        ),
        passing=True,
    ),
    ErrorCode.DATABASE_DEADLOCK: ErrorEntry(
        Severity.LOW,
        Category.DATABASE,
        True,
        1,
        _("Two transactions waited for each other, and the database ended this one."),
        _("{detail}. Nothing of it was written."),
        (RESUME,),
        passing=True,
    ),
    ErrorCode.DATABASE_CONSTRAINT: ErrorEntry(
        Severity.HIGH,
        Category.DATABASE,
        False,
        30,
        _("The database refused a row for {path}."),
        _("A rule of the database was about to be broken: {detail}."),
        (
            RESUME,
            Action(
                "report_defect",
                _("If it happens again it is a defect of the desk; report it with this: {command}"),
                command="python manage.py audit_log --session {session} --level error --json",
            ),
        ),
    ),
    ErrorCode.DATABASE_FULL: ErrorEntry(
        Severity.CRITICAL,
        Category.DATABASE,
        True,
        15,
        _("The disk of the database is full."),
        _("{detail}. Nothing of this transaction was written."),
        (
            Action(
                "make_room_for_database",
                _("Make room on the database's disk: {command}"),
                command="df -h",
                operation=Operation.RESUME,
            ),
        ),
    ),
    ErrorCode.DATABASE_OUTDATED: ErrorEntry(
        Severity.CRITICAL,
        Category.DATABASE,
        True,
        2,
        _("The tables of the database are not those of this version."),
        _("{detail}."),
        (
            Action(
                "migrate",
                _("Bring the tables up to date: {command}"),
                command="python manage.py migrate",
                operation=Operation.RESUME,
            ),
        ),
    ),
    ErrorCode.DATABASE_UNREACHABLE: ErrorEntry(
        Severity.CRITICAL,
        Category.DATABASE,
        True,
        10,
        _("The connection to the database was lost."),
        _("{detail}. What was not committed was not done, and is done again."),
        (
            Action(
                "start_database",
                _("Start the database server, or make it reachable; this tells whether: {command}"),
                command="python manage.py check --database default",
                operation=Operation.RESUME,
            ),
        ),
        passing=True,
    ),
    ErrorCode.DATABASE_ERROR: ErrorEntry(
        Severity.HIGH,
        Category.DATABASE,
        True,
        15,
        _("The database reported an error."),
        _("{detail}."),
        (
            RESUME,
            Action(
                "check_database",
                _("If it happens again, look at the server's log, and check it: {command}"),
                command="python manage.py check --database default",
                operation=Operation.RESUME,
            ),
        ),
    ),
    ErrorCode.CONNECTION_LOST: ErrorEntry(
        Severity.HIGH,
        Category.NETWORK,
        True,
        10,
        _("A connection was lost."),
        _("The other side did not answer: {detail}."),
        (
            Action(
                "check_network",
                _("Check the network and the service on the other side."),
                operation=Operation.RESUME,
            ),
        ),
        passing=True,
    ),
    ErrorCode.BROKER_UNREACHABLE: ErrorEntry(
        Severity.HIGH,
        Category.NETWORK,
        True,
        10,
        _("The message broker cannot be reached, so workers cannot be called."),
        _("{detail}. No file is lost by it: the sweep calls the workers once the broker is back."),
        (
            Action(
                "start_broker",
                _("Start the broker that CELERY_BROKER_URL names."),
                operation=Operation.RESUME,
            ),
            RESUME,
        ),
        passing=True,
    ),
}
