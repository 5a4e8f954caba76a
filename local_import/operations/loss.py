"""To accept that files of the library are lost, which a breaker holds back until somebody does.

What is accepted is what was seen: a target names the number of the files and a digest of their ids, and
nothing is done where others are gone by now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

from django.utils import timezone
from django.utils.translation import gettext as _

from ..audit_logger import Actor, AuditLogger, Entry
from ..consistency import breaker, findings, gone, look, repair
from ..consistency.repair import Outcome
from ..consistency.rule import Look, Suspect
from ..errors import ErrorCode, ImportProblem
from ..models import ImportItem, Media, OperationRun
from ..models.audit_log import AuditCategory, AuditLevel
from ..states import ItemState
from ..transactions import database_now, in_transaction
from .plan import SAMPLE, Plan
from .target import Target, parse

PART = 100  # files that are looked for before the run is written down
_audit = AuditLogger()


def plan(target: Target) -> Plan:
    ids, why_not = _seen(target)
    items = ImportItem.objects.filter(media__in=ids[:SAMPLE], state=ItemState.IMPORTED)
    return Plan(
        why_not=why_not,
        touches=target.pk,
        sample=list(items.select_related("session").order_by("pk")[:SAMPLE]),
        in_background=True,
    )


def _seen(target: Target) -> tuple[Sequence[int], str]:
    """The ids of the files that are gone, and why they are not those that the target names."""
    with breaker.library_to_look_at() as library:
        if library is None:
            return (), _("The library is not there, or not mounted.")
        ids = gone.missing_now(Look(database_now(), library))
    if gone.target_of(ids) == str(target):
        return ids, ""
    text = _(
        "What is gone by now ({number} files) is not what was seen then. Look again first: "
        "python manage.py check_consistency"
    )
    return (), text.format(number=len(ids))


def step(run_id: int) -> bool:
    """The next part; whether there may be more. Raises ImportProblem where something else is gone."""
    run = OperationRun.objects.get(pk=run_id)
    if run.is_over:
        return False
    actor = Actor(run.actor, run.user_id)
    if "media" not in run.result:
        _accept(run, actor)
        return True
    left = [pk for pk in gone.ids_in(run.result["media"]) if pk > run.result["after"]]
    if left:
        _look_for(run_id, left[:PART], actor)
        return True
    findings.keep(look.take())
    return False


def _accept(run: OperationRun, actor: Actor) -> None:
    target = parse(run.target)
    ids, why_not = _seen(target)
    if why_not:
        raise ImportProblem(ErrorCode.NOT_ALLOWED, detail=why_not)
    in_transaction(partial(_write_down, run.pk, ids, actor, run.reason))


def _write_down(run_id: int, ids: Sequence[int], actor: Actor, reason: str) -> None:
    run = OperationRun.objects.select_for_update().get(pk=run_id)
    entry = Entry(
        AuditCategory.CONSISTENCY,
        f"The loss of {len(ids)} files of the library was accepted. {reason}",
        level=AuditLevel.WARNING,
        action="library.accept_loss",
        actor=actor,
        details={"number": len(ids), "media": gone.stretches(ids, gone.TOLD)},
    )
    _audit.record(entry)
    run.result = {"media": gone.stretches(ids), "after": 0, "back": 0}
    run.progressed_at = timezone.now()
    run.save()


def _look_for(run_id: int, part: Sequence[int], actor: Actor) -> None:
    """Each is put back from wherever its bytes are, or its items are called missing."""
    outcome = Outcome(look.Report([]))
    repair.apply([Suspect("media_missing", str(pk)) for pk in part], outcome, actor)
    lost = Media.objects.filter(pk__in=part, lost_at__isnull=False).count()
    in_transaction(partial(_note, run_id, part, lost, Counter(why for _, why in outcome.refused)))


def _note(run_id: int, part: Sequence[int], lost: int, refused: Counter[str]) -> None:
    run = OperationRun.objects.select_for_update().get(pk=run_id)
    known = Counter({one["why"]: one["number"] for one in run.refusals}) + refused
    done = len(part) - refused.total()
    back = run.result["back"] + done - lost
    run.done += done
    told = _("{back} came back, {lost} are lost.").format(back=back, lost=run.done - back)
    run.refusals = [{"why": why, "number": number} for why, number in known.most_common()]
    run.result |= {"after": part[-1], "back": back, "told": told}
    run.refused, run.progressed_at = known.total(), timezone.now()
    run.save()
