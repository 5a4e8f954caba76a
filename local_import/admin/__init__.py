"""The admin: looking up sessions, items, incidents, media, workers, findings and the audit log. Shows;
services act."""

from . import audit_log, finding, import_item, import_session, incident, media, worker

__all__ = ["audit_log", "finding", "import_item", "import_session", "incident", "media", "worker"]
