"""The tables: sessions, their items, incidents, the media of the library, and the audit log."""

from .audit_log import AuditLog
from .import_item import ImportItem
from .import_session import ImportSession
from .incident import Incident
from .media import Media
from .worker import Worker

__all__ = ["AuditLog", "ImportItem", "ImportSession", "Incident", "Media", "Worker"]
