"""A message says where to look, and nothing else: it may be lost, doubled, late, or never sent."""

from datetime import timedelta

import pytest
from django.conf import settings as project
from django.utils import timezone
from django_fsm import TransitionNotAllowed

from local_import import doorbell
from local_import.audit_logger import SYSTEM
from local_import.models import AuditLog, ImportSession
from local_import.services import background, sessions
from local_import.services.sweeper import sweep
from tests.builders import make_item, make_session
from tests.photos import jpeg

pytestmark = pytest.mark.django_db


class Bell:
    """The messages that wait in the embedded broker."""

    def __init__(self, capture):
        self._capture = capture
        self.forget()

    def messages(self):
        return sorted((project.PHOTONEST_QUEUE / "messages").glob("*.msg"))

    def count(self, task=doorbell.ADVANCE):
        return sum(task in path.read_text() for path in self.messages())

    def forget(self):
        for path in self.messages():
            path.unlink()

    def committing(self):
        return self._capture(execute=True)


@pytest.fixture
def bell(django_capture_on_commit_callbacks):
    return Bell(django_capture_on_commit_callbacks)


@pytest.fixture
def ready(library, inbox):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    return sessions.create(bytes(inbox))


def ring_earlier(session, seconds):
    ImportSession.objects.filter(pk=session.pk).update(
        rung_at=timezone.now() - timedelta(seconds=seconds)
    )


def test_starting_a_session_calls_a_worker_once_however_often_it_is_asked(ready, bell):
    with bell.committing():
        first = background.start(ready.pk, actor=SYSTEM)
        second = background.start(ready.pk, actor=SYSTEM)

    assert (first.state, second.state) == ("expanding", "expanding")
    assert bell.count() == 1
    assert AuditLog.objects.filter(action="session.start").count() == 1
    assert not AuditLog.objects.filter(action__startswith="refused").exists()


@pytest.mark.parametrize("state", ["pending", "error", "canceled"])
def test_a_session_that_cannot_be_started_is_refused_and_nobody_is_called(state, bell):
    session = make_session(state)

    with bell.committing(), pytest.raises(TransitionNotAllowed):
        background.start(session.pk, actor=SYSTEM)

    assert bell.count() == 0
    assert AuditLog.objects.filter(action="refused.start", session=session.pk).exists()


def test_nobody_is_called_when_the_transaction_is_rolled_back(ready, bell):
    with bell.committing() as callbacks:
        pass

    assert (callbacks, bell.count()) == ([], 0)
    assert doorbell.is_silent(ready, timezone.now())


def test_a_message_carries_the_id_of_the_session_and_nothing_else(ready, bell):
    with bell.committing():
        doorbell.ring(ready.pk)
        doorbell.call_helpers(ready.pk)

    for path in bell.messages():
        assert f'"argsrepr": "[{ready.pk}]", "kwargsrepr": "{{}}"' in path.read_text()
    assert bell.count(doorbell.HELP) == project.PHOTONEST_WORKERS - 1


def test_a_lost_message_is_sent_again_by_the_sweep_when_its_time_has_come(ready, bell):
    with bell.committing():
        background.start(ready.pk, actor=SYSTEM)
    bell.forget()

    with bell.committing():
        early = sweep()
    ring_earlier(ready, seconds=26)
    with bell.committing():
        due, again = sweep(), sweep()

    assert [done.get("workers_called", 0) for done in (early, due, again)] == [0, 1, 0]
    assert bell.count() == 1


def test_the_longer_nobody_answers_the_longer_the_sweep_waits(ready):
    background.start(ready.pk, actor=SYSTEM)
    waits = []
    for _ in range(12):
        session = ImportSession.objects.get(pk=ready.pk)
        moment = session.rung_at
        seconds = next(
            s
            for s in sorted([25 * 2**n for n in range(14)])
            if doorbell.is_silent(session, moment + timedelta(seconds=s))
        )
        waits.append(seconds)
        doorbell.ring(ready.pk)

    assert waits == [25 * 2 ** min(n, 10) for n in range(12)]


def test_the_sweep_leaves_alone_what_is_not_to_run(bell):
    for state in ("pending", "ready", "imported", "failed", "error", "canceled"):
        make_session(state)
    paused = make_session("importing", paused_at=timezone.now())
    later = make_session("importing", walked_at=timezone.now(), planned_at=timezone.now())
    for session in (paused, later):
        make_item(session, next_attempt_at=timezone.now() + timedelta(hours=1))
    ImportSession.objects.exclude(pk=paused.pk).update(
        walked_at=timezone.now(), planned_at=timezone.now()
    )

    with bell.committing():
        assert "workers_called" not in sweep()
    assert bell.messages() == []


def test_the_sweep_calls_for_waiting_files_and_for_an_unfinished_walk(bell):
    walked = {"walked_at": timezone.now(), "planned_at": timezone.now()}
    make_item(make_session("importing", **walked))
    make_session("expanding")

    with bell.committing():
        assert sweep()["workers_called"] == 2
    assert bell.count() == 2


def test_a_turn_brings_a_session_to_its_end_and_calls_nobody(ready, bell):
    background.start(ready.pk, actor=SYSTEM)

    with bell.committing():
        background.advance(ready.pk, should_stop=lambda: False)

    session = ImportSession.objects.get(pk=ready.pk)
    assert (session.state, session.runner, session.unanswered_rings) == ("imported", "", 0)
    assert bell.count() == 0


def test_messages_that_come_too_late_or_name_nothing_change_nothing(ready, bell):
    background.start(ready.pk, actor=SYSTEM)
    background.advance(ready.pk, should_stop=lambda: False)
    rows = AuditLog.objects.count()

    with bell.committing():
        for pk in (ready.pk, ready.pk + 1000):
            background.advance(pk, should_stop=lambda: False)
            background.help_out(pk, should_stop=lambda: False)

    assert (AuditLog.objects.count(), bell.messages()) == (rows, [])


def test_a_turn_that_is_stopped_calls_for_the_next_one(ready, bell):
    with bell.committing():
        background.start(ready.pk, actor=SYSTEM)
    bell.forget()

    with bell.committing():
        background.advance(ready.pk, should_stop=lambda: True)

    session = ImportSession.objects.get(pk=ready.pk)
    assert (session.state, session.runner, bell.count()) == ("expanding", "", 1)


def test_a_paused_session_is_not_advanced_until_it_is_resumed(ready, bell):
    background.start(ready.pk, actor=SYSTEM)
    ImportSession.objects.filter(pk=ready.pk).update(paused_at=timezone.now())

    background.advance(ready.pk, should_stop=lambda: False)
    assert ImportSession.objects.get(pk=ready.pk).state == "expanding"

    with bell.committing():
        background.resume(ready.pk, actor=SYSTEM)
    assert bell.count() == 1


def test_a_session_that_cannot_go_on_is_in_error_and_is_resumed_when_the_cause_is_gone(
    ready, inbox, bell
):
    background.start(ready.pk, actor=SYSTEM)
    inbox.rename(inbox.with_name("elsewhere"))
    with bell.committing():
        background.advance(ready.pk, should_stop=lambda: False)

    broken = ImportSession.objects.get(pk=ready.pk)
    assert (broken.state, broken.error_code, bell.count()) == ("error", "source_missing", 0)

    inbox.with_name("elsewhere").rename(inbox)
    with bell.committing():
        background.resume(ready.pk, actor=SYSTEM)
        background.advance(ready.pk, should_stop=lambda: False)
    assert ImportSession.objects.get(pk=ready.pk).state == "imported"


def test_only_the_first_worker_that_meets_a_problem_breaks_the_session_off(ready, inbox):
    background.start(ready.pk, actor=SYSTEM)
    inbox.rename(inbox.with_name("elsewhere"))

    for _ in range(2):
        background._take_turn(ready.pk, lambda: False, lambda *_: None)

    assert AuditLog.objects.filter(action="session.break_off").count() == 1
    assert not AuditLog.objects.filter(action="refused.break_off").exists()


def test_a_worker_helps_where_another_one_runs_the_session(ready, bell):
    background.start(ready.pk, actor=SYSTEM)
    ImportSession.objects.filter(pk=ready.pk).update(
        runner="elsewhere:1:1", runner_lease_until=timezone.now() + timedelta(minutes=1)
    )
    make_item(ready, b"a.jpg")
    ImportSession.objects.filter(pk=ready.pk).update(
        walked_at=timezone.now(), planned_at=timezone.now()
    )

    with bell.committing():
        background.advance(ready.pk, should_stop=lambda: False)

    session = ImportSession.objects.get(pk=ready.pk)
    assert (session.state, session.runner, bell.count()) == ("imported", "elsewhere:1:1", 0)
