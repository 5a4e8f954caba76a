"""Tags of the operator's pages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.template import Context
from django.template.defaultfilters import date
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import drawing, operations
from ..errors import ErrorCode, Operation
from ..models import ImportItem, ImportSession, Incident, OperationRun
from ..states import ItemState
from ..wording import retell

register = template.Library()
_LABELS: Mapping[str, object] = dict(ErrorCode.choices)
# Done first, then what is under way, then what waits.
_ORDER = (
    ItemState.IMPORTED,
    ItemState.SKIPPED,
    ItemState.SOURCE_RESTORED,
    ItemState.FAILED,
    ItemState.MISSING,
    ItemState.UPDATING,
    ItemState.MOVING,
    ItemState.CHECKING,
    ItemState.ANALYZING,
    ItemState.PENDING,
)


# Codes that stand within sentences.
_WORDS: Mapping[str, object] = {
    "hidden": gettext_lazy("hidden"),
    "system": gettext_lazy("of the system"),
    "symlink": gettext_lazy("symbolic links"),
    "unreadable": gettext_lazy("unreadable directories"),
    "exif_original": "EXIF DateTimeOriginal",
    "exif_digitized": "EXIF DateTimeDigitized",
    "exif_modified": "EXIF DateTime",
    "file_name": gettext_lazy("the name of the file"),
    "file_time": gettext_lazy("the time of the file"),
    "certain": gettext_lazy("certain"),
    "likely": gettext_lazy("likely"),
    "guess": gettext_lazy("a guess"),
}


@register.filter
def in_words(code: str) -> str:
    """Of a code that is not known, the code."""
    return str(_WORDS.get(code, code))


@register.simple_tag
def badge(row: Any) -> SafeString:
    """The state of a session, an item or whatever else has one."""
    return drawing.badge(str(row.state), row.get_state_display())


@register.simple_tag
def badge_of(state: object, word: object) -> SafeString:
    """The same for a state that stands alone."""
    return drawing.badge(str(state), word)


@register.simple_tag
def progress_bar(counts: Mapping[str, int]) -> SafeString:
    """The items of a session by state."""
    shares = [(state.value, state.label, counts.get(state, 0)) for state in _ORDER]
    told = ", ".join(f"{number:,} {word}" for _state, word, number in shares if number)
    return drawing.bar(shares, told or _("no files yet"))


@register.simple_tag
def columns(values: Sequence[tuple[str, int, int]], label: str) -> SafeString:
    """Numbers over time, from (when, good, bad)."""
    return drawing.columns(values, label)


@register.simple_tag
def operation_bar(run: OperationRun) -> SafeString:
    """How many of the files that an operation is to touch it has done and refused."""
    waiting = max(0, run.total - run.done)
    shares = [
        ("imported", _("done"), run.done),
        ("failed", _("refused"), run.refused),
        ("pending", _("waiting"), waiting),
    ]
    told = _("%(done)d of %(total)d files done") % {"done": run.done, "total": run.total}
    return drawing.bar(shares, told)


@register.inclusion_tag("local_import/actions.html", takes_context=True)
def actions(context: Context, row: ImportSession | ImportItem | Incident) -> dict[str, Any]:
    """The buttons of a row. What its viewer may not do is shown too, with that reason."""
    user = context["request"].user
    offers = operations.offered(row)
    return {"offers": [(offer, user.has_perm(offer.permission)) for offer in offers]}


@register.filter
def state_label(state: str) -> object:
    """The word for the state of an item."""
    return dict(ItemState.choices).get(state, state)


@register.filter
def operation_label(name: str | None) -> object:
    """The words on the button of an operation; empty for what the desk does not do itself."""
    known = name in Operation.values
    return operations.REGISTRY[Operation(str(name))].label if known else ""


def _ago(moment: datetime) -> str:
    if timezone.now() - moment < timedelta(minutes=1):
        return _("just now")
    return _("%(time)s ago") % {"time": timesince(moment, depth=1)}


@register.simple_tag
def usage_bar(used: int, free: int) -> SafeString:
    """How full something is; numbers of any one unit."""
    share = _("%(percent)d %% used") % {"percent": 100 * used / ((used + free) or 1)}
    return drawing.bar([("used", _("used"), used), ("pending", _("free"), free)], share)


@register.filter
def when(moment: datetime | None) -> SafeString | str:
    """How long ago or in how long, with the time in the viewer's zone for pointer and screen reader."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    if moment <= timezone.now():
        shown = _ago(moment)
    else:
        shown = _("in %(time)s") % {"time": timeuntil(moment, depth=1)}
    absolute = date(local, "Y-m-d H:i:s T")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), absolute, shown
    )


@register.filter
def lasting(time: timedelta | None) -> str:
    """A duration in the unit that tells it best."""
    if time is None:
        return ""
    seconds = time.total_seconds()
    for size, unit in ((86400, _("d")), (3600, _("h")), (60, _("min")), (1, _("s"))):
        if seconds >= size:
            return f"{seconds / size:.{1 if seconds < 10 * size else 0}f} {unit}"
    return _("%(number)d ms") % {"number": round(seconds * 1000)}


@register.filter
def pretty(details: Any) -> str:
    """Details as JSON that a person can read."""
    return json.dumps(details, indent=2, ensure_ascii=False, default=str)


@register.filter
def error_label(code: str) -> object:
    """The few words for an error code; they name no path, so a viewer may read them."""
    return _LABELS.get(code, code)


@register.filter
def retold(failure: Any) -> Any:
    """A stored failure in the viewer's language."""
    return retell(failure) if isinstance(failure, Mapping) else failure


@register.simple_tag
def advice(action: Mapping[str, Any]) -> SafeString:
    """The sentence of an action; what is to be typed, which stands in backticks there, as code."""
    text: str = escape(str(action["text"]))
    for command in filter(None, (action.get("command"), action.get("then"))):
        quoted = escape(str(command))
        text = text.replace(f"`{quoted}`", f"<code>{quoted}</code>")
    return mark_safe(text)  # noqa: S308 - all of it is escaped


@register.filter
def number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
