"""The page of the documentation that lists the catalogue: docs/reference/error-codes.md."""

from __future__ import annotations

from collections.abc import Iterator
from string import Formatter

from django.utils import translation

from ..states import SkipReason
from . import CATALOGUE, SHELL, THEN, Action, ErrorCode, ErrorEntry
from .vocabulary import Text

_PLACES = {"quoted": "PATH"}
_INTRODUCTION = """# Error codes

Every failure of a file or of a session has one of these codes, and so has every file that was skipped. A
code is stable; its texts are for people and may improve. In the texts, words in capitals stand for what the
desk saw on the spot, such as `PATH` for the file and `DETAIL` for what the system reported. This page is
made from the catalogue in `local_import/errors/`: `make docs` writes it anew.

- **Severity** is `low`, `medium`, `high` or `critical`.
- **Retryable** says whether trying again may help once an action was followed.
- **Heals itself**: with `tried again`, a file waits and is tried again up to `PHOTONEST_RETRIES` times,
  after about 1, 4, 16 … seconds, before it is `failed`; with `goes on`, a session in `error` goes on by
  itself when a look shows that the cause is gone.
- **Usual time** is what a fix takes a person, in minutes.

The actions of a code stand in order, the best one first, and each is complete in itself. One that needs
something that was not seen is not offered. `manage.py import_recheck SESSION` tells whether the causes are
gone.
"""


def page() -> str:
    """The page as Markdown, in English."""
    with translation.override("en"):
        lines = [_INTRODUCTION, *_overview(), "", *_sections(), *_skip_reasons()]
    return "\n".join(lines).rstrip("\n") + "\n"


def _overview() -> Iterator[str]:
    yield "| Code | Severity | Category | Retryable | Heals itself | Usual time |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for code, entry in CATALOGUE.items():
        retryable = "yes" if entry.retryable else "no"
        cells = (f"[`{code}`](#{code})", entry.severity, entry.category, retryable)
        yield f"| {' | '.join(cells)} | {_healing(entry)} | {entry.minutes} min |"


def _healing(entry: ErrorEntry) -> str:
    ways = ["tried again"] * entry.passing + ["goes on"] * entry.provable
    return ", ".join(ways) or "no"


def _sections() -> Iterator[str]:
    for code, entry in CATALOGUE.items():
        yield f"## {code}\n"
        yield f"{_words(entry.summary)} {_words(entry.diagnosis)}\n"
        yield from (
            f"{number}. {_action(action)}" for number, action in enumerate(entry.actions, 1)
        )
        yield f"\nSee [{entry.page}](../{entry.page}).\n" if "howto" in entry.page else ""


def _action(action: Action) -> str:
    shell = SHELL[action.operation] if action.operation else ""
    command, then = (f"`{_words(text)}`" for text in (action.command, shell))
    text = _words(action.text, command=command, then=then)
    if shell and "{then}" not in str(action.text):
        text += "" if text.endswith(".") else "."
        text += " " + _words(THEN[action.operation], then=then)  # type: ignore[index]
    return f"{text} (`{action.code}`)"


def _words(text: Text, **known: str) -> str:
    """The text with its facts as words in capitals."""
    names = [name for _, name, _, _ in Formatter().parse(str(text)) if name]
    return str(text).format_map(
        {name: _PLACES.get(name, name.removesuffix("_quoted").upper()) for name in names} | known
    )


def _skip_reasons() -> Iterator[str]:
    yield "## Skip reasons\n"
    yield "A skipped file was deliberately not imported. That is no failure and keeps no session from being"
    yield "`imported`; an operator can ask for the file again. Each reason is a code as well.\n"
    yield "| Reason | Means |"
    yield "| --- | --- |"
    yield from (f"| [`{reason}`](#{ErrorCode(reason)}) | {reason.label} |" for reason in SkipReason)
