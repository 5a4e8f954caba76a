"""The head of a report: counts, causes and actions of a session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Sum
from django.utils import timezone

from .. import names
from ..errors import CATALOGUE, Severity
from ..incidents import record_after
from ..models import AuditLog, ImportItem, ImportSession, Incident
from ..states import ITEM_UNRESOLVED
from ..wording import retell
from .files import code_of

ACTION = ("code", "text", "command", "operation", "target", "then")
SHOWN_EXAMPLES = 5
SHOWN_INCIDENTS = 100  # the largest
SHOWN_SLOWEST = 10
_RANK = {severity.value: rank for rank, severity in enumerate(Severity)}
_SEVERITIES = {code.value: entry.severity.value for code, entry in CATALOGUE.items()}
Entry = dict[str, Any]


def generate_troubleshooting_report(session_id: int) -> dict[str, Any]:
    """Outcomes, problems by code, incidents, actions in order, and the slowest files.

    The counts of the outcomes add up to `found`. Raises ImportSession.DoesNotExist.
    """
    session = ImportSession.objects.get(pk=session_id)
    outcomes = _outcomes(session_id)
    problems = [_problem(session, code, number) for code, number in _by_code(outcomes)]
    incidents = [_with_record(one) for one in incidents_of(session)]
    failure = retell(session.failure)
    causes = [failure, *problems] if failure else problems
    return {
        "session_id": session_id,
        "label": session.label,
        "source": session.source,
        "mode": session.mode,
        "state": str(session.state),
        "reported_at": timezone.now().isoformat(),
        "severity": _worst(causes),
        "found": sum(outcome["count"] for outcome in outcomes),
        "outcomes": outcomes,
        "left_out": session.left_out,
        "failure": failure,
        "errors_logged": AuditLog.objects.get_errors(session_id=session_id).count(),
        "problems": problems,
        "incidents": incidents,
        "actions": _actions(incidents),
        "slowest": _slowest(session_id),
    }


def _outcomes(session_id: int) -> list[Entry]:
    rows = (
        ImportItem.objects.in_session(session_id)
        .values("state", "error_code", "skip_reason", "incident__code")
        .annotate(count=Count("pk"), bytes=Sum("size_bytes"))
        .order_by("state", "error_code", "skip_reason", "incident__code")
    )
    return [
        {
            "outcome": row["state"],
            "code": code_of(row),
            "count": row["count"],
            "bytes": row["bytes"],
        }
        for row in rows
    ]


def _by_code(outcomes: Iterable[Entry]) -> list[tuple[str, int]]:
    """The codes of what failed or is missing, the most frequent first."""
    numbers: Counter[str] = Counter()
    for outcome in outcomes:
        if outcome["outcome"] in ITEM_UNRESOLVED:
            numbers[outcome["code"]] += outcome["count"]
    return sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0]))


def _problem(session: ImportSession, code: str, number: int) -> Entry:
    """A code with its number of files, and the diagnosis of the first as an example of all."""
    unresolved = ImportItem.objects.in_session(session.pk).unresolved()
    alike = unresolved.filter(incident__code=code) | unresolved.filter(error_code=code)
    examples = list(alike.order_by("pk")[:SHOWN_EXAMPLES])
    failure = retell(examples[0].failure) if examples else {}
    known = {"code": code, "severity": _SEVERITIES.get(code, "")}
    paths = [item.shown_path for item in examples]
    return known | failure | {"count": number, "examples": paths}


def incidents_of(session: ImportSession) -> list[Entry]:
    """What fails in a session by cause and place, the largest first; its own trouble before all."""
    unresolved = ImportItem.objects.in_session(session.pk).unresolved()
    rows = unresolved.exclude(incident=None).values_list("incident")
    largest = rows.annotate(number=Count("pk")).order_by("-number", "incident")
    numbers: dict[int, int] = dict(largest[:SHOWN_INCIDENTS])
    if session.incident_id and session.incident_id not in numbers:
        numbers = {session.incident_id: 0, **numbers}
    found = Incident.objects.in_bulk(list(numbers))
    return [_incident(found[pk], number) for pk, number in numbers.items()]


def _incident(incident: Incident, number: int) -> Entry:
    failure = retell(incident.failure)
    return {
        "incident": incident.pk,
        "code": incident.code,
        "place": incident.place,
        "title": names.legible(incident.title),
        "state": incident.state,
        "severity": failure.get("severity", ""),
        "files": number,
        "files_ever": incident.count,
        "first_seen_at": incident.first_seen_at.isoformat(),
        "last_seen_at": incident.last_seen_at.isoformat(),
        "summary": failure.get("summary", ""),
        "diagnosis": failure.get("diagnosis", ""),
        "actions": actions_of(failure),
    }


def _with_record(incident: Entry) -> Entry:
    """With what became of the files that were tried again after the same error, wherever it was."""
    record = record_after(incident["code"])
    return incident | {"record": record.as_json()}


def actions_of(failure: Entry) -> list[Entry]:
    """The remedies that a failure stores, in order: what to type first, and what the desk does then."""
    stored = failure.get("actions")
    if not isinstance(stored, list):  # stored before actions had codes
        texts = failure.get("recommended_actions") or []
        stored = [{"code": "recommended", "text": text} for text in texts]
    return [{name: action.get(name) for name in ACTION} for action in stored]


def _actions(incidents: list[Entry]) -> list[Entry]:
    """What to do, in order: the worst cause first, of these the most frequent; nothing twice."""
    ordered = sorted(incidents, key=lambda one: (-_RANK.get(one["severity"], -1), -one["files"]))
    found: dict[str, Entry] = {}
    for incident in ordered:
        for action in incident["actions"]:
            about = {"incident": incident["incident"], "files": incident["files"]}
            found.setdefault(action["text"], action | about)
    return list(found.values())


def _worst(causes: Iterable[Entry]) -> str | None:
    """The gravest severity, or None when nothing is wrong."""
    known = [str(cause.get("severity", "")) for cause in causes]
    ranked = [severity for severity in known if severity in _RANK]
    return max(ranked, key=_RANK.__getitem__, default=None)


def _slowest(session_id: int) -> list[Entry]:
    """The files whose steps took longest, as far as durations are in the audit log."""
    rows = AuditLog.objects.of_session(session_id).filter(
        duration_ms__isnull=False, item__isnull=False
    )
    slow = rows.order_by("-duration_ms")[:SHOWN_SLOWEST]
    measured = [(row.item_id or 0, row.duration_ms or 0.0, row.action) for row in slow]
    paths = _paths([pk for pk, _, _ in measured])
    return [
        {
            "item": pk,
            "path": paths.get(pk, ""),
            "step": step,
            "duration_ms": round(duration, 3),
        }
        for pk, duration, step in measured
    ]


def _paths(ids: list[int]) -> dict[int, str]:
    items = ImportItem.objects.filter(pk__in=ids).select_related("session")
    return {item.pk: item.shown_absolute_path for item in items}
