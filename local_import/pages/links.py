"""Where the page of something is, by its name in explanations: session:7, item:7, incident:7, media:7."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

PAGES = {"session": "import:session", "item": "import:item", "incident": "import:incident"}


def address_of(target: str) -> str:
    """Its own page or, where it has none, its explanation."""
    kind, _colon, number = target.partition(":")
    try:
        return reverse(PAGES[kind], args=[int(number)])
    except (KeyError, ValueError, NoReverseMatch):
        return f"{reverse('import:explain')}?{urlencode({'target': target})}"
