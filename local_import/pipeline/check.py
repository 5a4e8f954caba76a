"""Check: which bytes are in the library already, and the written intent for those that are not.

Only equal SHA-256, and a library file that still verifies, makes a duplicate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any

from django.db import IntegrityError

from .. import door, names, setwise
from ..audit_logger import Actor, AuditLogger, Entry, capped
from ..door import Each, Step
from ..errors import ErrorCode, ImportProblem
from ..models import ImportItem, ImportSession, Media
from ..models.audit_log import AuditCategory, AuditLevel
from ..states import SESSION_AT_REST, ItemState, SkipReason
from ..transactions import database_now, in_transaction
from . import growth, quiet
from .analyse import failed
from .desk import Desk
from .duplicates import TWIN_WAIT, confirm, is_lacking, judge
from .parts import in_parts
from .work import Original, Verdict, Work

RACES = 5  # how often a check is repeated that lost its hashes to other workers
_PLACING = (ItemState.MOVING, ItemState.UPDATING)
_audit = AuditLogger()
_COLUMNS = ("id", "fence", "sha256", "destination")
_DIAGNOSED = (
    *("item_id", "message", "details", "error_message", "recommended_actions"),
    "duration_ms",
)


class _Overtaken(IntegrityError):
    """The same bytes were imported by another worker between our look and our intent."""


def check(desk: Desk, batch: Sequence[Work], owner: Actor) -> None:
    """Give every file of the batch its verdict or its written intent, in one transaction.

    Of a file that somebody else has by now nothing is written; one whose row is refused fails.
    """
    undecided = {work.item_id for work in batch if work.verdict is None}

    def alone(work: Work, error: Exception) -> None:
        work.verdict = failed(desk, work, error)
        in_transaction(lambda: settle_verdicts(desk, [work], owner, ItemState.ANALYZING))

    write = partial(_check, desk, owner, undecided)
    in_parts(batch, write, lambda work: ItemState.ANALYZING, alone)


def _check(desk: Desk, owner: Actor, undecided: set[int], batch: Sequence[Work]) -> None:
    for attempt in range(RACES):
        for work in batch:
            if work.item_id in undecided:  # what an attempt that was refused has found is over
                work.verdict = work.original = work.replaces = None
        compare(desk, batch)
        try:
            intended = in_transaction(lambda: _record(desk, batch, owner))
        except IntegrityError:
            if attempt == RACES - 1:
                raise
        else:
            for work in intended:
                work.planned = True
            return


def compare(desk: Desk, batch: Sequence[Work]) -> None:
    """Find duplicates in the library and twins in the batch; reads library files, writes nothing."""
    waiting = [work for work in batch if work.verdict is None]
    known = {sha256: (pk, path) for sha256, pk, path in _media_like(waiting)}
    first: dict[str, Work] = {}
    for work in waiting:
        listed = Original(*known[work.sha256]) if work.sha256 in known else None
        work.gives_back = listed is not None and is_lacking(desk, listed)
        if listed and not work.gives_back:
            work.twin_of = None
            judge(desk, work, listed)
            continue
        twin = first.setdefault(work.sha256, work)
        work.twin_of = twin if twin is not work else None
        if listed and work.twin_of is None:
            work.original, work.destination = listed, listed.path
    new = [work for work in first.values() if work.twin_of is None and not work.gives_back]
    growth.judge(desk, new)


def _media_like(batch: Iterable[Work]) -> list[setwise.Row]:
    """(SHA-256, id, path) of each file in the library that has the bytes of one of the batch."""
    return setwise.find(Media, "sha256", (work.sha256 for work in batch), ("sha256", "id", "path"))


def _record(desk: Desk, batch: Sequence[Work], owner: Actor) -> list[Work]:
    """Returns the files that have their intent; every other has left for another state."""
    confirm(batch)
    movers = [work for work in batch if work.verdict is None and work.twin_of is None]
    moving = _in_motion()
    busy = {sha256 for sha256, _ in moving}
    free = [work for work in movers if work.sha256 not in busy]
    new = [work for work in free if not work.gives_back]
    new = _with_place(desk, new, {destination for _, destination in moving})
    free = [work for work in free if work.verdict is None]
    _write_intent(desk, free, owner)
    if replacing := [work for work in free if work.replaces]:
        growth.note(replacing)
    if _media_like(new):
        raise _Overtaken
    twins = [work for work in batch if work.twin_of is not None]
    _hold(desk, twins, owner)
    late = [work for work in movers if work.sha256 in busy]
    _leave_alone([work for work in batch if work.wait_s])
    _correct_sizes([work for work in batch if work.walked_bytes not in (None, work.size_bytes)])
    settle_verdicts(desk, [w for w in batch if w.verdict], owner, ItemState.ANALYZING)
    _give_back(desk, late, owner)
    return free


def _in_motion() -> list[tuple[str, str]]:
    """(SHA-256, destination) of all that is being placed now; a few batches at most."""
    # By way of the sessions, so that the index on session and state finds them.
    sessions = ImportSession.objects.exclude(state__in=SESSION_AT_REST)
    moving = ImportItem.objects.filter(session__in=sessions, state__in=_PLACING)
    return list(moving.values_list("sha256", "destination"))


def _with_place(desk: Desk, works: Sequence[Work], taken: set[str]) -> list[Work]:
    """Two different photos of one second with one hash prefix: the later gets a longer name.

    One of which every name is taken has its verdict, and is left out.
    """
    held = setwise.find(Media, "path", (work.destination for work in works), ("path",))
    taken = taken | {path for (path,) in held}
    for work in works:
        try:
            while work.destination in taken:
                work.destination = _longer(work)
        except ImportProblem as problem:
            work.verdict = failed(desk, work, problem)
        else:
            taken.add(work.destination)
    return [work for work in works if work.verdict is None]


def _longer(work: Work) -> str:
    assert work.capture and work.inspection
    held = len(work.destination.rpartition("_")[2].partition(".")[0])
    length = next((length for length in names.PREFIX_LENGTHS if length > held), None)
    if length is None:
        raise ImportProblem(ErrorCode.DESTINATION_TAKEN, path=work.path, detail=work.destination)
    return names.destination(work.capture.wall, work.sha256, work.inspection.extension, length)


def _write_intent(desk: Desk, works: Sequence[Work], owner: Actor) -> None:
    steps = [
        Step("compare", "Read and hashed.", {"sha256": Each("sha256")}),
        Step("plan", "Its place is fixed.", {"destination": Each("destination")}),
    ]
    door.move_many(
        steps,
        [work.item_id for work in works],
        from_state=ItemState.ANALYZING,
        session_id=desk.session_id,
        actor=owner,
        columns=_COLUMNS,
        rows=[(w.item_id, w.fence, w.sha256, w.destination) for w in works],
    )


def _hold(desk: Desk, twins: Sequence[Work], owner: Actor) -> None:
    """Twins of a file of this batch wait in `checking` until that one has settled."""
    door.move_many(
        [Step("compare", "The same bytes are in this batch.", {"sha256": Each("sha256")})],
        [work.item_id for work in twins],
        from_state=ItemState.ANALYZING,
        session_id=desk.session_id,
        actor=owner,
        columns=_COLUMNS[:3],
        rows=[(w.item_id, w.fence, w.sha256) for w in twins],
    )


def _give_back(desk: Desk, late: Sequence[Work], owner: Actor) -> None:
    if not late:
        return
    due = database_now() + TWIN_WAIT
    for work in late:
        work.release("The same bytes are on their way by another worker.", next_attempt_at=due)
    settle_verdicts(desk, late, owner, ItemState.ANALYZING)


def _correct_sizes(grown: Sequence[Work]) -> None:
    """What was still written when the source was walked has another size by now."""
    columns, rows = (
        ("id", "fence", "size_bytes"),
        [(w.item_id, w.fence, w.size_bytes) for w in grown],
    )
    setwise.update(ImportItem, {}, columns, rows, match=("id", "fence"), where={})


def _leave_alone(young: Sequence[Work]) -> None:
    """Say until when the files wait that changed a moment ago, and remember as what they were seen."""
    now = database_now() if young else datetime.min
    for work in young:
        verdict = _given(work)
        if verdict.transition != "release":  # it has failed: it changed too often
            continue
        due = verdict.values.pop("next_attempt_at", verdict.own.get("next_attempt_at", now))
        verdict.own.update(
            seen_as=quiet.as_text(work.fingerprint),
            seen_at=quiet.seen_since(work, now),
            young_since=work.seen.first or now,
            next_attempt_at=max(due, now + timedelta(seconds=work.wait_s)),
        )


def settle_verdicts(desk: Desk, works: Sequence[Work], owner: Actor, from_state: str) -> None:
    """Write the verdicts of files that all are in `from_state`; verdicts of one kind go together."""
    for verdict, group in _by_verdict(works):
        columns, rows = _differing(verdict, group)
        door.move_many(
            _steps(verdict, group[0], from_state),
            [work.item_id for work in group],
            from_state=from_state,
            session_id=desk.session_id,
            actor=owner,
            columns=columns,
            rows=rows,
        )
        _explain(desk, verdict, group, owner)


def _by_verdict(works: Sequence[Work]) -> Iterable[tuple[Verdict, list[Work]]]:
    """Equal verdicts, failures with equal codes, or duplicates: forty thousand are few statements."""

    def key(work: Work) -> str:
        verdict = _given(work)
        failing = verdict.failure.get("code")
        kind = f"{verdict.transition} {failing}" if failing else repr(verdict)
        kind = f"duplicate {verdict.read}" if _is_duplicate(verdict) else kind
        kind += " ".join(verdict.own)
        return f"{bool(work.sha256)} {kind}"

    for _, group in groupby(sorted(works, key=key), key=key):
        members = list(group)
        assert members[0].verdict
        yield members[0].verdict, members


def _differing(verdict: Verdict, group: Sequence[Work]) -> tuple[list[str], list[list[Any]]]:
    """The columns in which the files of a group differ, and their values."""
    columns = ["id", "fence"]
    rows: list[list[Any]] = [[work.item_id, work.fence] for work in group]
    if group[0].sha256:  # else the row keeps what an earlier worker read
        columns.append("sha256")
        rows = [[*row, work.sha256] for row, work in zip(rows, group, strict=True)]
    own = _own_value(verdict)
    if own:
        columns += [own, "reason"]
        verdicts = [_given(work) for work in group]
        rows = [[*row, v.values[own], v.reason] for row, v in zip(rows, verdicts, strict=True)]
    columns += verdict.own
    rows = [[*row, *_given(work).own.values()] for row, work in zip(rows, group, strict=True)]
    return columns, rows


def _own_value(verdict: Verdict) -> str:
    """The value, if any, in which the verdicts of a group differ beside their reasons."""
    if _is_duplicate(verdict):
        return "media_id"
    return "failure" if verdict.failure else ""


def _is_duplicate(verdict: Verdict) -> bool:
    return verdict.values.get("skip_reason") == SkipReason.DUPLICATE


def _given(work: Work) -> Verdict:
    assert work.verdict
    return work.verdict


def _steps(verdict: Verdict, work: Work, from_state: str) -> list[Step]:
    """A file that was hashed has been compared, so that its way tells of it."""
    alone = {name: Each(name) for name in verdict.own}
    last = Step(verdict.transition, verdict.reason, verdict.values | alone)
    if own := _own_value(verdict):
        values = verdict.values | alone | {own: Each(own)}
        last = Step(verdict.transition, Each("reason"), values)
    if from_state != ItemState.ANALYZING or not work.sha256:
        return [last]
    return [Step("compare", verdict.read, {"sha256": Each("sha256")}), last]


def _explain(desk: Desk, verdict: Verdict, works: Sequence[Work], owner: Actor) -> None:
    """The row that says why: the comparison of a duplicate, the diagnosis of a failure."""
    about = Entry("", "", session_id=desk.session_id, actor=owner)
    if _is_duplicate(verdict):
        entry = replace(about, category=AuditCategory.DUPLICATE_CHECK, action="item.duplicate")
        rows = [(work.item_id, _given(work).reason) for work in works]
        _audit.record_many(entry, ["item_id", "message"], rows)
    elif verdict.failure:
        entry = replace(
            about,
            category=AuditCategory.ERROR,
            level=AuditLevel.ERROR,
            action="item.diagnose",
            error_type=verdict.failure["code"],
        )
        _audit.record_many(entry, _DIAGNOSED, [_diagnosis(work) for work in works])


def _diagnosis(work: Work) -> Sequence[Any]:
    failure = _given(work).failure
    told = (failure["diagnosis"], failure["recommended_actions"], work.spent_ms)
    return (work.item_id, _given(work).reason, capped(failure), *told)
