"""Rules of the audit log: it tells how each session and each item came to the state it is in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from django.utils.translation import gettext_lazy as _

from ..audit_log_repository import AuditLogQuerySet
from ..errors import Severity
from ..models import AuditLog, ImportItem, ImportSession
from ..states import ItemState
from . import chains, purge
from .anchor import settle_item, settle_session
from .rule import Depth, Find, Keys, Look, Repair, Rule, Suspect

EVER = datetime(1970, 1, 1, tzinfo=UTC)
Chain = Sequence[tuple[str, str]]  # (from, to), oldest first


def find_items(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    purged_until = purge.purged_until() or EVER
    everything = keys is None and look.session_id is None
    if everything and chains.is_whole(chains.ITEM, purged_until):
        return
    for chosen, values in chains.chunks(look, keys):
        suspected = chains.broken(chains.ITEM, chosen, values, purged_until)
        items = ImportItem.objects.in_bulk(suspected)
        for pk in suspected:
            yield from _judged_item(look, pk, items.get(pk))


def find_sessions(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    chosen, values = "IS NOT NULL", list[int]()
    if keys is not None or look.session_id is not None:
        chosen, values = chains.among([int(key) for key in keys or ()] or [look.session_id or 0])
    purged_until = purge.purged_until() or EVER
    suspected = chains.broken(chains.SESSION, chosen, values, purged_until)
    for session in ImportSession.objects.filter(pk__in=suspected):
        rows = AuditLog.objects.of_session(session.pk).filter(item__isnull=True)
        yield from _judged("session", session, rows.filter(external_item=""))


def _judged_item(look: Look, pk: int, item: ImportItem | None) -> Iterator[Suspect]:
    if item is None:
        row = AuditLog.objects.of_item(pk).filter(action__startswith="item.").first()
        if row is not None and _is_looked_at(look, row.session_id):
            facts = {"item": pk, "session": row.session_id}
            yield Suspect("item_gone", str(pk), facts, row.session_id, pk)
    elif _is_looked_at(look, item.session_id):
        yield from _judged("item", item, AuditLog.objects.of_item(pk))


def _is_looked_at(look: Look, session_id: int | None) -> bool:
    """Rows of a session that is none of ours, as another importer's, say nothing of our items."""
    sessions = ImportSession.objects.filter(pk=session_id or 0)
    return look.session_id in (None, session_id) and sessions.exists()


def _judged(
    name: str, row: ImportItem | ImportSession, rows: AuditLogQuerySet
) -> Iterator[Suspect]:
    chain: Chain = list(rows.transitions().order_by("pk").values_list("from_state", "to_state"))
    told = chain[-1][1] if chain else ""
    session_id = row.session_id if isinstance(row, ImportItem) else row.pk
    item_id = row.pk if isinstance(row, ImportItem) else None
    facts = {"name": f"{name} {row.pk}", "is": str(row.state), "should_be": told}
    if told != row.state:
        yield Suspect(f"{name}_state_unaudited", str(row.pk), facts, session_id, item_id)
    elif gap := _gap(chain, _first(row)):
        facts |= {"after": gap[0], "goes_on": gap[1]}
        yield Suspect(f"{name}_audit_gap", str(row.pk), facts, session_id, item_id)


def _first(row: ImportItem | ImportSession) -> str:
    """The state that the first row goes on from: of an item that a walk found, none."""
    found = isinstance(row, ImportItem) and row.external_id is None
    return "" if found else ItemState.PENDING.value


def _gap(chain: Chain, first: str) -> tuple[str, str] | None:
    at = first
    for source, target in chain:
        if source != at:
            return at or "the beginning", source
        at = target
    return None


def _rules(name: str, find: Find, repair: Repair, *, unlocked: bool) -> tuple[Rule, Rule]:
    unaudited = Rule(
        code=f"{name}_state_unaudited",
        severity=Severity.HIGH,
        about=name,
        depth=Depth.ROWS,
        sentence=_(
            "{name} is {is}, but the audit log does not tell how: it ends at “{should_be}”."
        ),
        find=find,
        repair=repair,
        unlocked=unlocked,
        proposal=_(
            "Where the disk confirms “{is}”, or only the last audit row is gone, write down that it was "
            "confirmed; otherwise put {name} back to “{should_be}”."
        ),
        risk=_("Low: no file is touched, and the audit log keeps both states."),
        automatic=True,
        advice=_("Find out what wrote to the database besides the import desk."),
    )
    gap = Rule(
        code=f"{name}_audit_gap",
        severity=Severity.MEDIUM,
        about=name,
        depth=Depth.ROWS,
        sentence=_(
            "The audit log of {name} goes on from “{goes_on}” after “{after}”: rows are gone."
        ),
        advice=_(
            "Nothing can bring them back but a backup of the database. Find out who removed them, "
            "then accept the finding."
        ),
        find=find,
    )
    return unaudited, gap


RULES = (
    *_rules("item", find_items, settle_item, unlocked=True),  # it asks the disk
    *_rules("session", find_sessions, settle_session, unlocked=False),
    Rule(
        code="item_gone",
        severity=Severity.HIGH,
        about="item",
        depth=Depth.ROWS,
        sentence=_("The audit log tells of item {item} of session {session}, but its row is gone."),
        advice=_(
            "See what it was: python manage.py audit_log --item {item}. Its file is in the library or "
            "at its source; importing the source again lists it anew."
        ),
        find=find_items,
    ),
)
