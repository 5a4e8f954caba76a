"""Operations on a session as a whole, on an incident, and on a file in the quarantine.

The services do them, and may be asked twice: so a run that was cut off is simply done again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import ngettext

from .. import incidents
from ..audit_logger import Actor
from ..consistency import breaker, quarantine
from ..errors import ErrorCode, ImportProblem
from ..models import ImportItem, ImportSession, Incident, OperationRun
from ..pipeline import flags, source
from ..services import accept, background, control, possible, sessions, undo
from ..states import ITEM_UNRESOLVED, ItemState, SessionState
from ..transactions import database_now, in_transaction
from .plan import SAMPLE, Plan
from .target import Target, parse

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class WholeVerb:
    plan: Callable[[Target], Plan]
    act: Callable[[Target, Actor, str], Result]  # raises ImportProblem


def step(verb: WholeVerb, run_id: int) -> bool:
    """Do it all. Raises ImportProblem; then the run is as it was."""
    run = OperationRun.objects.get(pk=run_id)
    if run.is_over:
        return False
    result = verb.act(parse(run.target), Actor(run.actor, run.user_id), run.reason)

    def conclude() -> None:
        row = OperationRun.objects.select_for_update().get(pk=run_id)
        row.refused = result.pop("refused", row.refused)
        row.done = row.total - row.refused
        row.refusals = result.pop("refusals", row.refusals)
        row.left, row.result, row.progressed_at = [], result, timezone.now()
        row.save()

    in_transaction(conclude)
    return False


def _of_session(
    why_not: Callable[[ImportSession], str], states: tuple[str, ...], *, in_background: bool = False
) -> Callable[[Target], Plan]:
    """The files that it touches are those in the given states."""

    def plan(target: Target) -> Plan:
        session = sessions.get(target.pk)
        files = ImportItem.objects.in_session(target.pk).filter(state__in=states).order_by("pk")
        return Plan(
            why_not=why_not(session),
            touches=files.count() if states else 0,
            sample=list(files.select_related("session")[:SAMPLE]) if states else [],
            sessions=[target.pk],
            in_background=in_background,
        )

    return plan


def _resume(target: Target, actor: Actor, reason: str) -> Result:
    background.resume(target.pk, actor=actor, reason=reason)
    return {}


def _pause(target: Target, actor: Actor, reason: str) -> Result:
    control.pause(target.pk, actor=actor, reason=reason)
    return {}


def _cancel(target: Target, actor: Actor, reason: str) -> Result:
    control.cancel(target.pk, actor=actor, reason=reason)
    return {}


def _undo(target: Target, actor: Actor, reason: str) -> Result:
    report = undo.undo(target.pk, actor=actor, reason=reason)
    causes = Counter(one.failure["summary"] for one in report.refused)
    told = [{"why": why, "number": number} for why, number in causes.most_common()]
    return {
        "refused": causes.total(),
        "refusals": told,
        "told": " ".join(_handed_over(pk, number) for pk, number in report.handed_over.items()),
    }


def _handed_over(session: int, number: int) -> str:
    text = ngettext(
        "Session %(session)d imports %(number)d file that it had skipped as a duplicate.",
        "Session %(session)d imports %(number)d files that it had skipped as duplicates.",
        number,
    )
    return text % {"session": session, "number": number}


def _rescan(target: Target, actor: Actor, reason: str) -> Result:
    """A session with something left to do looks again itself; of one that is done a new one does."""
    session = sessions.get(target.pk)
    if session.state == SessionState.IMPORTED:
        source.open_session_source(session).close()  # no new session is made of another directory
        path, mode = bytes(session.source_path), session.mode
        session = sessions.create(path, mode=mode, label=session.label, actor=actor)
        background.start(session.pk, actor=actor)
        return {"session": session.pk}
    if why := possible.rescan(session):
        control.refuse(session, "rescan", why, actor, reason)
    sessions.offer_again(session.pk, actor=actor, reason=reason)
    flags.walk_again(session.pk, actor=actor, reason=reason)
    background.call_workers(sessions.get(session.pk), database_now())
    return {"session": session.pk}


def _confirm_source(target: Target, actor: Actor, reason: str) -> Result:
    source.confirm(sessions.get(target.pk), actor=actor, reason=reason)
    return {}


def _plan_acknowledge(target: Target) -> Plan:
    return Plan(why_not=possible.of_incident(Incident.objects.get(pk=target.pk)))


def _acknowledge(target: Target, actor: Actor, reason: str) -> Result:
    incidents.acknowledge(target.pk, actor=actor, reason=reason)
    return {}


def _plan_accept(target: Target) -> Plan:
    item = accept.get(target.pk)
    return Plan(accept.why_not(item), touches=1, sample=[item], sessions=[item.session_id])


def _accept(target: Target, actor: Actor, reason: str) -> Result:
    accept.accept(target.pk, actor=actor, reason=reason)
    return {}


def _plan_restore(target: Target) -> Plan:
    with breaker.library_to_look_at() as library:
        return Plan(why_not=quarantine.why_not_restored(library, target.word), touches=1)


def _restore(target: Target, actor: Actor, reason: str) -> Result:
    with breaker.library_to_look_at() as library:
        try:
            place = quarantine.restore(library, target.word, actor=actor, reason=reason)
        except quarantine.NotRestored as why:
            raise ImportProblem(ErrorCode.NOT_ALLOWED, detail=str(why)) from why
    return {"path": place}


_IMPORTED = (ItemState.IMPORTED,)
RESUME = WholeVerb(_of_session(possible.resume, (ItemState.PENDING, *ITEM_UNRESOLVED)), _resume)
PAUSE = WholeVerb(_of_session(possible.pause, ()), _pause)
CANCEL = WholeVerb(_of_session(possible.cancel, (ItemState.PENDING,)), _cancel)
UNDO = WholeVerb(_of_session(possible.undo, _IMPORTED, in_background=True), _undo)
RESCAN = WholeVerb(_of_session(possible.rescan, ITEM_UNRESOLVED), _rescan)
CONFIRM_SOURCE = WholeVerb(_of_session(possible.confirm_source, ()), _confirm_source)
ACCEPT_BYTES = WholeVerb(_plan_accept, _accept)
ACKNOWLEDGE = WholeVerb(_plan_acknowledge, _acknowledge)
RESTORE = WholeVerb(_plan_restore, _restore)
