"""Failures with one cause in one place are one incident, which says by itself when it is over."""

import json
import os
import re
import threading
from functools import partial

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django_fsm import TransitionNotAllowed

from local_import import door, incidents, operations
from local_import.audit_logger import SYSTEM, Actor
from local_import.door import Each, StaleRows, Step
from local_import.errors import CATALOGUE, ErrorCode, ImportProblem
from local_import.incidents import note_failures
from local_import.models import AuditLog, ImportItem, ImportSession, Incident
from local_import.pipeline.desk import open_desk
from local_import.pipeline.run import break_off, walk
from local_import.pipeline.worker import work_through
from local_import.services import sessions, sweeper
from local_import.state_machine import declared
from local_import.state_synchronizer import StateSynchronizer
from local_import.transactions import in_transaction
from local_import.wording import describe
from tests.builders import make_item, make_session, step
from tests.photos import jpeg

OPERATOR = Actor("operator")
pytestmark = pytest.mark.django_db


def failure(code, path="", **evidence):
    facts = {"path": path} if path else {}
    return describe(ErrorCode(code), facts | evidence).as_failure()


def fail(item, code="permission_denied", path="/inbox/2019/a.jpg", **evidence):
    values = {"error_code": code, "failure": failure(code, path, **evidence)}
    return door.move(ImportItem, item.pk, Step("fail", "It failed.", values))


def fail_many(session, paths, code="permission_denied"):
    """Fail new items by the door for many rows, each with a failure of its own."""
    made = [make_item(session, os.fsencode(path)) for path in paths]
    rows = [(i.pk, failure(code, p), f"{p} failed.") for i, p in zip(made, paths, strict=True)]
    door.move_many(
        [Step("fail", Each("reason"), {"error_code": code, "failure": Each("failure")})],
        [item.pk for item in made],
        from_state="pending",
        session_id=session.pk,
        actor=SYSTEM,
        columns=("id", "failure", "reason"),
        rows=rows,
    )
    return made


def reload(row):
    return type(row)._base_manager.get(pk=row.pk)


def import_item(item):
    """Walk the item to `imported` by the builder's own steps."""
    for name in ("claim", "compare", "plan", "publish", "finish"):
        item = door.move(ImportItem, item.pk, step(item, name))
    return item


def import_all(session):
    """Import in this process: no workers are forked, so that the test's transaction is theirs."""
    door.move(ImportSession, session.pk, Step("start", "Started by the test."))
    with open_desk(session) as desk:
        walk(desk, SYSTEM, lambda: False)
        work_through(desk, SYSTEM, lambda: False)
    StateSynchronizer().sync_session_with_items(session.pk)


def test_failures_of_one_cause_in_one_directory_are_one_incident_of_many_sessions():
    sessions = [make_session("importing"), make_session("importing", b"/card")]
    for number, session in enumerate(sessions):
        fail_many(session, [f"/inbox/2019/{number}-{n}.jpg" for n in range(3)])

    incident = Incident.objects.get()

    assert (incident.code, incident.place, incident.count) == (
        "permission_denied",
        "/inbox/2019",
        6,
    )
    assert set(incident.sessions.all()) == set(sessions)
    assert incident.items.count() == 6
    assert incident.first_seen_at < incident.last_seen_at
    assert re.fullmatch(r"v1:[0-9a-f]{32}", incident.fingerprint)


def test_each_file_of_an_incident_keeps_its_own_failure_and_reason():
    made = fail_many(make_session(), ["/inbox/a.jpg", "/inbox/b.jpg"])

    for item, path in zip(made, ("/inbox/a.jpg", "/inbox/b.jpg"), strict=True):
        assert reload(item).failure["evidence"]["path"] == path
        assert item.audit_rows.get(action="item.fail").message == f"{path} failed."


@pytest.mark.parametrize(
    "other",
    [
        {"code": "io_error"},
        {"path": "/inbox/2020/a.jpg"},
        {"mount": "/mnt/card"},
    ],
    ids=["cause", "directory", "mount"],
)
def test_another_cause_or_place_is_another_incident(other):
    session = make_session()

    fail(make_item(session, b"a.jpg"))
    fail(make_item(session, b"b.jpg"), **other)

    assert Incident.objects.count() == 2


def test_files_below_one_directory_that_refuses_are_one_incident():
    session = make_session()

    fail(make_item(session, b"a.jpg"), path="/inbox/1/a.jpg", obstacle="/inbox")
    fail(make_item(session, b"b.jpg"), path="/inbox/2/b.jpg", obstacle="/inbox")
    fail(make_item(session, b"c.jpg"), path="/inbox/3/c.jpg", obstacle="/inbox/3/c.jpg")

    assert set(Incident.objects.values_list("place", "count")) == {("/inbox", 2), ("/inbox/3", 1)}


def test_a_disk_that_two_sessions_find_full_is_one_incident_of_both():
    full = ImportProblem(ErrorCode.DISK_FULL, path=b"/library", detail="1 byte is free")
    broken = [make_session("importing"), make_session("importing", b"/card")]
    for session in broken:
        break_off(session.pk, full, SYSTEM)

    incident = Incident.objects.get()

    assert incident.count == 2
    assert "/library".startswith(incident.place)  # the library, or the disk it is on
    assert {reload(session).incident_id for session in broken} == {incident.pk}


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_has_a_fingerprint_even_without_any_evidence(code):
    item = fail(make_item(), code.value, path="")

    assert item.incident.code == code
    assert item.incident.title


def test_unknown_errors_are_told_apart_by_their_wording_but_not_by_names_and_numbers():
    session = make_session()
    details = ["KeyError: 'a'", "KeyError: 'b'", "ValueError: 7 of 9", "ValueError: 8 of 12"]
    for number, detail in enumerate(details):
        fail(make_item(session, b"%d" % number), "unknown", detail=detail)

    assert sorted(Incident.objects.values_list("count", flat=True)) == [2, 2]


@pytest.mark.parametrize("evidence", [None, "text", [1], {"path": None}, {"path": 7}, {"path": {}}])
def test_evidence_of_any_shape_has_a_place(evidence):
    odd = {"code": "damaged", "evidence": evidence}

    item = door.move(
        ImportItem, make_item().pk, Step("fail", "Odd.", {"error_code": "damaged", "failure": odd})
    )

    assert item.incident.place


HOSTILE_FAILURES = [
    {"code": "x" * 5000, "evidence": {"path": "/a/b"}},
    {"code": "a\0b", "evidence": {"path": "/a\0/b", "detail": "\ud800"}},
    {"summary": "x" * 1_000_000},
    {"evidence": {"path": "/" + "x" * 100_000 + "/y"}},
    {"code": None},
    ["no", "mapping"],
    "text",
]


@pytest.mark.parametrize("odd", HOSTILE_FAILURES, ids=range(len(HOSTILE_FAILURES)))
def test_whatever_a_failure_holds_has_an_incident_that_can_be_told_of(odd, capsys):
    session = make_session("importing")
    note_failures(ImportItem, "fail", {}, [odd], session_id=session.pk, actor=SYSTEM)

    call_command("explain", f"incident:{Incident.objects.get().pk}")
    assert all(line.isprintable() for line in capsys.readouterr().out.splitlines())


def failing_ways():
    return [
        (model, source, name)
        for model, names in ((ImportItem, ("fail", "lose")), (ImportSession, ("break_off",)))
        for (source, _), name in declared(model).items()
        if name in names
    ]


@pytest.mark.parametrize(("model", "source", "name"), failing_ways())
def test_there_is_no_way_to_fail_without_an_incident(model, source, name):
    row = make_item(state=source) if model is ImportItem else make_session(source)

    failed = door.move(model, row.pk, step(row, name))

    assert failed.incident is not None
    assert failed.incident.count >= 1


@pytest.mark.parametrize(
    ("state", "name"),
    [
        (state, name)
        for (state, _), name in declared(ImportItem).items()
        if state in ("failed", "missing")
    ],
)
def test_whatever_leaves_a_failure_leaves_its_incident(state, name):
    item = make_item(state=state)
    assert item.incident_id is not None

    assert door.move(ImportItem, item.pk, step(item, name)).incident_id is None


@pytest.mark.django_db(transaction=True)
def test_workers_that_meet_one_new_cause_at_the_same_time_make_one_incident_and_miscount_nothing():
    workers, each = 4, 25
    sessions = [make_session(source=b"/card/%d" % n) for n in range(workers)]
    failures, begin = [], threading.Barrier(workers)

    def work(session):
        try:
            begin.wait(10)
            for n in range(each):
                paths = [f"/{place}/{n}.jpg" for place in ("b", "a", "c")]
                in_transaction(partial(fail_many, session, [f"{p}{session.pk}" for p in paths]))
                incidents.resolve_over()
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert failures == []
    assert set(Incident.objects.values_list("place", "count", "state")) == {
        (place, workers * each, "open") for place in ("/a", "/b", "/c")
    }
    assert AuditLog.objects.filter(action="incident.open").count() == 3


def test_a_failure_of_another_importer_without_a_diagnosis_has_its_incident():
    item = StateSynchronizer().transition_item(
        make_item(state="analyzing").pk, "failed", "No.", error_code="damaged"
    )

    assert item.incident.code == "damaged"


def test_a_refused_failure_leaves_no_trace_in_the_book():
    item = make_item(make_session("canceled"), state="imported")
    book = list(Incident.objects.values())

    with pytest.raises(TransitionNotAllowed):
        door.move(ImportSession, item.session_id, Step("break_off", "No."))
    with pytest.raises(StaleRows), transaction.atomic():
        door.move_many(
            [Step("fail", "No.", {"error_code": "damaged"})],
            [item.pk],
            from_state="pending",
            session_id=item.session_id,
            actor=SYSTEM,
        )

    assert list(Incident.objects.values()) == book
    assert AuditLog.objects.filter(action__startswith="incident.").count() == len(book)


def test_the_count_is_what_the_audit_log_tells():
    session = make_session("importing")
    fail_many(session, [f"/inbox/{n}.jpg" for n in range(5)])
    for item in ImportItem.objects.all()[:2]:
        operations.carry_out("retry", f"item:{item.pk}", actor=OPERATOR, reason="Again.")
        fail(item, path="/inbox/x.jpg")
    fail_many(session, [f"/inbox/deep/{n}.jpg" for n in range(4)])

    told = AuditLog.objects.filter(action="item.fail").count()

    assert sum(Incident.objects.values_list("count", flat=True)) == told == 11


def test_four_thousand_failures_cost_as_many_statements_as_four():
    few, many = (
        cost_of_failing(make_session(), [f"/inbox/{number}/{n}.jpg" for n in range(number)])
        for number in (4, 4000)
    )

    assert many - few <= 4  # a statement takes so many parameters
    assert few <= 12


def test_failures_in_many_places_cost_no_more_statements_than_in_few():
    few, many = (
        cost_of_failing(make_session(), [f"/inbox/{number}/{n}/x.jpg" for n in range(number)])
        for number in (2, 200)
    )

    assert few == many
    assert Incident.objects.count() == 202


def cost_of_failing(session, paths):
    made = ImportItem.objects.bulk_create(
        ImportItem(session=session, path=p.encode(), path_digest=str(n), shown_path=p)
        for n, p in enumerate(paths)
    )
    with CaptureQueriesContext(connection) as seen:
        door.move_many(
            [Step("fail", Each("reason"), {"error_code": "damaged", "failure": Each("failure")})],
            [item.pk for item in made],
            from_state="pending",
            session_id=session.pk,
            actor=SYSTEM,
            columns=("id", "failure", "reason"),
            rows=[(i.pk, failure("damaged", i.shown_path), "No.") for i in made],
        )
    return len(seen)


def test_an_incident_is_resolved_only_when_its_last_file_is_imported():
    item = fail(make_item(make_session("importing")))
    incident = item.incident

    operations.carry_out("retry", f"item:{item.pk}", actor=OPERATOR, reason="Mended.")
    assert reload(incident).state == "open"  # nothing is proven yet
    import_item(reload(item))
    StateSynchronizer().sync_session_with_items(item.session_id)

    incident = reload(incident)
    assert (incident.state, reload(item).incident_id) == ("resolved", None)
    assert incident.resolved_at is not None
    assert AuditLog.objects.filter(action="incident.resolve").count() == 1


def test_an_incident_whose_files_are_dismissed_is_resolved():
    item = fail(make_item(make_session("importing")))

    operations.carry_out("dismiss", f"item:{item.pk}", actor=OPERATOR, reason="No photo.")

    assert reload(item.incident).state == "resolved"


def test_an_incident_that_was_resolved_and_is_seen_again_is_back_again():
    session = make_session()
    first = fail(make_item(session, b"a.jpg"))
    operations.carry_out("dismiss", f"item:{first.pk}", actor=OPERATOR, reason="No photo.")

    again = fail(make_item(session, b"b.jpg"))

    incident = again.incident
    assert incident.pk == first.incident_id
    assert (incident.state, incident.resolved_at, incident.count) == ("back_again", None, 2)
    assert AuditLog.objects.filter(action="incident.return").count() == 1


def test_acknowledging_keeps_who_and_why_until_it_comes_back():
    session = make_session()
    incident = fail(make_item(session, b"a.jpg")).incident

    incidents.acknowledge(incident.pk, actor=OPERATOR, reason="A new disk is ordered.")
    fail(make_item(session, b"b.jpg"))

    incident = reload(incident)
    assert (incident.state, incident.count) == ("acknowledged", 2)
    assert (incident.acknowledged_by, incident.acknowledged_reason) == (
        "operator",
        "A new disk is ordered.",
    )
    row = AuditLog.objects.get(action="incident.acknowledge")
    assert (row.actor, row.message) == ("operator", "A new disk is ordered.")


def test_a_canceled_session_keeps_no_incident_open():
    item = fail(make_item(make_session("importing")))
    operations.carry_out("retry", f"item:{item.pk}", actor=OPERATOR, reason="Again.")
    door.move(ImportSession, item.session_id, Step("cancel", "No more."))

    assert incidents.resolve_over() == 1


def test_a_sweep_resolves_what_no_synchronisation_saw():
    item = fail(make_item())
    door.move(ImportItem, item.pk, Step("dismiss", "No photo."))

    assert sweeper.sweep()["incidents_resolved"] == 1
    assert "incidents_resolved" not in sweeper.sweep()


def test_the_record_tells_how_trying_again_went():
    session = make_session("importing")
    made = [fail(make_item(session, b"%d.jpg" % n), path=f"/inbox/{n}.jpg") for n in range(5)]
    for item in made[:4]:
        operations.carry_out("retry", f"item:{item.pk}", actor=OPERATOR, reason="Mended.")
    for item in made[:2]:
        import_item(reload(item))
    fail(made[2], path="/inbox/2.jpg")
    fail(made[3], "io_error", path="/inbox/3.jpg")

    record = incidents.record_after("permission_denied")

    assert (record.imported, record.failed_again, record.otherwise) == (2, 1, 1)
    assert record.ended == 4
    assert incidents.record_after("permission_denied", incident_id=made[0].incident_id) == record
    assert incidents.record_after("damaged").ended == 0
    other = fail(make_item(session, b"o.jpg"), "damaged", path="/inbox/o.jpg")
    known = [made[0].incident_id, other.incident_id]
    assert incidents.records_of(known) == {made[0].incident_id: record}
    assert incidents.records_of([]) == {}


def test_a_file_that_is_undone_and_imported_again_counts_for_no_advice():
    item = import_item(make_item())
    door.move(ImportItem, item.pk, Step("restore_source", "Undone."))
    door.move(ImportItem, item.pk, Step("requeue", "After all."))

    assert reload(item).retried_after_id is None


def test_forty_unreadable_files_of_an_import_are_one_incident(inbox, library):
    (inbox / "2019").mkdir()
    for number in range(40):
        (inbox / "2019" / f"{number}.jpg").write_bytes(jpeg(number)[:200])
    (inbox / "good.jpg").write_bytes(jpeg(99))

    import_all(sessions.create(os.fsencode(inbox)))

    incident = Incident.objects.get()
    assert (incident.code, incident.count) == ("damaged", 40)
    assert incident.place == str(inbox / "2019")
    assert incident.items.count() == 40
    diagnosed = AuditLog.objects.filter(action="item.diagnose")
    assert diagnosed.count() == len(set(diagnosed.values_list("message", flat=True))) == 40


def test_the_catalogue_and_the_fingerprint_agree_on_categories():
    for code, entry in CATALOGUE.items():
        place = incidents.place_of(failure(code, "/inbox/a.jpg"), session_id=1, of_session=False)
        everywhere = entry.category in ("database", "network")
        assert place == ("" if everywhere else "/inbox")


# What an operator does


def test_a_retry_of_an_incident_offers_its_files_in_every_session_and_no_others():
    session, other = make_session("importing"), make_session("importing", b"/card")
    fail_many(session, ["/inbox/a/1.jpg", "/inbox/a/2.jpg"])
    fail_many(other, ["/inbox/a/3.jpg"])
    kept = fail(make_item(session, b"kept.jpg"), path="/inbox/b/kept.jpg")
    incident = Incident.objects.get(place="/inbox/a")

    done = operations.carry_out(
        "retry", f"incident:{incident.pk}", actor=OPERATOR, reason="Mended."
    )

    assert (done.state, done.done, done.refused) == ("done", 3, 0)
    assert reload(kept).state == "failed"
    retried = ImportItem.objects.filter(retried_after=incident)
    assert set(retried.values_list("state", "incident")) == {("pending", None)}
    assert retried.count() == 3
    requeued = AuditLog.objects.filter(action="item.requeue")
    assert set(requeued.values_list("actor", "message")) == {("operator", "Mended.")}


def test_a_retry_of_an_incident_starts_the_session_again_that_it_brought_to_a_stop():
    session = make_session("importing")
    full = ImportProblem(ErrorCode.DISK_FULL, path=b"/library", detail="none is free")
    break_off(session.pk, full, SYSTEM)
    incident = reload(session).incident_id

    done = operations.carry_out(
        "retry", f"incident:{incident}", actor=OPERATOR, reason="There is room."
    )

    assert (done.state, done.done) == ("done", 0)
    assert (reload(session).state, reload(session).incident_id) == ("expanding", None)
    assert reload(session).rung_at is not None


def test_the_status_of_a_session_has_one_entry_for_all_files_of_a_cause(capsys):
    session = make_session("importing")
    fail_many(session, [f"/inbox/a/{n}.jpg" for n in range(50)])

    call_command("import_status", session.pk)

    printed = capsys.readouterr().out
    assert printed.count("✖") == 1
    assert "50 files fail alike" in printed
    assert f"import_retry --incident {Incident.objects.get().pk}" in printed


def test_a_session_that_refuses_the_retry_of_an_incident_keeps_no_other_from_it():
    canceled, session = make_session("importing"), make_session("importing", b"/card")
    for one in (canceled, session):
        fail_many(one, ["/inbox/a/1.jpg"])
    door.move(ImportSession, canceled.pk, Step("cancel", "No."))
    incident = Incident.objects.get()

    done = operations.carry_out(
        "retry", f"incident:{incident.pk}", actor=OPERATOR, reason="Mended."
    )

    assert (done.state, done.done, done.refused) == ("done", 1, 1)
    assert f"Session {canceled.pk} is canceled" in done.refusals[0]["why"]
    assert not canceled.items.exclude(state="failed").exists()
    assert not session.items.filter(state="failed").exists()


def test_trying_a_code_again_leaves_other_codes_alone():
    session = make_session("importing")
    fail(make_item(session, b"a.jpg"))
    kept = fail(make_item(session, b"b.jpg"), "io_error")

    target = f"session:{session.pk}:permission_denied"
    assert operations.carry_out("retry", target, actor=OPERATOR, reason="x").done == 1
    assert reload(kept).state == "failed"


def test_the_commands_list_acknowledge_and_retry_incidents(capsys):
    session = make_session("importing")
    fail_many(session, ["/inbox/a/1.jpg", "/inbox/a/2.jpg"])
    incident = Incident.objects.get()

    status, (listed,) = run(capsys, "import_incidents", json=True)
    assert (status, listed["files"], listed["seen"], listed["sessions"]) == (1, 2, 2, [session.pk])
    status, (listed,) = run(
        capsys, "import_incidents", acknowledge=incident.pk, reason="On it.", json=True
    )
    assert (status, listed["state"], listed["acknowledged_reason"]) == (1, "acknowledged", "On it.")
    status, done = run(capsys, "import_retry", incident=incident.pk, json=True)
    assert (status, done["retried"], done["sessions"]) == (0, 2, [session.pk])
    for item in ImportItem.objects.all():
        import_item(item)
    incidents.resolve_over()
    assert run(capsys, "import_incidents", json=True) == (0, [])
    status, (listed,) = run(capsys, "import_incidents", all=True, json=True)
    assert (status, listed["state"]) == (0, "resolved")


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("import_retry", {"incident": 7}),
        ("import_retry", {}),
        ("import_retry", {"incident": 7, "session": 7}),
        ("import_retry", {"incident": 7, "code": "damaged"}),
        ("import_incidents", {"acknowledge": 7, "reason": "x"}),
        ("import_incidents", {"acknowledge": 7}),
        ("import_incidents", {"reason": "x"}),
    ],
)
def test_wrong_use_ends_with_2_and_says_why(capsys, command, options):
    session = options.pop("session", None)
    with pytest.raises(SystemExit) as ended:
        call_command(command, *([session] if session else []), **options)

    assert (ended.value.code, capsys.readouterr().out) == (2, "")


def run(capsys, command, **options):
    """The exit status of a command, and its JSON."""
    status = 0
    try:
        call_command(command, **options)
    except SystemExit as end:
        status = end.code
    return status, json.loads(capsys.readouterr().out)
