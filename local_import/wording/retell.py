"""A stored failure, told again from its code and its facts, in the language of who reads it now.

What was stored beside them, in the language of the worker, stays where nothing better can be told: of
another importer's failures, of codes that are no more. Evidence may come from a stranger: a fact that
goes into a command is rebuilt here, or left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .. import names
from ..errors import ErrorCode
from ..sayings import say_again
from .describe import describe
from .facts import NUMBERS, about_path, is_number

_GRANT = re.compile(r"[augo]\+[rwxX]{1,3}")


def retell(failure: Mapping[str, Any]) -> dict[str, Any]:
    """In the shape in which it is stored; never raises."""
    evidence, told = failure.get("evidence"), failure.get("told")
    if not _is_ours(failure.get("code"), evidence, told):
        return dict(failure)
    texts = failure.get("seen") or []
    seen = [say_again(one, text) for one, text in zip(told, texts, strict=False)]  # type: ignore[arg-type]
    known = _known(evidence)  # type: ignore[arg-type]
    if "detail" in failure:
        known["detail"] = say_again(failure["detail"], known.get("detail", ""))
    again = describe(ErrorCode(failure["code"]), known).as_failure()
    kept = {"evidence": evidence, "seen": seen, "told": told, "seen_at": failure.get("seen_at", "")}
    return {**failure, **again, **kept}


def _is_ours(code: Any, evidence: Any, told: Any) -> bool:
    return code in ErrorCode.values and isinstance(evidence, Mapping) and isinstance(told, list)


def _known(evidence: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for name, value in evidence.items():
        text = names.legible(str(value))
        if text.startswith("/"):
            known |= about_path(names.unshown(text), "" if name == "path" else name)
        elif _is_safe(name, text):
            known[name] = text
    return known


def _is_safe(name: str, text: str) -> bool:
    """Whether a text may stand as this fact: no command is to say what a stranger wrote."""
    if name.endswith("quoted") or name.startswith("raw_"):
        return False
    if name.startswith("grant"):
        return bool(_GRANT.fullmatch(text))
    return is_number(text) if name in NUMBERS else True
