"""Operations of the consistency check: to look now, and to repair what was found.

A look changes nothing but the findings. A repair goes through the findings part by part; each is
looked at again right before, so that a run that was cut off simply goes on.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..audit_logger import Actor
from ..consistency import approve, findings, look, telling
from ..consistency.look import RULES
from ..consistency.repair import Outcome
from ..consistency.rule import CannotRepair, Depth
from ..errors import ErrorCode, ImportProblem
from ..models import Finding, OperationRun
from ..models.finding import STANDING, FindingState
from ..services import sessions
from ..transactions import in_transaction
from .plan import Plan, Refused
from .target import Target, parse
from .whole import Result, WholeVerb

PART = 20  # findings that are repaired before others may have their turn
DEPTHS = {"rows": Depth.ROWS, "files": Depth.FILES}


def _plan_look(target: Target) -> Plan:
    if target.kind == "session":
        sessions.get(target.pk)
    elif target.kind == "rule" and RULES[target.word].depth == Depth.CONTENTS:
        return Plan(why_not=_("It reads every file, which takes too long here: use the command."))
    return Plan(in_background=True)


def _look(target: Target, actor: Actor, reason: str) -> Result:
    report = look.take(
        session_id=target.pk if target.kind == "session" else None,
        depth=DEPTHS.get(target.word, Depth.FILES),
        codes=[target.word] if target.kind == "rule" else (),
    )
    findings.keep(report)
    number = len(report.suspects)
    told = ngettext("{number} object breaks a rule.", "{number} objects break a rule.", number)
    told = " ".join(
        [told.format(number=number), *(one["text"] for one in telling.left_out(report))]
    )
    return {"found": number, "frozen": report.is_frozen, "told": told}


CHECK = WholeVerb(_plan_look, _look)


def plan_repair(target: Target) -> Plan:
    rows = _rows(target)
    accepted = rows.filter(state=FindingState.ACCEPTED).count()
    touches = rows.filter(state__in=STANDING).count()
    code = rows.values_list("rule", flat=True).first() if target.kind == "finding" else target.word
    return Plan(
        why_not=_why_not(code, touches),
        touches=touches,
        refused=[Refused(_("Somebody has accepted it for now."), accepted)] if accepted else [],
        in_background=code is not None and RULES[code].unlocked,
    )


def _rows(target: Target) -> QuerySet[Finding]:
    rows = Finding.objects.filter(rule__in=RULES)
    if target.kind == "finding":
        return rows.filter(pk=target.pk)
    return rows.filter(rule=target.word)


def _why_not(code: str | None, touches: int) -> str:
    if code is None:
        return _("There is no such finding, or not any more.")
    if reason := approve.why_not(RULES[code]):
        return reason
    return "" if touches else _("It is right again, or accepted: there is nothing to repair.")


def step_repair(run_id: int) -> bool:
    """Repair the next part; whether there may be more. Raises ImportProblem when none may be made."""
    run = OperationRun.objects.get(pk=run_id)
    if run.is_over:
        return False
    rows = _rows(parse(run.target)).filter(state__in=STANDING, pk__gt=run.result.get("after", 0))
    part = list(rows.order_by("pk")[:PART])
    if part:
        outcome = _approved(part, Actor(run.actor, run.user_id))
        in_transaction(lambda: _note(run_id, part[-1].pk, outcome))
    return len(part) == PART


def _approved(part: list[Finding], actor: Actor) -> Outcome:
    try:
        return approve.repair_findings(part, actor=actor)
    except CannotRepair as error:
        raise ImportProblem(ErrorCode.NOT_ALLOWED, detail=str(error)) from error


def _note(run_id: int, last: int, outcome: Outcome) -> None:
    run = OperationRun.objects.select_for_update().get(pk=run_id)
    known: Counter[str] = Counter({one["why"]: one["number"] for one in run.refusals})
    known.update(why for _suspect, why in outcome.refused)
    right = int(run.result.get("right", 0)) + len(outcome.right)
    result: dict[str, Any] = {"after": last, "right": right}
    if right:
        told = ngettext(
            "{number} was right again by itself.", "{number} were right again by themselves.", right
        )
        result["told"] = told.format(number=right)
    run.done += outcome.number
    run.refusals = [{"why": why, "number": number} for why, number in known.most_common()]
    run.refused, run.result, run.progressed_at = known.total(), result, timezone.now()
    run.save()
