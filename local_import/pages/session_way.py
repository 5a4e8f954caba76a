"""The states of a session as a drawing: the way it took, with times, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ..drawing import Node, diagram
from ..models import AuditLog, ImportSession
from ..services import story
from ..states import SessionState
from .page import Context

S = SessionState
# Where each state stands: the usual way in one line, the other ends below it.
_USUAL = (S.PENDING, S.READY, S.EXPANDING, S.PROCESSING, S.ENQUEUED, S.IMPORTING, S.IMPORTED)
_PLACES = {state: (column, 0) for column, state in enumerate(_USUAL)}
_PLACES |= {S.CANCELED: (1, 1), S.ERROR: (3, 1), S.FAILED: (5, 1)}


def drawn_way(session: ImportSession) -> Context:
    steps = story.way_of(session.pk)
    return {"steps": steps, "diagram": _drawn(session, steps)}


def _drawn(session: ImportSession, steps: Sequence[AuditLog]) -> SafeString:
    entered = {step.to_state: _clock(step) for step in steps}
    passed = {*entered, *(step.from_state for step in steps)}
    nodes = [
        Node(
            state.value,
            state.label,
            *_PLACES[state],
            note=entered.get(state.value, ""),
            is_passed=state in passed,
            is_here=state == session.state,
        )
        for state in _PLACES
    ]
    taken = [(step.from_state, step.to_state) for step in steps]
    told = _("It is %(state)s. The way it took is listed below.")
    label = told % {"state": session.get_state_display()}
    return diagram(nodes, pairwise(state.value for state in _USUAL), taken, label)


def _clock(step: AuditLog) -> str:
    """The time of day; of another day than today, the day."""
    moment = timezone.localtime(step.timestamp)
    today = timezone.localtime().date()
    return date_format(moment, "H:i:s" if moment.date() == today else "Y-m-d")
