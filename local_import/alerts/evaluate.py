"""Evaluate: ask every signal how things stand, and bring the alerts to it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import DatabaseError
from django.db.models import Min

from .. import names
from ..models import Alert, AlertNotice, AlertRule
from ..models.alert import AlertState
from ..transactions import database_now, in_transaction
from . import book, outbox
from .rules import SIGNALS, all_rules
from .signal import Cause, Circumstances

logger = logging.getLogger(__name__)
LATE = timedelta(minutes=3)  # beat asks every minute
KEPT = timedelta(days=90)  # what is resolved
LONGEST_TROUBLE = 500  # characters


def evaluate() -> dict[str, int]:
    """Ask all rules once; returns how many alerts fire, are pending, and could not be asked for."""
    troubled = sum(not _evaluate_one(rule) for rule in all_rules())
    _forget(database_now() - KEPT)
    counted = {str(state): Alert.objects.filter(state=state).count() for state in AlertState}
    del counted[AlertState.RESOLVED]
    return counted | {"troubled": troubled}


def _forget(before: datetime) -> None:
    """With an alert go its notices; those of tests have none."""
    Alert.objects.filter(resolved_at__lt=before).delete()
    AlertNotice.objects.filter(alert=None, ended_at__lt=before).delete()


def evaluate_if_late() -> None:
    """For those who come by anyway: while beat is silent, they tell that it is. Fails nobody."""
    try:
        if is_late(database_now()):
            evaluate()
            outbox.deliver()
    except DatabaseError:
        logger.warning("the alert rules could not be asked", exc_info=True)


def is_late(now: datetime) -> bool:
    """Whether a rule was not asked for longer than it should be; so it is before the first time."""
    rules = AlertRule.objects.filter(code__in=SIGNALS)
    oldest = rules.aggregate(oldest=Min("evaluated_at"))["oldest"]
    return rules.count() < len(SIGNALS) or oldest is None or oldest < now - LATE


def _evaluate_one(rule: AlertRule) -> bool:
    """False when it could not be asked: its alerts stay as they were, and the rule says why."""
    asked = database_now()
    try:
        causes = _causes(rule, asked)
        in_transaction(partial(book.follow, rule.pk, SIGNALS[rule.code], causes, asked))
    except Exception as error:  # one that cannot be asked must not keep the others from it
        logger.exception("the alert rule %s could not be evaluated", rule.code)
        told = names.shown(f"{type(error).__name__}: {error}".encode("utf-8", "replace"))
        AlertRule.objects.filter(pk=rule.pk).update(trouble=told[:LONGEST_TROUBLE])
        return False
    return True


def _causes(rule: AlertRule, now: datetime) -> Sequence[Cause]:
    """None of a rule that is switched off: what it has told of is over."""
    signal = SIGNALS[rule.code]
    if not rule.enabled or Alert.objects.firing().filter(rule__code=signal.covered_by).exists():
        return []
    window = timedelta(minutes=rule.window_minutes)
    return list(signal.find(Circumstances(now, rule.threshold, window)))
