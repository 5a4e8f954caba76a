"""Sums without histograms: what the database adds up by itself, of any span of time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import FloatField, Sum

from ..models import MetricBucket
from ..models.metric_bucket import Measure


def sums(
    measure: Measure, *parts: str, since: datetime | None = None, until: datetime | None = None
) -> list[dict[str, Any]]:
    """`number`, `failed`, `ms` and `size` by the named parts of the key; of all that was ever
    counted, or of the buckets that begin in a span of time."""
    rows = MetricBucket.objects.filter(measure=measure)
    if since is not None:
        rows = rows.filter(at__gte=since)
    if until is not None:
        rows = rows.filter(at__lt=until)
    return list(
        rows.values("measure", *parts)
        .order_by(*parts)
        .annotate(
            number=Sum("count"),
            failed=Sum("failures"),
            ms=Sum("total_ms", output_field=FloatField()),
            size=Sum("size_bytes"),
        )
    )
