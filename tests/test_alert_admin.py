"""The admin shows alerts and what became of telling; only what a rule may set can be set, and is audited."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from local_import.alerts import evaluate, outbox, rules
from local_import.models import Alert, AlertNotice, AlertRule, AuditLog
from tests.alerts import Stage

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def firing(monkeypatch, settings):
    """An alert with a hostile name that fires, and was told by e-mail."""
    settings.PHOTONEST_ALERT_EMAILS = ["ada@example.org"]
    Stage(monkeypatch).see(HOSTILE)
    outbox.deliver()
    monkeypatch.undo()
    Alert.objects.update(
        rule=AlertRule.objects.get_or_create(code="no_worker", defaults=numbers())[0]
    )
    assert HOSTILE in mail.outbox[0].subject
    return Alert.objects.get()


def numbers():
    return {name: getattr(rules.SIGNALS["no_worker"], name) for name in rules.NUMBERS}


def page(name, kind="changelist", *arguments):
    return reverse(f"admin:local_import_{name}_{kind}", args=arguments)


def signed_in(client, *codes):
    user = User.objects.create_user("somebody", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client.force_login(user)
    return client


@pytest.mark.parametrize("name", ["alert", "alertrule", "alertnotice"])
def test_every_list_and_row_is_shown_and_escaped(admin_client, firing, name):
    rows = {"alert": firing.pk, "alertrule": firing.rule_id}
    pk = rows.get(name) or AlertNotice.objects.get().pk

    for address in (page(name), page(name, "change", pk)):
        answer = admin_client.get(address)
        assert answer.status_code == 200
        assert HOSTILE not in answer.content.decode()
    for refused in (page(name, "add"), page(name, "delete", pk)):
        assert admin_client.post(refused, {"post": "yes"}).status_code == 403


def acknowledge(client, alert):
    data = {"action": "acknowledge", "_selected_action": [alert.pk]}
    return client.post(page("alert"), data, follow=True)


def test_an_operator_acknowledges_and_a_viewer_may_not(client, firing):
    acknowledge(signed_in(client, "view_alert"), firing)
    assert Alert.objects.get().state == "firing"
    User.objects.all().delete()

    signed_in(client, "view_alert", "operate_import")
    assert "1 alert acknowledged." in acknowledge(client, firing).content.decode()
    answer = acknowledge(client, firing)

    assert (Alert.objects.get().state, Alert.objects.get().acknowledged_by) == (
        "acknowledged",
        "somebody",
    )
    assert answer.status_code == 200


def settings_of(rule, **values):
    known = {name: getattr(rule, name) for name in ("enabled", *rules.NUMBERS)}
    moment = values.pop("muted_until", None)
    date, clock = (f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}") if moment else ("", "")
    known |= {"muted_until_0": date, "muted_until_1": clock, "muted_reason": ""}
    return {name: value for name, value in (known | values).items() if value is not False}


@pytest.fixture
def rule(db):
    evaluate.evaluate()
    return AlertRule.objects.get(code="failure_rate")


def test_a_maintainer_sets_a_threshold_and_it_is_audited(client, rule):
    signed_in(client, "view_alertrule", "maintain_import")

    client.post(page("alertrule", "change", rule.pk), settings_of(rule, threshold=0.25))

    assert AlertRule.objects.get(pk=rule.pk).threshold == 0.25
    row = AuditLog.objects.get(action="alert_rule.change")
    assert (row.actor, row.details["after"]) == ("somebody", {"threshold": 0.25})


def test_who_may_only_see_cannot_set(client, rule):
    signed_in(client, "view_alertrule", "operate_import")

    answer = client.post(page("alertrule", "change", rule.pk), settings_of(rule, threshold=0.25))

    assert answer.status_code == 403
    assert AlertRule.objects.get(pk=rule.pk).threshold == 0.1


def test_a_rule_is_muted_for_a_reason_only(admin_client, rule):
    address, until = page("alertrule", "change", rule.pk), timezone.now() + timedelta(days=1)

    answer = admin_client.post(address, settings_of(rule, muted_until=until))
    assert "for a reason" in answer.content.decode()
    admin_client.post(address, settings_of(rule, muted_until=until, muted_reason="A move."))

    muted = AlertRule.objects.get(pk=rule.pk)
    assert (muted.muted_by, muted.muted_reason) == ("admin", "A move.")
    assert muted.is_muted(timezone.now())


@pytest.mark.parametrize(
    "wrong", [{"threshold": -1}, {"window_minutes": 0}, {"window_minutes": 99999}]
)
def test_what_would_make_a_rule_blind_is_refused(admin_client, rule, wrong):
    answer = admin_client.post(page("alertrule", "change", rule.pk), settings_of(rule, **wrong))

    assert answer.status_code == 200 and "errorlist" in answer.content.decode()
    assert not AuditLog.objects.filter(action="alert_rule.change").exists()
    with pytest.raises(ValueError, match=r"\."):
        rules.change(rule.code, wrong, actor=evaluate.book.SYSTEM)
