"""What was asked for and cannot be done, what is not set up, and what nobody has thought of."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from .actions import DISMISS, RESUME, Action, Operation
from .vocabulary import Category, Entries, ErrorCode, ErrorEntry, Severity

_SEE_STATE = Action(
    "see_state",
    _("Look at the present state: {command}"),
    command="python manage.py import_status {session}",
)

ENTRIES: Entries = {
    ErrorCode.CONFIGURATION_WRONG: ErrorEntry(
        Severity.CRITICAL,
        Category.REQUEST,
        True,
        5,
        _("The configuration cannot be used."),
        _("{detail}."),
        (
            Action(
                "correct_setting",
                _(
                    "Correct the variable that is named here (docs/reference/settings.md lists all), "
                    "and check it: {command}"
                ),
                command="python manage.py check",
                operation=Operation.RESUME,
            ),
        ),
    ),
    ErrorCode.SOFTWARE_MISSING: ErrorEntry(
        Severity.HIGH,
        Category.REQUEST,
        True,
        5,
        _("A part of the software is not installed."),
        _("{detail}."),
        (
            Action(
                "install_requirements",
                _("Install what is required: {command}"),
                command="python -m pip install -r requirements.txt",
                operation=Operation.RESUME,
            ),
        ),
    ),
    ErrorCode.SESSION_BUSY: ErrorEntry(
        Severity.LOW,
        Category.REQUEST,
        True,
        1,
        _("Session {session} is being worked on."),
        _("The process {owner} holds it."),
        (
            Action(
                "watch",
                _("Wait for it, and watch it: {command}"),
                command="python manage.py import_status {session}",
            ),
        ),
    ),
    ErrorCode.SESSION_UNKNOWN: ErrorEntry(
        Severity.LOW,
        Category.REQUEST,
        False,
        1,
        _("There is no session {session}."),
        _("No row has this number."),
        (
            Action(
                "list_sessions",
                _("List the sessions: {command}"),
                command="python manage.py import_status",
            ),
        ),
    ),
    ErrorCode.ITEM_UNKNOWN: ErrorEntry(
        Severity.LOW,
        Category.REQUEST,
        False,
        1,
        _("There is no item {item}."),
        _("No row has this number."),
        (
            Action(
                "list_items",
                _("List the items of a session: {command}"),
                command="python manage.py import_status {session} --items",
            ),
        ),
    ),
    ErrorCode.NOT_ALLOWED: ErrorEntry(
        Severity.LOW,
        Category.REQUEST,
        False,
        1,
        _("This is not possible in the present state."),
        _("{detail}."),
        (_SEE_STATE,),
    ),
    ErrorCode.STATE_CHANGED: ErrorEntry(
        Severity.LOW,
        Category.REQUEST,
        True,
        1,
        _("The state changed while this was being done."),
        _("{detail}. Nothing was written."),
        (_SEE_STATE, RESUME),
        passing=True,
    ),
    ErrorCode.UNKNOWN: ErrorEntry(
        Severity.HIGH,
        Category.UNKNOWN,
        True,
        30,
        _("Something unexpected happened with {path}."),
        _("{detail}."),
        (
            Action(
                "retry",
                _("Try again once: it may have been a moment's trouble."),
                operation=Operation.RESUME,
            ),
            Action(
                "report_defect",
                _("If it happens again it is a defect of the desk; report it with this: {command}"),
                command="python manage.py audit_log --level error --json",
            ),
            DISMISS,
        ),
    ),
}
