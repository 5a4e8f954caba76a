"""The tables: sessions, their items, incidents, the media of the library, findings, metrics, alerts,
the operations asked for, the audit log."""

from .alert import Alert, AlertNotice, AlertRule
from .audit_log import AuditLog
from .finding import Finding, RuleLook
from .import_item import ImportItem
from .import_session import ImportSession
from .incident import Incident
from .media import Media
from .metric_bucket import MetricBucket
from .operation_run import OperationRun
from .worker import Worker

__all__ = [
    "Alert",
    "AlertNotice",
    "AlertRule",
    "AuditLog",
    "Finding",
    "ImportItem",
    "ImportSession",
    "Incident",
    "Media",
    "MetricBucket",
    "OperationRun",
    "RuleLook",
    "Worker",
]
