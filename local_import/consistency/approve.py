"""What an operator approves: the repair of one standing finding, or of all that a rule has.

Only what was found is looked at, again and right before the repair, and once more after it. So a page
need not wait for a look at everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from ..audit_logger import Actor
from ..models import Finding
from ..models.finding import STANDING, FindingState
from ..transactions import database_now
from . import findings, repair
from .look import RULES, Report, look_again
from .repair import Outcome
from .rule import CannotRepair, Rule, Suspect
from .telling import finding as plainly


def plan(row: Finding) -> dict[str, Any]:
    """A finding with its proposal and its risk, as plain data; `why_not` tells why no repair is made
    of it, or is empty."""
    return plainly(_suspect(row)) | {
        "finding": row.pk,
        "state": row.state,
        "why_not": _why_not(row),
    }


def repair_finding(finding_id: int, *, actor: Actor) -> Outcome:
    """Raises Finding.DoesNotExist when it does not stand, and CannotRepair when no repair is made."""
    row = Finding.objects.get(pk=finding_id, state__in=STANDING)
    return _repair([row], actor)


def repair_rule(code: str, *, actor: Actor) -> Outcome:
    """All standing findings of a rule; of a crowd, those that are told of.

    Raises CannotRepair when no repair is made.
    """
    return _repair(
        list(Finding.objects.filter(rule=code, state__in=STANDING).order_by("pk")), actor
    )


def _repair(rows: Sequence[Finding], actor: Actor) -> Outcome:
    for why in filter(None, map(_why_not, rows)):
        raise CannotRepair(why)
    suspects = [_suspect(row) for row in rows]
    rules = list({row.rule: RULES[row.rule] for row in rows}.values())
    outcome = Outcome(Report(rules, suspects=suspects))
    repair.apply(suspects, outcome, actor)
    _close_right(rows, outcome)
    left = [one for rule in rules for one in look_again(rule, _keys_of(rule, rows))]
    findings.write_down(left, database_now())
    outcome.after = Report(rules, suspects=left)
    return outcome


def _why_not(row: Finding) -> str:
    rule = RULES.get(row.rule)
    if rule is None or rule.repair is None:
        return _("No repair is known for it: a person has to settle it.")
    if findings.is_frozen():
        return _("The library seems to be away. Until it is back nothing is repaired.")
    return ""


def _close_right(rows: Sequence[Finding], outcome: Outcome) -> None:
    """Those that were right by themselves when they were looked at again."""
    right = {(one.rule, one.key) for one in outcome.right}
    gone = [row for row in rows if (row.rule, row.key) in right]
    findings.close(gone, FindingState.GONE, "", database_now())


def _suspect(row: Finding) -> Suspect:
    return Suspect(row.rule, row.key, row.evidence, row.session_id, row.item_id)


def _keys_of(rule: Rule, rows: Sequence[Finding]) -> list[str]:
    return [row.key for row in rows if row.rule == rule.code]
