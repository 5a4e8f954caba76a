"""Numbers over time as columns, each of good and of bad ones; a table stands beside it on the page."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 960.0, 120.0
GAP = 0.2  # of a column


def columns(values: Sequence[tuple[str, int, int]], label: str) -> SafeString:
    """From (when, good, bad); `label` tells a screen reader what it shows."""
    most = max((good + bad for _when, good, bad in values), default=0) or 1
    step = WIDTH / max(len(values), 1)
    pieces = []
    for n, (when, good, bad) in enumerate(values):
        x, width = f"{n * step:.1f}", f"{step * (1 - GAP):.1f}"
        high, low = HEIGHT * good / most, HEIGHT * bad / most
        told = f"{when}: {good:,} / {bad:,}"
        if good:
            pieces.append((x, f"{HEIGHT - high:.1f}", width, f"{high:.1f}", "imported", told))
        if bad:
            pieces.append((x, f"{HEIGHT - high - low:.1f}", width, f"{low:.1f}", "failed", told))
    drawn = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}" class="piece-{}"><title>{}</title></rect>',
        pieces,
    )
    return format_html(
        '<svg class="columns" viewBox="0 0 960 121" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}<line x1="0" x2="960" y1="120.5" y2="120.5" class="axis"/></svg>',
        label,
        drawn,
    )
