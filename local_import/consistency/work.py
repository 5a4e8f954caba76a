"""Rules of items in work: who holds them, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ..audit_logger import Actor
from ..errors import Severity
from ..models import ImportItem
from ..pipeline.lease import NOBODY
from ..states import ITEM_IN_WORK
from . import scope
from .rule import Depth, Keys, Look, Rule, Suspect

_UNHELD = Q(owner="") | Q(lease_until__isnull=True) | Q(fence=0)


def find(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    """What the database forbids, unless somebody took its constraints away."""
    items = scope.items(look, keys).order_by("pk")
    for item in items.in_work().filter(_UNHELD):
        yield _told("work_without_lease", item)
    held = items.exclude(state__in=ITEM_IN_WORK).filter(~Q(owner="") | Q(lease_until__isnull=False))
    for item in held:
        yield _told("lease_without_work", item)


def _told(rule: str, item: ImportItem) -> Suspect:
    facts = {
        "item": item.pk,
        "path": item.shown_path,
        "state": str(item.state),
        "owner": item.owner,
        "lease_until": item.lease_until and item.lease_until.isoformat(),
        "fence": item.fence,
    }
    return Suspect(rule, str(item.pk), facts, item.session_id, item.pk)


def end_lease(look: Look, suspect: Suspect, actor: Actor) -> None:
    """Give the item a lease that is over, so that the next sweep brings it to a true state."""
    item = ImportItem.objects.get(pk=int(suspect.key))
    ImportItem.objects.filter(pk=item.pk).update(
        owner=item.owner or NOBODY,
        lease_until=look.now - timedelta(seconds=1),
        fence=item.fence + 1,
    )


def drop_lease(look: Look, suspect: Suspect, actor: Actor) -> None:
    ImportItem.objects.filter(pk=int(suspect.key)).update(owner="", lease_until=None)


RULES = (
    Rule(
        code="work_without_lease",
        severity=Severity.HIGH,
        about="item",
        depth=Depth.ROWS,
        sentence=_("Item {item} ({path}) is {state}, but no worker holds it."),
        proposal=_("Give it a lease that is over; the next sweep brings it to a true state."),
        risk=_("None: the sweep looks at the disk before it decides."),
        find=find,
        repair=end_lease,
        automatic=True,
    ),
    Rule(
        code="lease_without_work",
        severity=Severity.MEDIUM,
        about="item",
        depth=Depth.ROWS,
        sentence=_("Item {item} ({path}) is {state}, but {owner} still holds it."),
        proposal=_("Take the lease away."),
        risk=_("None: an item in this state is in nobody's hands."),
        find=find,
        repair=drop_lease,
        automatic=True,
    ),
)
