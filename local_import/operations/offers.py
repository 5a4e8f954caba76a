"""What can be asked for, as buttons and as a preview."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from django.db.models import Model

from ..errors import Operation
from ..models import ImportItem, ImportSession, Incident
from ..services import possible
from .plan import Plan, Refused
from .registry import REGISTRY, Spec
from .runs import takes_long
from .target import Target, parse

_OF_SESSION = {
    Operation.RESUME: possible.resume,
    Operation.PAUSE: possible.pause,
    Operation.CANCEL: possible.cancel,
    Operation.RETRY: possible.retry_failures,
    Operation.DISMISS: possible.dismiss_failures,
    Operation.RESCAN: possible.rescan,
    Operation.UNDO: possible.undo,
    Operation.CONFIRM_SOURCE: possible.confirm_source,
}
_OF_ITEM = {
    Operation.RETRY: possible.retry,
    Operation.IMPORT_ANYWAY: possible.import_anyway,
    Operation.REPLACE: possible.grown,
    Operation.KEEP_BOTH: possible.grown,
    Operation.ACCEPT_BYTES: possible.accept_bytes,
    Operation.DISMISS: possible.dismiss,
}
_OF_INCIDENT = {
    Operation.RETRY: possible.of_incident,
    Operation.IMPORT_ANYWAY: possible.damaged_of_incident,
    Operation.DISMISS: possible.of_incident,
    Operation.ACKNOWLEDGE: possible.of_incident,
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A button: disabled, with the reason, where `why_not` says one."""

    spec: Spec
    target: str
    why_not: str  # a full sentence; empty when it is possible

    @property
    def name(self) -> str:
        return str(self.spec.name)

    @property
    def label(self) -> str:
        return str(self.spec.label)

    @property
    def permission(self) -> str:
        return self.spec.permission

    @property
    def possible(self) -> bool:
        return not self.why_not


@dataclass(frozen=True, slots=True)
class Preview(Offer):
    """What would be done, in exact numbers."""

    plan: Plan

    @property
    def command(self) -> str:
        """What does the same in a shell."""
        return shlex.join(["python", "manage.py", "import_operation", self.name, self.target])

    @property
    def effect(self) -> str:
        return str(self.spec.effect)

    @property
    def undo(self) -> str:
        return str(self.spec.undo)

    @property
    def counted(self) -> str:
        """What `touches` counts."""
        return str(self.spec.counted)

    @property
    def touches(self) -> int:
        """Exactly."""
        return self.plan.touches

    @property
    def refused(self) -> list[Refused]:
        return self.plan.refused

    @property
    def sample(self) -> list[ImportItem]:
        return self.plan.sample

    @property
    def in_background(self) -> bool:
        return takes_long(self.plan)


def offered(row: ImportSession | ImportItem | Incident) -> list[Offer]:
    """Every operation on it, those included that are not possible now; asks no database.

    An item must have been loaded with its session.
    """
    if isinstance(row, ImportSession):
        return _offers("session", row, {name: why(row) for name, why in _OF_SESSION.items()})
    if isinstance(row, Incident):
        return _offers("incident", row, {name: why(row) for name, why in _OF_INCIDENT.items()})
    given = (row.state, row.error_code, row.session)
    return _offers("item", row, {name: why(*given) for name, why in _OF_ITEM.items()})


def _offers(kind: str, row: Model, found: dict[Operation, str]) -> list[Offer]:
    return [Offer(REGISTRY[name], f"{kind}:{row.pk}", why) for name, why in found.items()]


def preview(name: str, target: str | Target) -> Preview:
    """Raises WrongTarget, DoesNotExist, ImportProblem when there is no such target, and ValueError
    when there is no such operation."""
    spec = REGISTRY[Operation(name)]
    where = parse(target) if isinstance(target, str) else target
    spec.must_fit(where)
    plan = spec.plan(where)
    return Preview(spec, str(where), plan.why_not, plan)
