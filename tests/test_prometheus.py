"""Prometheus reads what it understands, and nobody reads it without a token or a role."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain

from local_import.alerts import evaluate
from local_import.metrics import Measure, Measurements, fold
from local_import.models import MetricBucket
from local_import.prometheus import Desk
from tests import builders
from tests.alerts import Stage
from tests.conftest import ROOT

pytestmark = pytest.mark.django_db
TOKEN = "0123456789abcdef0123"


def measure():
    measured = Measurements()
    measured.of(Measure.FILE, format="jpeg").add_all([100.0], size_bytes=10)
    measured.of(Measure.FILE, format="jpeg", code="damaged").add_all(
        [300.0], size_bytes=5, failed=True
    )
    measured.of(Measure.FINDING, code="media_missing").add(0.0)
    measured.write()


def samples(answer, parse=plain):
    text = answer.content.decode()
    return {
        (one.name, *sorted(one.labels.items())): one.value
        for family in parse(text)
        for one in family.samples
    }


@pytest.fixture
def token(settings):
    settings.PHOTONEST_METRICS_TOKEN = TOKEN
    return {"Authorization": f"Bearer {TOKEN}"}


def test_the_token_opens_it(client, token):
    measure()

    told = samples(client.get("/metrics", headers=token))

    jpeg = ("format", "jpeg")
    files = "photonest_import_files_total"
    assert told[files, ("code", ""), ("failed", "false"), jpeg] == 1
    assert told[files, ("code", "damaged"), ("failed", "true"), jpeg] == 1
    assert told["photonest_import_bytes_total", ("code", ""), jpeg] == 10
    assert told["photonest_import_step_seconds_sum", jpeg, ("step", "file")] == pytest.approx(0.4)
    assert told["photonest_import_step_seconds_count", jpeg, ("step", "file")] == 2
    assert told["photonest_findings_total", ("rule", "media_missing")] == 1
    assert told["photonest_workers",] == 0


def test_it_speaks_openmetrics_as_well(client, token):
    measure()
    headers = token | {"Accept": "application/openmetrics-text; version=1.0.0"}

    answer = client.get("/metrics", headers=headers)

    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert samples(answer, open_metrics) == samples(client.get("/metrics", headers=token))


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xff"],
)
def test_without_the_token_it_stays_closed(client, token, header):
    answer = client.get("/metrics", headers={"Authorization": header} if header else {})

    assert answer.status_code == 401
    assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert b"photonest" not in answer.content


def test_where_no_token_is_set_none_opens_it(client):
    for header in ("Bearer", "Bearer ", "Bearer None", "Bearer x"):
        assert client.get("/metrics", headers={"Authorization": header}).status_code == 401


def test_staff_may_read_it_and_others_who_are_signed_in_may_not(client, admin_client):
    client.force_login(User.objects.create_user("guest"))

    assert admin_client.get("/metrics").status_code == 200
    assert client.get("/metrics").status_code == 403


def test_a_wrong_token_is_not_made_good_by_a_session(admin_client, token):
    answer = admin_client.get("/metrics", headers={"Authorization": "Bearer wrong"})

    assert answer.status_code == 401


def test_it_is_only_read(client, token):
    assert client.post("/metrics", headers=token).status_code == 405


def test_counters_never_go_back_however_old_their_rows(client, token):
    measure()
    before = samples(client.get("/metrics", headers=token))
    for days in (3, 40, 500):
        MetricBucket.objects.update(at=timezone.now() - timedelta(days=days))
        fold()
        after = samples(client.get("/metrics", headers=token))
        counters = {key for key in before if key[0].endswith(("_total", "_sum", "_count"))}
        assert {key: after[key] for key in counters} == {key: before[key] for key in counters}


def test_alerts_that_stand_are_told(client, token, monkeypatch):
    Stage(monkeypatch).see("a", "b")
    monkeypatch.undo()

    told = samples(client.get("/metrics", headers=token))

    labels = (("rule", "staged"), ("severity", "high"), ("state", "firing"))
    assert told["photonest_alerts", *labels] == 2


def test_a_scrape_asks_as_often_for_many_rows_as_for_few(
    client, token, django_assert_max_num_queries
):
    for number in range(30):
        measure()
        builders.make_session(source=b"/inbox/%d" % number)

    with django_assert_max_num_queries(20):
        client.get("/metrics", headers=token)


def test_the_page_of_metrics_lists_all_names_and_labels_and_no_others():
    measure()
    builders.make_session()
    schedule = IntervalSchedule.objects.create(every=30, period="seconds")
    PeriodicTask.objects.create(name="sweep", interval=schedule, last_run_at=timezone.now())
    evaluate.evaluate()

    told = {family.name: family for family in Desk().collect()}

    page = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    rows = re.findall(r"^\| `(photonest_\w+)` \| (.*?) \|", page, re.M)
    documented = {name.removesuffix("_total"): re.findall(r"`(\w+)`", text) for name, text in rows}
    assert documented == {name: list(family._labelnames) for name, family in told.items()}
