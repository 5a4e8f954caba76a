"""A drawing that stands where a picture cannot be shown, and says why."""

from __future__ import annotations

from textwrap import wrap

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

LINE = 34  # characters


def placeholder(word: str, sentence: str) -> SafeString:
    """An SVG document of its own: no style sheet of the page reaches it."""
    lines = wrap(sentence, LINE)[:4]
    drawn = format_html_join(
        "",
        '<text x="160" y="{}" font-size="14">{}</text>',
        ((150 + 20 * number, line) for number, line in enumerate(lines)),
    )
    return format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 240" width="320" height="240" '
        'role="img" font-family="sans-serif" text-anchor="middle" fill="#6b6b6b">'
        '<title>{}</title><rect width="320" height="240" fill="#8884"/>'
        '<path d="M132 40h56v44h-56zM132 40l56 44M188 40l-56 44" fill="none" stroke="#6b6b6b" '
        'stroke-width="3"/><text x="160" y="118" font-size="16" font-weight="bold">{}</text>{}</svg>',
        sentence,
        word,
        drawn,
    )
