"""What an alert or a finding says, told again from its facts in the language of who reads it.

The text that was stored, in the language of the worker, stands where a rule or a fact is no more.
"""

from __future__ import annotations

from collections.abc import Callable

from django import template

from ..alerts.rules import SIGNALS
from ..alerts.signal import Cause
from ..consistency.look import RULES
from ..consistency.rule import Suspect
from ..models import Alert, Finding

register = template.Library()


@register.filter
def summary_of(row: Alert | Finding) -> str:
    if isinstance(row, Finding):
        return _told(row.summary, row, lambda: RULES[row.rule].tell(_suspect(row)))
    return _told(row.summary, row, lambda: SIGNALS[row.rule.code].tell(_cause(row)))


@register.filter
def advice_of(row: Alert | Finding) -> str:
    if isinstance(row, Finding):
        return _told(row.proposal, row, lambda: RULES[row.rule].propose(_suspect(row)))
    return _told(row.advice, row, lambda: SIGNALS[row.rule.code].advise(_cause(row)))


def _told(stored: str, row: Alert | Finding, again: Callable[[], str]) -> str:
    if not row.evidence:
        return stored  # nothing was kept that the sentence could name
    try:
        return again()
    except (KeyError, ValueError, TypeError, IndexError, AttributeError):
        return stored


def _cause(alert: Alert) -> Cause:
    return Cause(alert.cause, alert.evidence)


def _suspect(finding: Finding) -> Suspect:
    return Suspect(finding.rule, finding.key, finding.evidence)
