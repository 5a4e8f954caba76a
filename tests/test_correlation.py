"""What belongs together carries one id in the audit log: a command, an operation, a task."""

import threading

import pytest
from django.core.management import call_command

from local_import import correlation, doorbell, operations, tasks
from local_import.audit_logger import Actor
from local_import.correlation import correlated
from local_import.models import AuditLog, ImportItem
from local_import.operations import runs
from tests.builders import make_item, make_session
from tests.photos import jpeg

OLGA = Actor("olga")


def requests(**chosen):
    return set(AuditLog.objects.filter(**chosen).values_list("request_id", flat=True))


def test_the_innermost_counts_and_nothing_is_left_behind():
    with correlated(request_id="page-1", task_id="t1"):
        with pytest.raises(ZeroDivisionError), correlated(request_id="operation-1"):
            assert correlation.current() == ("operation-1", "t1")
            raise ZeroDivisionError
        assert correlation.current() == ("page-1", "t1")
    assert correlation.current() == ("", "")


def test_what_others_do_meanwhile_is_not_of_it():
    seen = []
    with correlated(request_id="page-1"):
        other = threading.Thread(target=lambda: seen.append(correlation.current()))
        other.start()
        other.join()

    assert seen == [("", "")]


@pytest.mark.django_db(transaction=True)
def test_all_that_a_command_and_its_workers_write_is_one_request(inbox, library):
    for round_ in range(2):
        for number in range(8):
            (inbox / f"{round_}-{number}.jpg").write_bytes(jpeg(100 * round_ + number))
        call_command("import_photos", str(inbox), "--workers", "2", "--json")

    first, second = (requests(session=pk) for pk in _sessions())
    assert len(first) == len(second) == 1
    assert first != second
    assert all(one.startswith("command-") for one in first | second)


def _sessions():
    return sorted(set(AuditLog.objects.exclude(session=None).values_list("session", flat=True)))


@pytest.mark.django_db(transaction=True)
def test_an_operation_is_one_request_over_all_its_turns_which_are_tasks_of_their_own(monkeypatch):
    monkeypatch.setattr(doorbell.current_app, "send_task", lambda task, ids: None)
    monkeypatch.setattr(runs, "AT_ONCE", 0)
    monkeypatch.setattr(runs, "TURN_S", 0.0)
    monkeypatch.setattr(operations.files, "CHUNK", 2)
    session = make_session("importing")
    items = [make_item(session, b"%d.jpg" % number, "failed") for number in range(5)]
    target = "items:" + ",".join(str(item.pk) for item in items)
    with correlated(request_id="page-1"):
        run = operations.carry_out("retry", target, actor=OLGA, reason="It is mended.")

    turns = [f"task-{number}" for number in range(9)]
    for task_id in turns:
        tasks.carry_out.apply((run.pk,), task_id=task_id).get()

    assert ImportItem.objects.filter(state="pending").count() == 5
    assert requests(actor="olga") == {f"operation-{run.pk}"}
    retried = AuditLog.objects.filter(action="item.requeue").values_list("task_id", flat=True)
    assert 1 < len(set(retried)) <= len(turns)
    assert set(retried) <= set(turns)
