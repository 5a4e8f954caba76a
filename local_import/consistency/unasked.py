"""A rule that could not be asked: what it watches over is not known, and what it told of stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.utils.translation import gettext_lazy as _

from ..errors import Severity
from .rule import Depth, Rule, Suspect

CODE = "rule_not_asked"


def unasked(reasons: Mapping[str, str]) -> Iterator[Suspect]:
    """`reasons` by the code of the rule."""
    for code, reason in reasons.items():
        yield Suspect(CODE, code, {"rule": code, "reason": reason})


RULES = (
    Rule(
        code=CODE,
        severity=Severity.HIGH,
        about="library",
        depth=Depth.ROWS,
        sentence=_("The rule {rule} could not be asked. {reason}"),
        advice=_(
            "Whether it is broken is not known. Ask it again: "
            "python manage.py check_consistency --rule {rule}"
        ),
        find=lambda look, keys: (),  # judged by look, which asks the other rules
    ),
)
