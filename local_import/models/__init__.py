"""The tables: sessions, their items, incidents, the media of the library, findings, the
operations asked for, the audit log."""

from .audit_log import AuditLog
from .finding import Finding
from .import_item import ImportItem
from .import_session import ImportSession
from .incident import Incident
from .media import Media
from .operation_run import OperationRun
from .worker import Worker

__all__ = [
    "AuditLog",
    "Finding",
    "ImportItem",
    "ImportSession",
    "Incident",
    "Media",
    "OperationRun",
    "Worker",
]
