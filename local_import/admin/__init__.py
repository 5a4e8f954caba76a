"""The admin: looking up sessions, items, incidents, media, workers, findings, alerts and the audit
log. Shows; services act."""

from . import alert, audit_log, finding, import_item, import_session, incident, media, worker

__all__ = [
    "alert",
    "audit_log",
    "finding",
    "import_item",
    "import_session",
    "incident",
    "media",
    "worker",
]
