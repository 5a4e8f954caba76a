"""Operations on files: each session's are moved by the door in chunks, each chunk with its count.

The count and the move are one transaction under the lock of the run. So a run goes on exactly where
it was cut off, and two workers at it do nothing twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import door
from ..audit_logger import Actor
from ..door import Step
from ..errors import ErrorCode, ImportProblem
from ..models import ImportItem, ImportSession, Incident, OperationRun
from ..models.import_item import ImportItemQuerySet
from ..services import background, item_list, possible, sessions
from ..services.item_list import Wanted
from ..state_synchronizer import StateSynchronizer
from ..states import ITEM_UNRESOLVED, SESSION_AT_REST, Growth, ItemState, SessionState
from ..transactions import database_now, in_transaction
from .plan import SAMPLE, Plan, Refused
from .target import Target, parse

CHUNK = 500


@dataclass(frozen=True, slots=True)
class FileVerb:
    transition: str
    why_not: Callable[[str, str, ImportSession], str]  # of a state and an error code in a session
    values: Mapping[str, object] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)  # what a file must have besides
    offers: bool = True  # the file waits for a worker then

    def states(self, target: Target) -> tuple[ItemState, ...]:
        if self.known:
            return (ItemState.FAILED,)
        named = target.kind in ("item", "items", "files")
        return possible.REQUEUEABLE if named and self.offers else ITEM_UNRESOLVED


RETRY = FileVerb("requeue", possible.retry)
IMPORT_ANYWAY = FileVerb(
    "requeue",
    possible.import_anyway,
    values={"accept_damage": True},
    known={"error_code": ErrorCode.DAMAGED},
)
REPLACE = FileVerb(
    "requeue",
    possible.grown,
    values={"growth": Growth.REPLACE},
    known={"error_code": ErrorCode.SOURCE_GREW},
)
KEEP_BOTH = FileVerb(
    "requeue",
    possible.grown,
    values={"growth": Growth.KEEP_BOTH},
    known={"error_code": ErrorCode.SOURCE_GREW},
)
DISMISS = FileVerb("dismiss", possible.dismiss, offers=False)


def plan(verb: FileVerb, target: Target) -> Plan:
    """Raises ImportProblem, or Incident.DoesNotExist, when there is no such target."""
    _require(target)
    groups = _scope(verb, target).values_list("session", "state", "error_code")
    counted = list(groups.annotate(number=Count("pk")).order_by("session"))
    stopped = _stopped_by(verb, target)
    there = ImportSession.objects.in_bulk({row[0] for row in counted} | set(stopped))
    refused: Counter[str] = Counter()
    chosen: Counter[int] = Counter(dict.fromkeys(stopped, 0))
    for pk, state, code, number in counted:
        if why := _why_not(verb, target, there[pk], state, code):
            refused[why] += number
        else:
            chosen[pk] += number
    sample = _ready(verb, target).filter(session__in=list(chosen)).order_by("pk")
    return Plan(
        why_not="" if chosen else _why_nothing(refused),
        touches=chosen.total(),
        refused=[Refused(*pair) for pair in refused.most_common()],
        sample=list(sample.select_related("session")[:SAMPLE]),
        sessions=sorted(chosen),
        restarts=len(stopped),
    )


def _require(target: Target) -> None:
    if target.kind in ("session", "files"):
        sessions.get(target.pk)
    elif target.kind == "incident":
        Incident.objects.get(pk=target.pk)
    elif not ImportItem.objects.filter(pk__in=target.ids).exists():
        raise ImportProblem(ErrorCode.ITEM_UNKNOWN, item=target.pk)


def _scope(verb: FileVerb, target: Target) -> ImportItemQuerySet:
    """The files that are meant, those included that the operation must refuse."""
    if target.kind in ("item", "items"):
        return ImportItem.objects.filter(pk__in=target.ids)
    if target.kind == "incident":
        return ImportItem.objects.filter(incident=target.pk)
    if target.kind == "files":
        return item_list.matching(target.pk, Wanted.parse(target.word))
    coded = Q(incident__code=target.word) if target.word else Q()
    return ImportItem.objects.in_session(target.pk).filter(coded, state__in=ITEM_UNRESOLVED)


def _ready(verb: FileVerb, target: Target) -> ImportItemQuerySet:
    return _scope(verb, target).filter(state__in=verb.states(target), **verb.known)


def _why_not(verb: FileVerb, target: Target, session: ImportSession, state: str, code: str) -> str:
    if verb is RETRY and _is_stopped_by(session, target):
        return ""  # it is started again first
    return verb.why_not(state, code, session)


def _stopped_by(verb: FileVerb, target: Target) -> list[int]:
    """The sessions that an incident brought to a stop: to try again means to start them again."""
    if target.kind != "incident" or verb is not RETRY:
        return []
    stopped = ImportSession.objects.filter(incident=target.pk, undo_requested_at__isnull=True)
    return list(stopped.order_by("pk").values_list("pk", flat=True))


def _is_stopped_by(session: ImportSession, target: Target) -> bool:
    is_free = session.undo_requested_at is None
    return is_free and target.kind == "incident" and session.incident_id == target.pk


def _why_nothing(refused: Counter[str]) -> str:
    if refused:
        return refused.most_common(1)[0][0]
    return _("There is nothing left that failed or is missing.")


def step(verb: FileVerb, run_id: int) -> bool:
    """Move the next chunk; returns whether there may be more."""
    try:
        return in_transaction(partial(_step, verb, run_id))
    except door.StaleRows:  # somebody else retries or dismisses some of them: look again
        return True


def _step(verb: FileVerb, run_id: int) -> bool:
    run = OperationRun.objects.select_for_update().get(pk=run_id)
    if run.is_over or not run.left:
        return False
    # Held: one that is canceled just now is not started again, nor do its files wait unseen.
    session = ImportSession.objects.select_for_update().get(pk=run.left[0])
    _start_again(verb, session, run)
    if not _move_chunk(verb, session, run):
        StateSynchronizer().sync_session_with_items(session.pk, actor=_actor(run))
        run.left = run.left[1:]
    if not run.left and run.done < run.total:
        late = Refused(_("They changed meanwhile."), run.total - run.done)
        run.refused, run.refusals = run.refused + late.number, [*run.refusals, late._asdict()]
    run.progressed_at = timezone.now()
    run.save()
    return bool(run.left)


def _start_again(verb: FileVerb, session: ImportSession, run: OperationRun) -> None:
    """Once: a session that broke off again since it was asked for is left as it is."""
    stopped = session.state == SessionState.ERROR and _is_stopped_by(session, parse(run.target))
    if verb is RETRY and stopped and session.state_changed_at <= run.created_at:
        sessions.reopen(session.pk, actor=_actor(run), reason=run.reason)
        background.start(session.pk, actor=_actor(run))
        session.refresh_from_db()


def _move_chunk(verb: FileVerb, session: ImportSession, run: OperationRun) -> bool:
    """Whether there was any. What has changed its state since it was asked for is left alone: what
    fails again meanwhile is not tried a second time."""
    target = parse(run.target)
    due = _ready(verb, target).filter(session=session.pk, state_changed_at__lte=run.created_at)
    found = list(due.values_list("pk", "state", "error_code")[:CHUNK])
    if not found or verb.why_not(*found[0][1:], session):
        return False
    state = found[0][1]
    ids = sorted(pk for pk, its_state, _code in found if its_state == state)
    steps = [Step(verb.transition, run.reason, verb.values)]
    door.move_many(
        steps, ids, from_state=state, session_id=session.pk, actor=_actor(run), known=verb.known
    )
    run.done += len(ids)
    _settle(session, verb, _actor(run))
    return True


def _actor(run: OperationRun) -> Actor:
    return Actor(run.actor, run.user_id)


def _settle(session: ImportSession, verb: FileVerb, actor: Actor) -> None:
    if session.state in SESSION_AT_REST:  # nothing may wait in a session that is closed
        StateSynchronizer().sync_session_with_items(session.pk, actor=actor)
    if verb.offers:
        background.call_workers(sessions.get(session.pk), database_now())
