"""A diagnosis as the row of the audit log that tells of it."""

from __future__ import annotations

from ..audit_logger import Actor, Entry
from ..models.audit_log import AuditCategory, AuditLevel
from ..wording.describe import Diagnosis


def entry_of(found: Diagnosis, kind: str, actor: Actor) -> Entry:
    """`kind` is item or session; which one, the caller adds."""
    return Entry(
        AuditCategory.ERROR,
        found.summary,
        level=AuditLevel.ERROR,
        action=f"{kind}.diagnose",
        actor=actor,
        details=found.as_failure(),
        error_type=found.code.value,
        error_message=found.diagnosis,
        recommended_actions=found.recommended_actions,
    )
