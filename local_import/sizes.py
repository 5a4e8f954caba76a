"""How much, in the words of the pages: one file has one size, whoever tells of it."""

from __future__ import annotations

from django.template.defaultfilters import filesizeformat


def told(number: float) -> str:
    """Bytes in Django's units (a KB is 1,024 bytes, a MB 1,024 KB), with a plain space."""
    return filesizeformat(number).replace("\xa0", " ")
