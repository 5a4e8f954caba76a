"""Who could do the work: workers, the runner, the sweep that calls them, and the message broker."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ... import doorbell, versions
from ...beat import beat
from ...models import ImportItem, ImportSession, Worker
from ...pipeline.lease import BEAT_S, LEASE
from ...pipeline.runner import is_held
from ...processes import is_provably_dead
from .words import Account

LATE_AFTER = timedelta(seconds=2 * BEAT_S)


def tell_workforce(
    account: Account, session: ImportSession, now: datetime, *, is_due: bool = True
) -> None:
    """Who is at the session; or, where there is work and nobody at it, why nobody comes."""
    fresh = Worker.objects.filter(heartbeat_at__gt=now - LEASE)
    alive = [worker for worker in fresh if not is_provably_dead(worker.name)]
    here = [worker for worker in alive if worker.session_id == session.pk]
    if here:
        age = now - max(worker.heartbeat_at for worker in here)
        names = [worker.name for worker in here]
        account.say("workers_here", number=len(here), age=age, workers=names)
    if is_held(session, now):
        code = "runner_here" if session.walked_at else "being_walked"
        account.say(code, runner=session.runner, until=session.runner_lease_until)
    elif not here and is_due:
        _tell_absence(account, session, alive, now)


def _tell_absence(
    account: Account, session: ImportSession, alive: list[Worker], now: datetime
) -> None:
    if session.runner:
        account.say("runner_gone", runner=session.runner, until=session.runner_lease_until)
    _tell_others(account, alive)
    _tell_calls(account, session, now)
    if trouble := versions.misfit():
        account.say("tables_misfit", trouble=trouble)
    _tell_broker(account)
    _tell_sweep(account, now)
    account.offer("start_worker")
    account.offer("run_session_here", session=session.pk)


def _tell_others(account: Account, alive: list[Worker]) -> None:
    if not alive:
        account.say("no_worker_alive", looked_back=LEASE)
        return
    if idle := [worker.name for worker in alive if worker.session_id is None]:
        account.say("workers_idle", number=len(idle), workers=idle)
    if busy := [worker for worker in alive if worker.session_id]:
        sessions = ", ".join(sorted({str(worker.session_id) for worker in busy}))
        account.say("workers_elsewhere", number=len(busy), sessions=sessions)


def _tell_calls(account: Account, session: ImportSession, now: datetime) -> None:
    called, number = session.rung_at, session.unanswered_rings
    if called is None or number == 0:
        account.say("workers_not_called", called=called)
        account.offer("sweep")
    elif doorbell.is_silent(session, now):
        account.say("no_worker_came", number=number, called=called)
    else:
        account.say("workers_called", number=number, called=called)


def _tell_broker(account: Account) -> None:
    if trouble := doorbell.trouble():
        account.say("broker_gone", trouble=trouble)
        account.offer("check_broker")


def _tell_sweep(account: Account, now: datetime) -> None:
    asked = beat()
    if asked and not asked.is_on:
        account.say("sweep_off")
        account.offer("switch_sweep_on")
    elif asked and asked.is_silent(now) and asked.asked_at:
        account.say("sweep_silent", last=asked.asked_at, age=now - asked.asked_at)
        account.offer("start_beat")
    elif asked is None or asked.is_silent(now):
        account.say("sweep_never")
        account.offer("start_beat")


def tell_holder(account: Account, item: ImportItem, now: datetime) -> None:
    """Who has a file that is in work, and how fresh that one's heartbeat is."""
    facts: dict[str, Any] = {"owner": item.owner, "until": item.lease_until, "fence": item.fence}
    worker = Worker.objects.filter(name=item.owner).first()
    code = _holding(item, worker, now)
    if worker is not None:
        facts |= {"heard": worker.heartbeat_at, "age": now - worker.heartbeat_at}
    account.say(code, **facts)
    if code in ("worker_busy", "worker_unknown"):
        account.say("next_settles")
    else:
        account.say("next_sweep")
        account.offer("sweep")


def _holding(item: ImportItem, worker: Worker | None, now: datetime) -> str:
    if is_provably_dead(item.owner):
        return "worker_gone"
    if item.lease_until is None or item.lease_until <= now:
        return "lease_over"
    if worker is None:
        return "worker_unknown"
    return "worker_silent" if now - worker.heartbeat_at > LATE_AFTER else "worker_busy"
