"""A crowd: so many objects break one rule that they are not told of one by one.

A sample of them is, and one finding names the rule and the number: a million strays have one cause,
and are no million findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.utils.translation import gettext_lazy as _

from ..errors import Severity
from .rule import Depth, Rule, Suspect

SAMPLE = 1000  # suspects of one rule that are told of one by one
CODE = "too_many"


def crowds(numbers: Mapping[str, int]) -> Iterator[Suspect]:
    """`numbers` are the suspects of each rule."""
    for code, number in numbers.items():
        if number > SAMPLE:
            yield Suspect(CODE, code, {"rule": code, "number": number, "sample": SAMPLE})


RULES = (
    Rule(
        code=CODE,
        severity=Severity.HIGH,
        about="library",
        depth=Depth.ROWS,
        sentence=_("{number} objects break the rule {rule}; {sample} of them are told of."),
        advice=_(
            "So many have one cause: look for it first. What the rule proposes is then done to all "
            "of them by: python manage.py repair_consistency --apply --rule {rule}"
        ),
        find=lambda look, keys: (),  # judged by look, over what the other rules find
    ),
)
