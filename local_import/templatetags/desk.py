"""Tags of the operator's pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.template.defaultfilters import date
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from .. import drawing
from ..errors import ErrorCode
from ..states import ItemState

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


@register.simple_tag
def badge(row: Any) -> SafeString:
    """The state of a session, an item or whatever else has one."""
    return drawing.badge(str(row.state), row.get_state_display())


@register.simple_tag
def progress_bar(counts: Mapping[str, int]) -> SafeString:
    """The items of a session by state."""
    shares = [(state.value, state.label, counts.get(state, 0)) for state in _ORDER]
    told = ", ".join(f"{number:,} {word}" for _state, word, number in shares if number)
    return drawing.bar(shares, told or _("no files yet"))


@register.filter
def when(moment: datetime | None) -> SafeString | str:
    """How long ago, with the time in the viewer's zone beside it for pointer, keyboard and screen reader."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    # Not for what is to come: timesince tells nothing of it.
    ago = _("%(time)s ago") % {"time": timesince(moment, depth=1)}
    shown = ago if moment <= timezone.now() else date(local, "H:i:s")
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
def error_label(code: str) -> object:
    """The few words for an error code; they name no path, so a viewer may read them."""
    return _LABELS.get(code, code)


@register.simple_tag
def advice(action: Mapping[str, Any]) -> SafeString:
    """The sentence of an action; what is to be typed, which stands in backticks there, as code."""
    text: str = escape(str(action["text"]))
    for command in filter(None, (action.get("command"), action.get("then"))):
        quoted = escape(str(command))
        text = text.replace(f"`{quoted}`", f"<code>{quoted}</code>")
    return mark_safe(text)  # noqa: S308 - all of it is escaped
