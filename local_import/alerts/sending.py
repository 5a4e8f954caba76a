"""How a delivery ends that does not arrive."""

from __future__ import annotations


class Undelivered(Exception):
    """It did not arrive this time; the message is a sentence for the operator."""


class Refused(Undelivered):
    """It never will as things are: trying again would not help."""
