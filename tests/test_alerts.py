"""An alert says what is so: seen, told once for each cause, and over when it is over."""

import json
import random
import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from local_import import tasks
from local_import.alerts import book, evaluate, outbox, rules, tell
from local_import.audit_logger import Actor
from local_import.models import Alert, AlertNotice, AlertRule, AuditLog
from tests.alerts import Stage

pytestmark = pytest.mark.django_db
ADA = Actor("ada")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def stage(monkeypatch, settings):
    settings.PHOTONEST_ALERT_EMAILS = ["ada@example.org"]
    settings.PHOTONEST_ALERT_WEBHOOK = ""
    settings.PHOTONEST_ALERT_APPRISE = []
    return Stage(monkeypatch)


def alert(cause="a"):
    return Alert.objects.filter(cause=cause).latest("pk")


def events():
    return list(AlertNotice.objects.order_by("pk").values_list("event", flat=True))


def told():
    outbox.deliver()
    subjects = [message.subject for message in mail.outbox]
    mail.outbox.clear()
    return subjects


def actions():
    rows = AuditLog.objects.filter(action__startswith="alert").order_by("pk")
    return list(rows.values_list("action", flat=True))


def set_rule(**values):
    return rules.change("staged", values, actor=ADA)


def test_a_cause_fires_is_told_once_and_is_over_when_it_is_gone(stage):
    for _ in range(5):
        stage.see("a")
    assert alert().state == "firing"
    assert told() == ["[high] a is wrong."]

    stage.see()

    assert alert().state == "resolved"
    assert told() == ["[resolved] a is wrong."]
    assert Alert.objects.count() == 1


def test_every_change_is_in_the_audit_log(stage):
    stage.see("a")
    book.acknowledge(alert().pk, actor=ADA, reason="I am on it.")
    stage.see()
    told()

    changes = ["alert.open", "alert.fire", "alert.acknowledge", "alert.resolve"]
    assert [action for action in actions() if action.startswith("alert.")] == changes
    row = AuditLog.objects.get(action="alert.acknowledge")
    assert (row.actor, row.details["reason"]) == ("ada", "I am on it.")
    assert actions().count("alert_notice.deliver") == 2


def test_causes_are_told_apart_and_each_is_told_once(stage):
    stage.see("a", "b")
    stage.see("a", "b", "c")

    assert sorted(told()) == ["[high] a is wrong.", "[high] b is wrong.", "[high] c is wrong."]


def test_what_goes_away_before_it_has_lasted_is_told_to_nobody(stage):
    set_rule(pending_minutes=10)

    stage.see("a")
    stage.see("a", after=5 * MINUTE)
    assert alert().state == "pending"
    stage.see()

    assert alert().state == "resolved"
    assert told() == []


def test_what_lasts_fires_after_its_time(stage):
    set_rule(pending_minutes=10)

    stage.see("a")
    stage.see("a", after=10 * MINUTE)

    assert alert().state == "firing"
    assert told() == ["[high] a is wrong."]


def test_what_comes_and_goes_is_told_once_in_its_cool_down(stage):
    set_rule(cooldown_minutes=60)
    stage.see("a")
    for _ in range(5):
        stage.see()
        stage.see("a")

    assert [subject for subject in told() if "high" in subject] == ["[high] a is wrong."]
    assert alert().state == "firing"  # it is shown all the same


def test_what_still_fires_after_the_cool_down_is_told_then(stage):
    set_rule(cooldown_minutes=60)
    stage.see("a")
    stage.see()
    stage.see("a")
    told()

    stage.see("a", after=61 * MINUTE)

    assert told() == ["[high] a is wrong."]


def test_who_was_never_told_of_it_does_not_hear_that_it_is_over(stage):
    rules.mute("staged", until=stage.now() + timedelta(hours=1), reason="Known.", actor=ADA)
    stage.see("a")
    stage.see()

    assert told() == []


def test_a_muted_rule_tells_when_the_mute_is_over_and_the_trouble_is_not(stage):
    rules.mute("staged", until=stage.now() + timedelta(hours=1), reason="Known.", actor=ADA)
    stage.see("a")
    assert (alert().state, told()) == ("firing", [])

    stage.see("a", after=timedelta(hours=2))

    assert told() == ["[high] a is wrong."]


def test_a_rule_that_is_unmuted_tells_at_once(stage):
    rules.mute("staged", until=stage.now() + timedelta(hours=1), reason="Known.", actor=ADA)
    stage.see("a")
    rules.unmute("staged", actor=ADA)
    stage.see("a")

    assert told() == ["[high] a is wrong."]
    assert "alert_rule.mute" in actions() and "alert_rule.unmute" in actions()


def test_where_there_is_no_channel_it_is_told_when_there_is_one(stage, settings):
    receivers, settings.PHOTONEST_ALERT_EMAILS = settings.PHOTONEST_ALERT_EMAILS, []
    stage.see("a")
    assert (alert().state, alert().notified_at, events()) == ("firing", None, [])

    settings.PHOTONEST_ALERT_EMAILS = receivers
    stage.see("a")

    assert told() == ["[high] a is wrong."]


def test_an_acknowledged_alert_is_quiet_until_it_is_over(stage):
    stage.see("a")
    told()
    book.acknowledge(alert().pk, actor=ADA, reason="I am on it.")
    book.acknowledge(alert().pk, actor=Actor("bob"), reason="Me too.")
    stage.see("a", after=timedelta(days=2))
    assert (alert().state, alert().acknowledged_by, told()) == ("acknowledged", "ada", [])

    stage.see()

    assert told() == ["[resolved] a is wrong."]


def test_what_comes_back_after_it_was_acknowledged_is_told_again(stage):
    stage.see("a")
    book.acknowledge(alert().pk, actor=ADA, reason="I am on it.")
    stage.see()
    told()

    stage.see("a", after=timedelta(days=1))

    assert told() == ["[high] a is wrong."]


@pytest.mark.parametrize("state", ["pending", "resolved", "unknown"])
def test_only_what_fires_can_be_acknowledged(stage, state):
    if state == "pending":
        set_rule(pending_minutes=10)
    stage.see("a")
    if state == "resolved":
        stage.see()
    number = 987654 if state == "unknown" else alert().pk
    before = actions()

    with pytest.raises(Alert.DoesNotExist):
        book.acknowledge(number, actor=ADA, reason="I am on it.")

    assert actions() == before


def test_a_rule_that_is_switched_off_has_no_alerts(stage):
    stage.see("a")
    set_rule(enabled=False)
    stage.see("a")

    assert alert().state == "resolved"


def test_a_rule_that_cannot_be_asked_changes_nothing_and_says_why(stage):
    stage.see("a")
    stage.causes = RuntimeError("the disk \x1b[31m is gone")
    stage.ahead += 10 * MINUTE

    assert evaluate.evaluate()["troubled"] == 1

    assert alert().state == "firing"
    overview = tell.overview()
    assert "the disk \\x1b[31m is gone" in overview["troubled"][0]["trouble"]
    assert overview["late"]
    stage.see("a")
    assert AlertRule.objects.get(code="staged").trouble == ""


def test_a_look_that_is_older_than_the_last_one_is_not_believed(stage):
    stage.see("a")
    rule = AlertRule.objects.get(code="staged")

    book.follow(rule.pk, stage.signal, [], rule.evaluated_at - MINUTE)

    assert alert().state == "firing"


def test_of_very_many_alerts_at_once_the_rest_is_told_by_its_number(stage):
    stage.see(*(f"cause {number}" for number in range(500)))

    subjects = told()

    assert len(subjects) == outbox.ONE_BY_ONE + 1
    assert "490 more alerts" in subjects[-1]
    assert Alert.objects.filter(state="firing", notified_at=None).count() == 0


def test_an_alert_and_its_notice_are_written_together_or_not_at_all(stage, monkeypatch):
    def fail(*_):
        raise RuntimeError("no")

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "put_fired", fail)
        assert stage.see("a")["troubled"] == 1
    assert not Alert.objects.exists() and not actions()

    stage.see("a")

    assert (alert().state, events()) == ("firing", ["fired"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "nonsense"},
        {"state": "resolved"},
        {"state": "pending"},
        {"state": "acknowledged"},
        {"fired_at": None},
    ],
)
def test_the_database_refuses_a_state_that_its_times_deny(stage, wrong):
    stage.see("a")

    with pytest.raises(IntegrityError), transaction.atomic():
        Alert.objects.update(**wrong)


def test_the_database_holds_one_open_alert_for_a_cause(stage):
    stage.see("a")
    row = alert()
    row.pk = None

    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
def test_two_that_evaluate_at_once_tell_once(stage):
    stage.causes, errors = ["a", "b"], []

    def work():
        try:
            for _ in range(5):
                evaluate.evaluate()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert errors == []
    assert events() == ["fired", "fired"]
    assert actions().count("alert.fire") == 2


def test_rules_are_made_with_what_their_signals_begin_with(db):
    evaluate.evaluate()

    for code, signal in rules.SIGNALS.items():
        rule = AlertRule.objects.get(code=code)
        assert rule.enabled and rule.evaluated_at and not rule.trouble
        assert all(getattr(rule, name) == getattr(signal, name) for name in rules.NUMBERS)


def test_what_is_set_of_a_rule_is_audited_and_nothing_else_is(stage):
    rules.all_rules()
    set_rule(threshold=5.0, window_minutes=0)
    set_rule(threshold=5.0)

    row = AuditLog.objects.get(action="alert_rule.change")
    assert (row.actor, row.details["before"]) == ("ada", {"threshold": 1.0})
    assert row.details["after"] == {"threshold": 5.0}


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_an_alert_says_what_was_seen_last_and_nothing_is_told_twice(stage, seed):
    chance = random.Random(seed)
    set_rule(cooldown_minutes=chance.choice([0, 5, 60]))
    for _ in range(25):
        happens = chance.choice(["see", "see", "see", "acknowledge", "mute", "unmute", "deliver"])
        if happens == "see":
            seen = {cause for cause in "abc" if chance.random() < 0.5}
            stage.see(*sorted(seen), after=chance.choice([1, 10, 100]) * MINUTE)
            assert set(Alert.objects.firing().values_list("cause", flat=True)) == seen
        elif happens == "acknowledge" and Alert.objects.filter(state="firing").exists():
            number = Alert.objects.filter(state="firing").first().pk
            book.acknowledge(number, actor=ADA, reason="I am on it.")
        elif happens == "mute":
            until = stage.now() + chance.choice([5, 50]) * MINUTE
            rules.mute("staged", until=until, reason="Known.", actor=ADA)
        elif happens == "unmute":
            rules.unmute("staged", actor=ADA)
        else:
            outbox.deliver()
    rules.unmute("staged", actor=ADA)
    for _ in range(2):
        stage.see("a", after=timedelta(hours=2))
        outbox.deliver()

    for row in Alert.objects.all():
        told = list(row.notices.order_by("pk").values_list("event", flat=True))
        assert told in ([], ["fired"], ["fired", "resolved"])
        assert (told != []) == (row.notified_at is not None)
        assert ("resolved" in told) == (row.notified_at is not None and row.state == "resolved")
    assert not AlertNotice.objects.exclude(state="delivered").exists()
    last = alert("a")
    assert last.state == "acknowledged" or (last.state, last.notified_at is None) == (
        "firing",
        False,
    )


def test_what_stands_for_long_is_not_written_anew_each_minute(stage, django_assert_max_num_queries):
    causes = [f"cause {number}" for number in range(50)]
    stage.see(*causes)
    before = alert("cause 7")

    with django_assert_max_num_queries(25):
        stage.see(*causes)

    after = alert("cause 7")
    assert after.last_seen_at > before.last_seen_at
    assert Alert.objects.count() == 50


def test_old_resolved_alerts_go_away_with_their_notices(stage):
    stage.see("a")
    stage.see()
    outbox.send_test()

    stage.see(after=timedelta(days=91))

    assert not Alert.objects.exists() and not AlertNotice.objects.exists()


def test_who_comes_by_evaluates_only_when_nobody_did(stage):
    evaluate.evaluate_if_late()
    stage.causes = ["a"]
    evaluate.evaluate_if_late()
    assert not Alert.objects.exists()

    stage.ahead += 4 * MINUTE
    evaluate.evaluate_if_late()

    assert alert().state == "firing"
    assert [message.subject for message in mail.outbox] == ["[high] a is wrong."]


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_ends_its_turn_asks_where_beat_does_not(stage, settings):
    stage.causes = ["a"]

    tasks.advance_session(987654)

    assert alert().state == "firing"
    assert [message.subject for message in mail.outbox] == ["[high] a is wrong."]


def run(capsys, *arguments, status=0):
    found = 0
    try:
        call_command("alerts", *arguments)
    except SystemExit as end:
        found = end.code
    assert found == status
    return capsys.readouterr()


def test_the_list_tells_people_and_programs_the_same(stage, capsys):
    stage.see("a", "b")
    text = run(capsys, "list", status=1).out
    rows = json.loads(run(capsys, "list", "--json", status=1).out)

    assert [row["cause"] for row in rows["alerts"]] == ["b", "a"]
    assert "a is wrong." in text and "→ Put a right." in text
    assert not rows["late"]


def test_the_list_does_not_pass_old_news_for_new(stage, capsys):
    stage.see()
    assert "Nothing is wrong" in run(capsys, "list").out

    stage.ahead += timedelta(hours=1)

    assert "Is beat running?" in run(capsys, "list").out


def test_an_alert_is_acknowledged_by_command_for_a_reason(stage, capsys):
    stage.see("a")
    number = str(alert().pk)

    run(capsys, "acknowledge", number, status=2)
    run(capsys, "acknowledge", "x", "--reason", "Why not.", status=2)
    run(capsys, "acknowledge", "9" * 30, "--reason", "Why not.", status=2)
    run(capsys, "acknowledge", number, "--reason", "I am on it.")

    assert alert().state == "acknowledged"


def test_a_rule_is_muted_by_command_for_a_reason(stage, capsys):
    run(capsys, "mute", "staged", status=2)
    run(capsys, "mute", "nonsense", "--reason", "x", status=2)
    shown = run(capsys, "mute", "staged", "--reason", "A move.", "--for", "2h", "--json").out
    assert json.loads(shown)["muted_reason"] == "A move."
    assert "A move." in run(capsys, "rules").out

    run(capsys, "unmute", "staged")

    assert "A move." not in run(capsys, "rules").out


def test_the_command_evaluates_and_delivers(stage, capsys):
    stage.causes = ["a"]

    done = json.loads(run(capsys, "evaluate", "--json").out)

    assert (done["firing"], done["delivered"]) == (1, 1)


def test_a_test_arrives_or_says_why_not(stage, capsys, settings):
    run(capsys, "test")
    assert "This is a test." in mail.outbox[0].subject

    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    (row,) = json.loads(run(capsys, "test", "--json", status=1).out)
    assert row["state"] == "given_up" and "Connection refused" in row["trouble"]

    settings.PHOTONEST_ALERT_EMAILS = []
    assert "PHOTONEST_ALERT_EMAILS" in run(capsys, "test", status=2).err
