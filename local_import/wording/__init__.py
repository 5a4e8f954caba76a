"""From codes and facts to full sentences, in the language of who reads: pure, looks at nothing.

Diagnosing finds the code and the facts (troubleshooting); they are stored, and told again from here.
"""

from ..sayings import Seen, say
from .describe import Diagnosis, describe
from .retell import retell

__all__ = ["Diagnosis", "Seen", "describe", "retell", "say"]
