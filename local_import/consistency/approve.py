"""What an operator approves: the repair of findings that stand.

Only what was found is looked at, again and right before the repair, and once more after it. So nobody
need wait for a look at everything.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from ..audit_logger import Actor
from ..models import Finding
from ..models.finding import FindingState
from ..transactions import database_now
from . import findings, overview, repair
from .look import RULES, Report, look_again
from .repair import Outcome
from .rule import CannotRepair, Depth, Rule, Suspect


def why_not(rule: Rule) -> str:
    """What stands in the way of every repair of a rule just now, or nothing."""
    for held_back in overview.freezing()[:1]:
        text = _("Nothing is repaired until this is settled: {finding}")
        return text.format(finding=held_back.summary)
    if not rule.is_repairable:
        return _("The desk cannot repair this: a person has to.")
    return ""


def repair_findings(rows: Sequence[Finding], *, actor: Actor) -> Outcome:
    """Repair those of the standing findings that are wrong still; close those that are right by now.

    Raises CannotRepair, with nothing repaired, when one of them is beyond repair or the library away.
    """
    rules = [RULES[code] for code in dict.fromkeys(row.rule for row in rows)]
    for reason in filter(None, map(why_not, rules)):
        raise CannotRepair(reason)
    suspects = [_suspect(row) for row in rows]
    outcome = Outcome(Report(rules, suspects=suspects))
    repair.apply(suspects, outcome, actor)
    _close_right(rows, outcome)
    left = [
        one for rule in rules for kin in _kin(rule) for one in look_again(kin, _keys_of(rule, rows))
    ]
    findings.write_down(left, database_now())
    outcome.after = Report(rules, suspects=left)
    return outcome


def _kin(rule: Rule) -> list[Rule]:
    """The rules that one of its objects may break afterwards: a repair may leave it in another way."""
    return (
        [rule] if rule.depth == Depth.ROWS else [r for r in RULES.values() if r.find is rule.find]
    )


def _close_right(rows: Sequence[Finding], outcome: Outcome) -> None:
    """Those that were right by themselves when they were looked at again."""
    right = {(one.rule, one.key) for one in outcome.right}
    gone = [row for row in rows if (row.rule, row.key) in right]
    findings.close(gone, FindingState.GONE, "", database_now())


def _suspect(row: Finding) -> Suspect:
    return Suspect(row.rule, row.key, row.evidence, row.session_id, row.item_id)


def _keys_of(rule: Rule, rows: Sequence[Finding]) -> list[str]:
    return [row.key for row in rows if row.rule == rule.code]
