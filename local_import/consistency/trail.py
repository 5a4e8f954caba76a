"""Rules of the audit log: it tells how each session and each item came to the state it is in.

To follow every chain row by row would mean to sort millions of them. So each state has a weight, and
the rows of an object are summed: to minus from. Along an unbroken chain all but the last state cancel
out, whatever its length. Only where the sum is wrong are the rows read one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from django.db import connection
from django.utils.translation import gettext_lazy as _

from ..audit_log_repository import AuditLogQuerySet
from ..errors import Severity
from ..models import AuditLog, ImportItem, ImportSession
from ..states import ItemState, SessionState
from . import purge
from .anchor import settle_state
from .rule import Depth, Find, Keys, Look, Rule, Suspect

CHUNK = 20_000  # items in one statement
LARGEST_ID = 2**63 - 1
EVER = datetime(1970, 1, 1, tzinfo=UTC)
Chain = Sequence[tuple[str, str]]  # (from, to), oldest first


def weight(state: str) -> int:
    """A number for a state, by which no two sums of few weights are equal; nothing weighs nothing."""
    return int(sha256(state.encode()).hexdigest()[:10], 16) if state else 0


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    table: str
    column: str  # of the audit log
    more: str  # what else its rows fulfil
    wrong: str  # the condition under which the sum is not that of an unbroken chain
    untold: str  # the condition under which there must be rows


def _weighed(column: str) -> str:
    states = dict.fromkeys([*ItemState.values, *SessionState.values])
    cases = " ".join(f"WHEN '{state}' THEN {weight(state)}" for state in states)
    return f"CASE {column} {cases} ELSE 0 END"


_BEGUN = weight(ItemState.PENDING)  # where no row tells of the beginning
_SUM = _weighed("o.state")
_ITEM = _Kind(
    "item",
    "local_import_item",
    "item_id",
    "",
    f"t.total <> {_SUM} AND (o.external_id IS NULL OR t.total <> {_SUM} - {_BEGUN})",
    "(o.external_id IS NULL OR o.state <> 'pending')",
)
_SESSION = _Kind(
    "session",
    "local_import_session",
    "session_id",
    "AND item_id IS NULL AND external_item = ''",
    f"t.total <> {_SUM} - {_BEGUN}",
    "o.state <> 'pending'",
)


def _statement(kind: _Kind, chosen: str) -> str:
    """Ids of the objects whose chain is broken, ends elsewhere, or has no rows; and those of rows
    whose object is gone."""
    return f"""
        WITH t AS (
            SELECT {kind.column} AS id,
                SUM({_weighed("to_state")} - {_weighed("from_state")}) AS total
            FROM local_import_audit_log
            WHERE category = 'state_transition' AND {kind.column} {chosen} {kind.more}
            GROUP BY {kind.column}
        )
        SELECT o.id FROM {kind.table} o LEFT JOIN t ON t.id = o.id
        WHERE o.id {chosen} AND o.state_changed_at >= %s
            AND ({kind.wrong} OR (t.total IS NULL AND {kind.untold}))
        UNION ALL
        SELECT t.id FROM t WHERE NOT EXISTS (SELECT 1 FROM {kind.table} o WHERE o.id = t.id)
    """


def find_items(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    purged_until = purge.purged_until() or EVER
    for chosen, values in _chunks(look, keys):
        suspected = _run(_ITEM, chosen, values, purged_until)
        items = ImportItem.objects.in_bulk(suspected)
        for pk in suspected:
            yield from _judged_item(look, pk, items.get(pk))


def find_sessions(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    chosen, values = "IS NOT NULL", list[int]()
    if keys is not None or look.session_id is not None:
        values = [int(key) for key in keys or ()] or [look.session_id or 0]
        chosen = f"IN ({', '.join(['%s'] * len(values))})"
    suspected = _run(_SESSION, chosen, values, purge.purged_until() or EVER)
    for session in ImportSession.objects.filter(pk__in=suspected):
        rows = AuditLog.objects.of_session(session.pk).filter(item__isnull=True)
        yield from _judged("session", session, rows.filter(external_item=""))


def _chunks(look: Look, keys: Keys | None) -> Iterator[tuple[str, list[int]]]:
    """Conditions on the ids, each with its values, that together cover every item there was."""
    if keys is not None:
        if keys:
            yield f"IN ({', '.join(['%s'] * len(keys))})", [int(key) for key in keys]
        return
    rows = ImportItem.objects.order_by("pk")
    items = (rows if look.session_id is None else rows.in_session(look.session_id)).values_list(
        "pk", flat=True
    )
    last = -1
    while last < LARGEST_ID:  # the gaps between the ids, too: rows are gone there
        above = items.filter(pk__gt=last)
        end = next(iter(above[CHUNK - 1 : CHUNK]), LARGEST_ID)
        yield "BETWEEN %s AND %s", [last + 1, end]
        last = end


def _run(kind: _Kind, chosen: str, values: Sequence[int], purged_until: datetime) -> list[int]:
    until = connection.ops.adapt_datetimefield_value(purged_until)
    with connection.cursor() as cursor:
        cursor.execute(_statement(kind, chosen), [*values, *values, until])
        return [pk for (pk,) in cursor.fetchall()]


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


def _rules(name: str, find: Find) -> tuple[Rule, Rule]:
    unaudited = Rule(
        code=f"{name}_state_unaudited",
        severity=Severity.HIGH,
        about=name,
        depth=Depth.ROWS,
        sentence=_(
            "{name} is {is}, but the audit log does not tell how: it ends at “{should_be}”."
        ),
        find=find,
        repair=settle_state,
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
    *_rules("item", find_items),
    *_rules("session", find_sessions),
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
