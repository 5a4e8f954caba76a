"""Where the page of something is, by its name in explanations and operations: session:7, rule:CODE."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

PAGES = {
    "session": "import:session",
    "item": "import:item",
    "incident": "import:incident",
    "finding": "import:finding",
}
_LISTS = {
    "rule": "import:consistency",
    "check": "import:consistency",
    "missing": "import:consistency",
    "quarantine": "import:quarantine",
    "items": "import:operations",
}


def address_of(target: str) -> str:
    """Its own page or, where it has none, its explanation."""
    kind, _colon, number = target.partition(":")
    if kind in _LISTS:
        return reverse(_LISTS[kind])
    if kind == "files":
        session, _colon, filters = number.partition(":")
        return f"{reverse('import:session_items', args=[int(session)])}?{filters}"
    try:
        return reverse(PAGES[kind], args=[int(number.partition(":")[0])])
    except (KeyError, ValueError, NoReverseMatch):
        return f"{reverse('import:explain')}?{urlencode({'target': target})}"
