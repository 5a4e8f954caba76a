"""The story of a session: the states it went through, what fails in it, and what happened."""

from __future__ import annotations

from django.db.models import IntegerField, OuterRef, Subquery

from ..models import AuditLog, ImportItem, Incident

ROWS = 25
MOST_COUNTED = 10_000  # files of an incident
PROBLEMS = 10  # shown


def way_of(session_id: int) -> list[AuditLog]:
    """The session's own transitions, oldest first; those that were purged are not among them."""
    rows = AuditLog.objects.of_session(session_id).own().transitions()
    return list(rows.order_by("pk")[:200])


def story_of(session_id: int, *, before: int | None = None, errors: bool = False) -> list[AuditLog]:
    """The session's own rows, or the errors of its files; newest first, from before a row on."""
    rows = AuditLog.objects.of_session(session_id)
    rows = rows.errors().filter(item__isnull=False) if errors else rows.own()
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.select_related("item").defer("item__failure").order_by("-pk")[:ROWS])


class _UpTo(Subquery):
    """Counts the rows of a subquery that has a limit."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def problems_of(session_id: int) -> list[Incident]:
    """The incidents that hold files of the session, each with their `number` as far as counted;
    the largest first."""
    held = ImportItem.objects.filter(incident=OuterRef("pk"), session=session_id)
    number = _UpTo(held.order_by().values("pk")[: MOST_COUNTED + 1])
    found = Incident.objects.unresolved().filter(sessions=session_id)
    return list(
        found.annotate(number=number).filter(number__gt=0).order_by("-number", "pk")[:PROBLEMS]
    )
