"""Which transitions record a failure, and the incident that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..audit_logger import Actor, capped
from ..errors import ErrorCode
from ..models import ImportItem, ImportSession
from ..models.stateful import Stateful
from .book import Sighting, note

LONGEST_CODE = 40  # characters, as the column takes
# With the code that stands for a failure that names none.
_FAILING: dict[tuple[type[Stateful], str], ErrorCode] = {
    (ImportItem, "fail"): ErrorCode.UNKNOWN,
    (ImportItem, "lose"): ErrorCode.SOURCE_MISSING,
    (ImportSession, "break_off"): ErrorCode.UNKNOWN,
}


def records_failure(model: type[Stateful], transition: str) -> bool:
    return (model, transition) in _FAILING


def note_failures(
    model: type[Stateful],
    transition: str,
    values: Mapping[str, Any],
    failures: Sequence[Any],
    *,
    session_id: int,
    actor: Actor,
    number: int = 1,
) -> list[int]:
    """The incident of each failure, which is that of `number` rows, by a failing transition."""
    code = str(values.get("error_code") or _FAILING[model, transition])
    of_session = model is ImportSession
    whole = [_whole(failure, code) for failure in failures]
    sightings = [Sighting(failure, session_id, number, of_session) for failure in whole]
    return note(sightings, actor)


def _whole(failure: Any, code: str) -> dict[str, Any]:
    """A failure that has a code and can be stored: another importer may give anything, or nothing."""
    known = capped(failure if isinstance(failure, Mapping) else {})
    return known | {"code": str(known.get("code") or code)[:LONGEST_CODE]}
