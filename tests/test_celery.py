"""Celery is set up as the protocol needs it, and beat's rows are what the code says."""

import inspect
from datetime import timedelta

import pytest
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from local_import.services import background
from photonest import celery_app, queue


def own_tasks():
    celery_app.loader.import_default_modules()
    return {name: task for name, task in celery_app.tasks.items() if not name.startswith("celery.")}


def test_a_task_takes_the_id_of_a_row_at_most():
    tasks = own_tasks()

    assert set(tasks) == {
        "local_import.advance_session",
        "local_import.help_session",
        "local_import.carry_out",
        "local_import.sweep",
        "local_import.check_rows",
        "local_import.check_files",
        "local_import.check_contents",
        "local_import.purge_audit_log",
        "local_import.evaluate_alerts",
        "local_import.fold_metrics",
    }
    for task in tasks.values():
        assert set(inspect.signature(task.run).parameters) <= {"session_id", "run_id"}


def test_a_turn_ends_before_its_task_is_ended_and_before_its_message_comes_again():
    conf = celery_app.conf
    redis = queue.transport_options("redis://host", None, longest_task_s=conf.task_time_limit)

    assert background.TURN_S < conf.task_soft_time_limit < conf.task_time_limit
    assert redis["visibility_timeout"] >= 2 * conf.task_time_limit


def test_a_message_outlives_its_worker_and_holds_no_code():
    conf = celery_app.conf

    assert conf.task_acks_late and conf.task_reject_on_worker_lost
    assert not conf.task_acks_on_timeout
    assert conf.worker_prefetch_multiplier == 1
    assert (conf.accept_content, conf.task_serializer) == (["json"], "json")
    assert conf.task_ignore_result


def test_what_looks_after_the_imports_does_not_wait_behind_them_and_expires_before_its_next_time():
    for entry in celery_app.conf.beat_schedule.values():
        schedule = entry["schedule"]
        period_s = schedule if isinstance(schedule, float) else 24 * 3600
        assert celery_app.conf.task_routes[entry["task"]] == {"queue": "sweeps"}
        assert 0.9 * period_s < entry["options"]["expire_seconds"] < period_s


@pytest.mark.django_db(transaction=True)  # the scheduler closes the connection between its rounds
def test_the_rows_of_beat_are_the_schedule_of_the_code_and_the_switch_is_the_admins():
    scheduler = DatabaseScheduler(app=celery_app)
    scheduler.setup_schedule()
    row = PeriodicTask.objects.get(name="sweep")
    row.interval.every, row.interval.period = 7, "days"
    row.interval.save()
    row.enabled = False
    row.save()

    scheduler.setup_schedule()

    row = PeriodicTask.objects.get(name="sweep")
    entry = celery_app.conf.beat_schedule["sweep"]
    assert (row.name, row.task) == ("sweep", entry["task"])
    assert row.interval.schedule.run_every == timedelta(seconds=entry["schedule"])
    assert row.expire_seconds == entry["options"]["expire_seconds"]
    assert not row.enabled
