"""The page of alerts: what stands, who sees to it, and the rules."""

import pytest

from local_import.alerts import rules
from local_import.models import Alert, AlertRule, AuditLog
from tests.pages.world import World

pytestmark = pytest.mark.django_db
PAGE = "/import/alerts/"


@pytest.fixture
def alert(db):
    return World().alert


def post(client, path, **values):
    return client.post(f"{PAGE}{path}", values, follow=True).content.decode()


def test_what_stands_is_shown_with_what_to_do_and_a_viewer_sees_its_kind(operator, viewer, alert):
    assert "Session 1 has failed." in operator.get(PAGE).content.decode()

    text = viewer.get(PAGE).content.decode()
    assert "session_failed" in text
    assert "Session 1 has failed." not in text


def test_without_an_alert_the_page_says_so(viewer):
    assert "No alert stands." in viewer.get(PAGE).content.decode()


def test_an_operator_sees_to_it_for_a_reason_and_that_is_recorded(operator, alert):
    post(operator, f"{alert.pk}/acknowledge/", reason="I ask the owner.")

    alert.refresh_from_db()
    assert (alert.state, alert.acknowledged_by) == ("acknowledged", "operator")
    assert AuditLog.objects.filter(action="alert.acknowledge").count() == 1


def test_without_a_reason_nothing_is_changed(operator, maintainer, alert):
    assert "Nothing was changed" in post(operator, f"{alert.pk}/acknowledge/", reason="  ")
    assert "Nothing was changed" in post(maintainer, "rules/no_worker/mute/", hours="2")

    assert Alert.objects.get().state == "firing"
    assert not AlertRule.objects.exclude(muted_until=None).exists()


@pytest.mark.parametrize("pk", ["999999", "9" * 30])
def test_an_alert_that_is_gone_is_told_so(operator, alert, pk):
    assert "does not fire any more" in post(operator, f"{pk}/acknowledge/", reason="Mine.")


def test_a_rule_is_muted_for_a_time_and_speaks_again(maintainer, alert):
    text = post(maintainer, "rules/no_worker/mute/", hours="2", reason="The host is moved.")
    assert "The host is moved." in text

    post(maintainer, "rules/no_worker/mute/", hours="0")

    assert AlertRule.objects.get(code="no_worker").muted_until is None
    assert AuditLog.objects.filter(action__startswith="alert_rule.").count() == 2


@pytest.mark.parametrize(
    ("code", "hours"),
    [("nothing", "1"), ("no_worker", "-1"), ("no_worker", "9999"), ("no_worker", "x")],
)
def test_a_rule_or_a_time_that_there_is_not_is_refused(maintainer, code, hours):
    answer = maintainer.post(f"{PAGE}rules/{code}/mute/", {"hours": hours, "reason": "Because."})

    assert answer.status_code == 404
    assert not AlertRule.objects.exclude(muted_until=None).exists()


def test_every_rule_is_listed(viewer):
    text = viewer.get(PAGE).content.decode()

    assert not [code for code in rules.SIGNALS if f">{code}<" not in text]


def test_the_page_asks_no_more_than_it_may(operator, alert, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        operator.get(PAGE)


def test_an_alert_is_told_in_the_language_of_who_reads_it(operator, alert):
    facts = {"session": 7, "files": 3, "codes": "damaged"}
    Alert.objects.filter(pk=alert.pk).update(evidence=facts)

    for page in (PAGE, "/import/"):
        text = operator.get(page, headers={"accept-language": "ja"}).content.decode()
        assert "セッション 7" in text, page
        assert "Session 1 has failed." not in text, page


@pytest.mark.parametrize(
    "evidence", [{}, {"session": 1}, {"files": None, "session": [], "codes": {}}]
)
def test_an_alert_whose_facts_are_not_there_is_told_as_it_was_stored(operator, alert, evidence):
    Alert.objects.filter(pk=alert.pk).update(evidence=evidence)

    assert operator.get(PAGE).status_code == 200
    if len(evidence) < 3:
        assert "Session 1 has failed." in operator.get(PAGE).content.decode()
