"""Recover: what a dead worker left in work is taken up where the disk says it stands.

For an item found in `moving` there is an answer to each of the four cases of (source there?,
destination there and right?): redo; adopt; adopt; search by hash, and only then `missing`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from django.conf import settings
from django.db.models import F, Min
from django_fsm import TransitionNotAllowed

from .. import capture_time, door, formats, fsops, names
from ..audit_logger import Actor
from ..door import StaleRows, Step
from ..errors import ErrorCode, ImportProblem
from ..fsops import Answer, Comparison, FileEffectError
from ..isolation import OF_ALL, Told, Troubles
from ..models import ImportItem, Media
from ..models.import_item import ImportItemQuerySet
from ..processes import identity, is_provably_dead
from ..sayings import say
from ..states import ItemState, SourceDisposition
from ..transactions import database_now, in_transaction
from . import growth
from .analyse import failed, lost
from .check import settle_verdicts
from .desk import Desk, confirm, holds, is_library_file, refuse_library_file, unreadable
from .lease import LEASE, Lease, end_lease
from .measure import record_outcome
from .parts import in_parts
from .settle import record_media, settle_in_parts
from .taken import give_back_taken
from .work import Verdict, Work

logger = logging.getLogger(__name__)

DEADLY = 4  # the first two deaths took others along; in each later one the file was alone
FENCES = 8  # how many claims back a part is looked for; each dead recovery adds one
_UNPLACED = (ItemState.ANALYZING, ItemState.CHECKING)


def recover(desk: Desk, actor: Actor, told: Told | None = None) -> int:
    """Bring every item whose worker is gone to a true state; returns how many came to one.

    They are taken over first, under a new fence: what was only thought to be dead cannot write any
    more, and of two that recover at once each has its own. One that cannot be recovered keeps no other
    from it: it is added to what was `told`, and the next recovery finds it as this one did. Raises
    ImportProblem when the library as a whole stands in the way.
    """
    _look_anew(desk)
    _clear_incoming(desk)
    dead = abandoned(desk.session_id)
    if not dead:
        return 0
    troubles, me = Troubles("recovered", (ImportProblem,), told), identity()
    with Lease(Actor(me), desk.session_id):
        ended = in_transaction(lambda: _take_over(desk.session_id, dead, me))
        try:
            return _recover_all(desk, list(_held(me, ended)), actor, troubles)
        finally:  # what is left is held by nobody since its worker is gone, and must not look as if
            for item in _held(me, ended).in_work():
                end_lease(item.pk, item.fence, ended[item.pk])


def _held(me: str, ended: Iterable[int]) -> ImportItemQuerySet:
    return ImportItem.objects.filter(owner=me, pk__in=list(ended)).order_by("pk")


def _recover_all(desk: Desk, items: Sequence[ImportItem], actor: Actor, troubles: Troubles) -> int:
    unplaced = [item for item in items if item.state in _UNPLACED]
    number = _release_unplaced(desk, unplaced, actor, troubles)
    for item in items:
        if item not in unplaced:
            number += _recover_placed(desk, item, actor, troubles)
    return number


def _recover_placed(desk: Desk, item: ImportItem, actor: Actor, troubles: Troubles) -> bool:
    with troubles.of(item):
        try:
            _recover_one(desk, item, actor)
            return True
        except (StaleRows, TransitionNotAllowed):
            logger.info("item %s is worked on by somebody else", item.pk)
        except (*OF_ALL, ImportProblem, OSError, FileEffectError):
            raise  # of the database or a disk: it may pass
        except Exception as error:
            if not _is_poison(item):  # what no recovery can end is no better than what kills it
                ImportItem.objects.filter(pk=item.pk, fence=item.fence).update(
                    deaths=F("deaths") + 1
                )
                raise
            logger.exception("item %s could not be recovered, and fails", item.pk)
            _fail(desk, item, error, actor)
            return True
    return False


def _look_anew(desk: Desk) -> None:
    """What is found from now on stands at its path, wherever directories were moved meanwhile."""
    desk.source.forget()
    desk.library.forget()


def _clear_incoming(desk: Desk) -> None:
    """Throw away the temporary files of claims that are over: their disk did not let go of them."""
    # Listed before it is asked who works: a claim that is over by then never comes back. The last
    # claims of what is in work are left to _publish_part.
    parts = {part: names.claim_of(part) for part in fsops.parts(desk.library)}
    ids = [claim[0] for claim in parts.values() if claim]
    fences = dict(ImportItem.objects.filter(pk__in=ids).in_work().values_list("pk", "fence"))
    for part, claim in parts.items():
        if claim and claim[1] <= fences.get(claim[0], claim[1] + FENCES) - FENCES:
            fsops.discard(desk.library, part)


def abandoned(session_id: int) -> list[str]:
    """The workers of a session that hold files although they died or their lease ended."""
    held = ImportItem.objects.in_session(session_id).in_work()
    ends = held.values_list("owner").annotate(until=Min("lease_until")).order_by("owner")
    now = database_now()
    return [owner for owner, until in ends if until <= now or is_provably_dead(owner)]


def _take_over(session_id: int, dead: Sequence[str], me: str) -> dict[int, datetime | None]:
    """Item → when the lease of its worker ended, or was to end."""
    now = database_now()
    ended: dict[int, datetime | None] = {}
    for owner in dead:
        held = ImportItem.objects.in_session(session_id).in_work().filter(owner=owner)
        if not is_provably_dead(owner):
            held = held.filter(lease_until__lte=now)  # it may have been renewed since we looked
        leases = dict(held.select_for_update().values_list("pk", "lease_until"))
        ours = ImportItem.objects.filter(pk__in=leases)
        ours.update(owner=me, fence=F("fence") + 1, lease_until=now + LEASE)
        ended |= leases
    return ended


def _release_unplaced(
    desk: Desk, items: Sequence[ImportItem], actor: Actor, troubles: Troubles
) -> int:
    """Nothing was written down for these yet, so that a worker may simply begin again."""
    poison = [item for item in items if _is_poison(item)]
    for item in poison:
        with troubles.of(item):
            _set_aside(desk, item, actor)
    for state in _UNPLACED:
        works = [_given_back(item) for item in items if item.state == state and item not in poison]
        _release(desk, works, state, actor)
    return len(items)


def _given_back(item: ImportItem) -> Work:
    work = Work(item.pk, item.fence, bytes(item.path))
    work.release("Its worker ended before a place was fixed.", died=True)
    return work


def _release(desk: Desk, works: Sequence[Work], state: str, actor: Actor) -> None:
    def write(part: Sequence[Work]) -> None:
        in_transaction(lambda: settle_verdicts(desk, part, actor, state))

    def alone(work: Work, error: Exception) -> None:
        raise error  # nothing simpler can be written of it

    if works:
        in_parts(works, write, lambda work: state, alone)


def _is_poison(item: ImportItem) -> bool:
    return item.deaths + 1 >= DEADLY


def _set_aside(desk: Desk, item: ImportItem, actor: Actor) -> None:
    path = bytes(item.path)
    problem = ImportProblem(
        ErrorCode.POISON, path=os.path.join(desk.source.root, path), detail=str(DEADLY - 2)
    )
    _fail(desk, item, problem, actor)


def _recover_one(desk: Desk, item: ImportItem, actor: Actor) -> None:
    try:
        is_placed = holds(desk.library, item.destination.encode(), item.sha256, item.absolute_path)
        work = work_of_placed(desk, item) if is_placed else None
    except ImportProblem as problem:
        _ask_again(desk, item, problem, actor)
        return
    if work is not None:
        _adopt_unless_source(desk, item, work, actor)
    elif item.state == ItemState.UPDATING:
        detail = say("not_as_published", path=item.destination)
        _fail(desk, item, ImportProblem(ErrorCode.LIBRARY_FILE_WRONG, detail=detail), actor)
    elif _publish_part(desk, item):
        _adopt(desk, item, work_of_placed(desk, item), actor)
    elif not desk.source.exists(bytes(item.path)):
        _lose(desk, item, FileNotFoundError(2, "No such file or directory"), actor)
    elif _is_poison(item):
        _set_aside(desk, item, actor)
    else:
        text = "Its worker ended before the bytes were placed."
        _move(item, Step("release", text, {"died": True}), actor)


def _adopt_unless_source(desk: Desk, item: ImportItem, work: Work, actor: Actor) -> None:
    try:
        refuse_library_file(desk, bytes(item.path), item.destination)
    except ImportProblem as problem:
        _fail(desk, item, problem, actor)
    else:
        _adopt(desk, item, work, actor)


def _ask_again(desk: Desk, item: ImportItem, problem: ImportProblem, actor: Actor) -> None:
    """What stands at its place cannot be read. The source is tried again; where that is gone, each
    sweep looks at the place anew."""
    if item.state == ItemState.UPDATING:
        _fail(desk, item, problem, actor)
    elif not desk.source.exists(bytes(item.path)):
        _lose(desk, item, problem, actor)
    else:
        text = "Its worker ended, and what stands at its place could not be read."
        _move(item, Step("release", text, {"died": True}), actor)


def find_placed(desk: Desk, actor: Actor, told: Told | None = None) -> int:
    """Import what is `missing`, but was brought to its place by a worker that came late."""
    _look_anew(desk)
    troubles = Troubles("found", (ImportProblem, StaleRows, TransitionNotAllowed), told)
    missing = ImportItem.objects.in_session(desk.session_id).filter(state=ItemState.MISSING)
    found = []
    for item in missing.exclude(destination="").exclude(sha256="").order_by("pk"):
        # What cannot be read now is looked at again later.
        with troubles.of(item), suppress(ImportProblem):
            if _is_placed(desk, item):
                found.append((item, work_of_placed(desk, item)))
    if found:
        confirm(desk.library, [item.destination.encode() for item, _ in found])
    number = 0
    for item, work in found:
        with troubles.of(item):
            number += in_transaction(partial(_list, item, work, actor))
    return number


def _is_placed(desk: Desk, item: ImportItem) -> bool:
    """Raises ImportProblem when what stands at its place cannot be read."""
    if not holds(desk.library, item.destination.encode(), item.sha256):
        return False
    return not is_library_file(desk.source, bytes(item.path), desk.library, item.destination)


def _list(item: ImportItem, work: Work, actor: Actor) -> bool:
    """False when the library has the bytes under another name: then this file is one too many."""
    media = Media.objects.filter(sha256=item.sha256).first()
    if media is not None and media.path != item.destination:
        return False
    pk = media.pk if media else record_media([work])[item.sha256]
    text = "Its bytes are in the library: a late worker placed them."
    _move(item, Step("recover", text, {"media_id": pk}), actor)
    return True


def _publish_part(desk: Desk, item: ImportItem) -> bool:
    """A whole copy under its temporary name is as good as the source; a torn one is thrown away.

    One that cannot be read goes to the quarantine where the source is gone: it may be all that is left.
    """
    whole = False
    for fence in range(item.fence, max(item.fence - FENCES, -1), -1):
        part = names.part(item.pk, fence)
        found = fsops.compare(desk.library, part, item.sha256)
        if not whole and found.is_equal:
            whole = _publish(desk, part, item.destination.encode())
        if found.is_unreadable and not desk.source.exists(bytes(item.path)):
            kept = b"quarantine/%d-%d.part" % (item.pk, fence)
            with suppress(FileNotFoundError):
                fsops.quarantine(desk.library, part, kept)
        fsops.discard(desk.library, part)
    return whole


def _publish(desk: Desk, part: bytes, destination: bytes) -> bool:
    try:
        fsops.publish(desk.library, part, destination)
    except (FileEffectError, FileNotFoundError):  # taken; or its worker lives, and was faster
        return False
    return True


def _adopt(desk: Desk, item: ImportItem, work: Work, actor: Actor) -> None:
    """The right bytes are at the destination: finish what the worker began."""
    confirm(desk.library, [item.destination.encode()])
    if Media.objects.filter(sha256=item.sha256).exclude(path=item.destination).exists():
        aside = b"quarantine/%d-%d" % (item.pk, item.fence)
        fsops.quarantine(desk.library, item.destination.encode(), aside)
        _move(item, Step("release", "Its bytes are in the library under another name."), actor)
    else:
        settle_in_parts(desk, [work], actor, from_state=item.state)
        if not work.stale:
            growth.set_aside(desk, [work] if work.set_aside else [])
            record_outcome(work)
        elif ImportItem.objects.filter(pk=item.pk, fence=item.fence, state=item.state).exists():
            raise RuntimeError("neither the file nor its failure can be recorded")


def work_of_placed(desk: Desk, item: ImportItem) -> Work:
    """The item as the worker knew it, read again from the library's file.

    Raises ImportProblem when that cannot be read.
    """
    path, place = bytes(item.path), item.destination.encode()
    work = Work(item.pk, item.fence, path, item.size_bytes, sha256=item.sha256)
    try:
        with fsops.open_source(desk.library, place) as file:
            work.size_bytes = file.size
            work.inspection = formats.inspect(file)
            name = os.path.basename(path).decode("utf-8", "replace")
            mtime_ns, now = file.fingerprint.mtime_ns, datetime.now(UTC)
            exif = work.inspection.exif
            work.capture = capture_time.decide(exif, name, mtime_ns, desk.zone, now)
    except (OSError, FileEffectError) as error:
        found = Comparison(Answer.UNREADABLE, error=error)
        raise unreadable(desk.library, place, found, item.absolute_path) from error
    work.destination, work.replaces = item.destination, item.replaces
    work.planned = work.placed = work.adopted = True
    work.disposition = _disposition(desk, path)
    return work


def _disposition(desk: Desk, path: bytes) -> SourceDisposition:
    if not desk.moves:
        return SourceDisposition.KEPT
    return SourceDisposition.RELEASE_DUE if desk.source.exists(path) else SourceDisposition.MOVED


def _fail(desk: Desk, item: ImportItem, error: Exception, actor: Actor) -> None:
    last_try = settings.PHOTONEST_RETRIES
    work = Work(item.pk, item.fence, bytes(item.path), item.size_bytes, retries=last_try)
    _end(item, work, failed(desk, work, error), actor)


def _lose(desk: Desk, item: ImportItem, error: Exception, actor: Actor) -> None:
    work = Work(item.pk, item.fence, bytes(item.path), item.size_bytes)
    work.verdict = lost(desk, work, error)
    give_back_taken(desk, [work])
    _end(item, work, work.verdict, actor)


def _end(item: ImportItem, work: Work, verdict: Verdict, actor: Actor) -> None:
    _move(item, Step(verdict.transition, verdict.reason, verdict.values), actor)
    work.verdict = verdict
    record_outcome(work)


def _move(item: ImportItem, step: Step, actor: Actor) -> None:
    door.move(ImportItem, item.pk, step, actor=actor)
