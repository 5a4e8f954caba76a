"""Lists that are narrowed by a filter in the address: ?q=word:value, as local_import.filters reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from ..filters import Filter, Word, WrongFilter, parse


def filtered(
    request: HttpRequest, words: Mapping[str, Word]
) -> tuple[Filter | None, dict[str, Any]]:
    """The filter, or None when it is wrong; and what the template filter.html shows of it."""
    text = request.GET.get("q", "").strip()
    shown: dict[str, Any] = {"q": text[:4_000], "words": words}
    try:
        wanted = parse(text, words)
    except WrongFilter as wrong:
        return None, shown | {"wrong": str(wrong)}
    return wanted, shown | {"chips": list(wanted.chips())}
