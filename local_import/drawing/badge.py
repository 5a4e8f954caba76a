"""A state as a glyph and a word, never by colour alone; the same on every page and in the admin."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

GLYPHS = {
    "imported": "✔",
    "resolved": "✔",
    "failed": "✖",
    "error": "✖",
    "missing": "✖",
    "open": "✖",
    "back_again": "✖",
    "firing": "✖",
    "given_up": "✖",
    "delivered": "✔",
    "skipped": "↷",
    "canceled": "■",
    "source_restored": "↶",
    "pending": "○",
    "ready": "○",
    "back": "✖",
    "accepted": "○",
    "repaired": "✔",
    "gone": "✔",
    "sound": "✔",
    "wrong": "✖",
    "absent": "○",
    "alive": "✔",
    "silent": "⚠",
    "dead": "✖",
    "on_time": "✔",
    "late": "⚠",
    "off": "■",
    "never": "○",
}


def badge(state: str, text: object) -> SafeString:
    glyph = GLYPHS.get(state, "↻")
    return format_html('<span class="state state-{}">{} {}</span>', state, glyph, text)
