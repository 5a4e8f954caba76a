"""The story of a session: the states it went through, what fails in it, and what happened."""

from __future__ import annotations

from django.db.models import IntegerField, OuterRef, Q, Subquery, TextChoices
from django.utils.translation import gettext_lazy as _

from ..audit_log_repository import AuditLogQuerySet
from ..models import AuditLog, ImportItem, Incident

ROWS = 25
MOST_COUNTED = 10_000  # files of an incident
PROBLEMS = 10  # shown


def way_of(session_id: int) -> list[AuditLog]:
    """The session's own transitions, oldest first; those that were purged are not among them."""
    rows = AuditLog.objects.of_session(session_id).own().transitions()
    return list(rows.order_by("pk")[:200])


class Chapter(TextChoices):
    OWN = "own", _("The session itself")
    ALL = "all", _("Session and files")
    ERRORS = "errors", _("Errors of its files")


def story_of(session_id: int, chapter: Chapter, before: int | None = None) -> list[AuditLog]:
    """The rows of a chapter, newest first, from before a row on; each by an index of its own."""
    rows = AuditLog.objects.of_session(session_id).select_related("item").defer("item__failure")
    if chapter == Chapter.ALL:
        return list(_before_in_time(rows, before).newest_first()[:ROWS])
    rows = rows.own() if chapter == Chapter.OWN else rows.errors().filter(item__isnull=False)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk")[:ROWS])


def _before_in_time(rows: AuditLogQuerySet, before: int | None) -> AuditLogQuerySet:
    if before is None:
        return rows
    at = AuditLog.objects.filter(pk=before).values("timestamp")
    earlier = Q(timestamp__lt=Subquery(at)) | Q(pk__lt=before)
    return rows.filter(earlier, timestamp__lte=Subquery(at))


class _UpTo(Subquery):
    """Counts the rows of a subquery that has a limit."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def problems_of(session_id: int) -> list[tuple[Incident, int]]:
    """The incidents that hold files of the session, with their number: MOST_COUNTED + 1 stands for more;
    the largest first."""
    held = ImportItem.objects.filter(incident=OuterRef("pk"), session=session_id)
    number = _UpTo(held.order_by().values("pk")[: MOST_COUNTED + 1])
    found = Incident.objects.unresolved().filter(sessions=session_id)
    rows = found.annotate(number=number).filter(number__gt=0).order_by("-number", "pk")
    return [(row, row.number) for row in rows[:PROBLEMS]]  # type: ignore[attr-defined]
