"""Tags of the operator's pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template
from django.template.defaultfilters import date
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from .. import drawing
from ..states import ItemState

register = template.Library()
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
