"""The operations of the desk: one registry for pages, the admin, commands and explanations.

Each is offered with the reason where it is not possible, previewed in exact numbers, carried out once
for a key, and recorded. Who may ask is checked by whoever calls: each names its permission.
"""

from .offers import Offer, Preview, offered, preview
from .plan import Plan, Refused
from .registry import REGISTRY, Spec
from .runs import cancel, carry_out, work
from .target import Target, WrongTarget, parse

__all__ = [
    "REGISTRY",
    "Offer",
    "Plan",
    "Preview",
    "Refused",
    "Spec",
    "Target",
    "WrongTarget",
    "cancel",
    "carry_out",
    "offered",
    "parse",
    "preview",
    "work",
]
