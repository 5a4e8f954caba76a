"""What an alert or a finding says, told again from its facts in the language of who reads it.

The text that was stored, in the language of the worker, stands where a rule or a fact is no more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
        return _or(row.summary, lambda: RULES[row.rule].tell(_suspect(row)))
    return _or(row.summary, lambda: SIGNALS[row.rule.code].tell(_cause(row)))


@register.filter
def advice_of(row: Alert | Finding) -> str:
    if isinstance(row, Finding):
        return _or(row.proposal, lambda: RULES[row.rule].propose(_suspect(row)))
    return _or(row.advice, lambda: SIGNALS[row.rule.code].advise(_cause(row)))


def _or(stored: str, again: Callable[[], str]) -> str:
    try:
        return again()
    except (KeyError, ValueError, TypeError, IndexError, AttributeError):
        return stored


def _cause(alert: Alert) -> Cause:
    return Cause(alert.cause, _facts(alert.evidence))


def _suspect(finding: Finding) -> Suspect:
    if not finding.evidence:
        raise KeyError("evidence")  # nothing was kept that the sentence could name
    return Suspect(finding.rule, finding.key, _facts(finding.evidence))


def _facts(evidence: Any) -> dict[str, Any]:
    return dict(evidence)
