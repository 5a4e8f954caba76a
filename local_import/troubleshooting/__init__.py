"""What went wrong, why, and what to do: from an exception to a code, evidence and actions.

Reads; never writes. Whoever calls it for a failure must not fail by it: it takes any exception.
"""

from ..reporting import generate_troubleshooting_report
from ..wording.describe import Diagnosis
from ..wording.retell import retell
from .classify import code_of
from .engine import ActionRecommender, TroubleshootingEngine
from .entry import entry_of
from .recheck import Recheck, recheck

__all__ = [
    "ActionRecommender",
    "Diagnosis",
    "Recheck",
    "TroubleshootingEngine",
    "code_of",
    "entry_of",
    "generate_troubleshooting_report",
    "recheck",
    "retell",
]
