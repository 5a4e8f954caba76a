"""The admin: looking up sessions, items, media and the audit log. Shows; services act."""

from . import audit_log, import_item, import_session, media, worker

__all__ = ["audit_log", "import_item", "import_session", "media", "worker"]
