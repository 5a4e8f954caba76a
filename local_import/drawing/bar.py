"""A bar whose pieces are the shares of a whole."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH = 1000.0


def bar(shares: Sequence[tuple[str, object, int]], label: str) -> SafeString:
    """From (state, its word, number); `label` tells a screen reader what the bar shows."""
    whole = sum(number for _state, _word, number in shares) or 1
    pieces, x = [], 0.0
    for state, word, number in shares:
        width = WIDTH * number / whole
        if number:
            pieces.append((f"{x:.2f}", f"{width:.2f}", state, word, f"{number:,}"))
        x += width
    drawn = format_html_join(
        "",
        '<rect x="{}" y="0" width="{}" height="10" class="piece-{}"><title>{}: {}</title></rect>',
        pieces,
    )
    return format_html(
        '<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}</svg>',
        label,
        drawn,
    )
