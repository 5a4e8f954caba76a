"""The admin: looking up sessions, items, incidents, media and the audit log. Shows; services act."""

from . import audit_log, import_item, import_session, incident, media, worker

__all__ = ["audit_log", "import_item", "import_session", "incident", "media", "worker"]
