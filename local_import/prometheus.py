"""The address that Prometheus reads: counters that never go back, and how things stand now.

Who may read it: whoever has the token of PHOTONEST_METRICS_TOKEN, or staff that is signed in.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.exposition import choose_encoder

from .alerts.rules import SIGNALS
from .beat import beat
from .metrics import Measure, load, sums
from .models import Alert, AlertRule, Finding, ImportSession, Worker
from .models.finding import STANDING
from .pipeline.lease import LEASE
from .transactions import database_now

LATELY = timedelta(hours=1)  # what the quantiles are of
QUANTILES = (0.5, 0.95)


@require_safe
@never_cache
@login_not_required  # it asks for a token, or for staff, itself
def scrape(request: HttpRequest) -> HttpResponse:
    if status := _refusal(request):
        refused = HttpResponse("A token, or staff, is needed.\n", "text/plain", status)
        if status == 401:
            refused["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return refused
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(Desk()), content_type)


def _refusal(request: HttpRequest) -> int:
    """The status with which it is refused; 0 when it is not."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if token and scheme.lower() == "bearer":
        right = settings.PHOTONEST_METRICS_TOKEN
        return 0 if hmac.compare_digest(token.encode(), right.encode()) else 401
    if not request.user.is_authenticated:
        return 401
    return 0 if getattr(request.user, "is_staff", False) else 403


class Desk:
    """A collector: everything is asked of the database, so that any process can be read."""

    def collect(self) -> Iterator[Metric]:
        yield from _files()
        yield _steps()
        yield _quantiles()
        yield _findings_found()
        yield _sessions()
        yield _findings_standing()
        yield GaugeMetricFamily(
            "photonest_workers", "Worker processes that are alive.", value=_workers()
        )
        yield from _beat()
        yield from _alerts()


def _files() -> Iterator[Metric]:
    files = CounterMetricFamily(
        "photonest_import_files",
        "Files that came to rest; a file that is tried again counts again.",
        labels=["format", "code", "failed"],
    )
    size = CounterMetricFamily(
        "photonest_import_bytes", "Bytes of these files.", labels=["format", "code"]
    )
    for row in sums(Measure.FILE, "format", "code"):
        labels = [row["format"], row["code"]]
        files.add_metric([*labels, "true"], row["failed"])
        files.add_metric([*labels, "false"], row["number"] - row["failed"])
        size.add_metric(labels, row["size"])
    yield from (files, size)


def _steps() -> Metric:
    steps = SummaryMetricFamily(
        "photonest_import_step_seconds",
        "Time spent on each step of an import; check, sync, settle and batch are those of a batch.",
        labels=["step", "format"],
    )
    for measure in Measure:
        for row in sums(measure, "format") if measure != Measure.FINDING else ():
            steps.add_metric([measure.value, row["format"]], row["number"], row["ms"] / 1000)
    return steps


def _quantiles() -> Metric:
    told = GaugeMetricFamily(
        "photonest_import_step_quantile_seconds",
        "Quantiles of the last hour; at most a fifth off.",
        labels=["step", "quantile"],
    )
    window = load(timezone.now() - LATELY)
    for measure in Measure:
        whole = window.whole(measure)
        for share in QUANTILES:
            value = whole.quantile_ms(share)
            if value is not None and measure != Measure.FINDING:
                told.add_metric([measure.value, str(share)], value / 1000)
    return told


def _findings_found() -> Metric:
    found = CounterMetricFamily(
        "photonest_findings", "Findings that were not there before.", labels=["rule"]
    )
    for row in sums(Measure.FINDING, "code"):
        found.add_metric([row["code"]], row["number"])
    return found


def _sessions() -> Metric:
    told = GaugeMetricFamily("photonest_sessions", "Import sessions.", labels=["state"])
    for state, number in ImportSession.objects.values_list("state").annotate(Count("pk")):
        told.add_metric([state], number)
    return told


def _findings_standing() -> Metric:
    told = GaugeMetricFamily(
        "photonest_findings_standing", "Findings that stand now.", labels=["severity"]
    )
    standing = Finding.objects.filter(state__in=STANDING).values_list("severity")
    for severity, number in standing.annotate(Count("pk")).order_by("severity"):
        told.add_metric([severity], number)
    return told


def _workers() -> int:
    return Worker.objects.filter(heartbeat_at__gte=database_now() - LEASE).count()


def _beat() -> Iterator[Metric]:
    """Nothing where beat was never started."""
    asked = beat()
    if asked and asked.asked_at:
        yield GaugeMetricFamily(
            "photonest_beat_last_seen_timestamp_seconds",
            "When beat last asked for a sweep.",
            value=asked.asked_at.timestamp(),
        )


def _alerts() -> Iterator[Metric]:
    told = GaugeMetricFamily(
        "photonest_alerts", "Alerts that stand now.", labels=["rule", "state", "severity"]
    )
    standing = Alert.objects.unresolved().values_list("rule__code", "state", "severity")
    for *labels, number in standing.annotate(Count("pk")).order_by("rule__code", "state"):
        told.add_metric(labels, number)
    yield told
    asked = AlertRule.objects.filter(code__in=SIGNALS).aggregate(last=Min("evaluated_at"))["last"]
    if asked is not None:
        yield GaugeMetricFamily(
            "photonest_alerts_evaluated_timestamp_seconds",
            "When every alert rule had last been asked.",
            value=asked.timestamp(),
        )
