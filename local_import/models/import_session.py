"""A session: one import of one directory, as a state machine of ten states."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from ..errors import ErrorCode
from ..states import SESSION_RUNNING, SESSION_WAITING, ImportMode, SessionState
from .incident import Incident
from .stateful import Stateful, StatefulQuerySet

S = SessionState


class ImportSessionQuerySet(StatefulQuerySet["ImportSession"]):
    def runnable(self) -> ImportSessionQuerySet:
        """Started, and not told to stop: workers may take files."""
        return self.not_stopped().filter(started_at__isnull=False)

    def not_stopped(self) -> ImportSessionQuerySet:
        return self.filter(
            paused_at__isnull=True,
            cancel_requested_at__isnull=True,
            undo_requested_at__isnull=True,
            error_code="",
        )

    def running(self) -> ImportSessionQuerySet:
        return self.filter(state__in=SESSION_RUNNING)


class ImportSession(Stateful):
    """One import. Its running state follows from its items (state_synchronizer), never the reverse.

    The transitions set columns and nothing else; only local_import.door calls them.
    """

    WITH_STATE = frozenset(
        {
            *("state", "state_changed_at", "started_at", "walked_at", "planned_at", "begun_at"),
            *("finished_at", "cancel_requested_at", "error_code", "failure", "incident_id"),
        }
    )

    label = models.CharField(_("label"), max_length=200, blank=True)
    source_path = models.BinaryField(_("source directory, as bytes"))
    source = models.TextField(_("source"), blank=True)
    # By host: fsops.Origin of what it saw there when it first opened it.
    source_origins = models.JSONField(_("what the source is"), default=dict, blank=True)
    mode = models.CharField(
        _("mode"), max_length=8, choices=ImportMode.choices, default=ImportMode.COPY
    )
    state = FSMField(
        _("state"), choices=S.choices, default=S.PENDING, protected=True, max_length=16
    )
    state_changed_at = models.DateTimeField(_("in this state since"), default=timezone.now)

    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("created by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    walked_at = models.DateTimeField(_("all files found at"), null=True, blank=True)
    planned_at = models.DateTimeField(_("plan fixed at"), null=True, blank=True)
    begun_at = models.DateTimeField(_("first item claimed at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    cancel_requested_at = models.DateTimeField(_("cancel asked for at"), null=True, blank=True)
    paused_at = models.DateTimeField(_("paused at"), null=True, blank=True)
    paused_by = models.CharField(_("paused by"), max_length=200, blank=True)
    paused_reason = models.TextField(_("paused because"), blank=True)

    no_quiet_time = models.BooleanField(_("takes files that changed a moment ago"), default=False)

    undo_requested_at = models.DateTimeField(_("undo asked for at"), null=True, blank=True)
    undo_requested_by = models.CharField(_("undo asked for by"), max_length=200, blank=True)
    undo_reason = models.TextField(_("undone because"), blank=True)

    error_code = models.CharField(_("error"), max_length=40, choices=ErrorCode.choices, blank=True)
    failure = models.JSONField(_("failure"), default=dict, blank=True)
    incident = models.ForeignKey(
        Incident,
        verbose_name=_("incident"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="sessions_in_error",
    )

    runner = models.CharField(_("process that runs it"), max_length=200, blank=True)
    runner_lease_until = models.DateTimeField(_("its lease ends at"), null=True, blank=True)

    unswept = models.TextField(_("could not be swept because"), blank=True)

    rung_at = models.DateTimeField(_("workers last called at"), null=True, blank=True)
    unanswered_rings = models.PositiveIntegerField(_("calls that no worker answered"), default=0)

    # A picture of the items at `counted_at`; the items are the truth.
    counts = models.JSONField(_("items by state"), default=dict, blank=True)
    # {"failed": {"moving": 2}}: of those that left their way, in which state.
    stops = models.JSONField(_("items by where they stopped"), default=dict, blank=True)
    bytes_found = models.BigIntegerField(_("bytes found"), default=0)
    bytes_done = models.BigIntegerField(_("bytes of the files at rest"), default=0)
    pace = models.JSONField(_("pace of the last minutes"), default=dict, blank=True)
    left_out = models.JSONField(_("entries left out"), default=dict, blank=True)
    counted_at = models.DateTimeField(_("counted at"), null=True, blank=True)

    objects = ImportSessionQuerySet.as_manager()

    class Meta:
        db_table = "local_import_session"
        base_manager_name = "objects"
        verbose_name = _("import session")
        verbose_name_plural = _("import sessions")
        permissions = [  # of roles.py
            ("see_imports", _("Can see the imports")),
            ("see_details", _("Can see absolute paths, stack traces and places of photos")),
            ("operate_import", _("Can start, pause, cancel and retry imports")),
            ("maintain_import", _("Can undo, repair, purge and change settings")),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=S.values), name="session_state_known"),
            models.CheckConstraint(
                condition=Q(mode__in=ImportMode.values), name="session_mode_known"
            ),
            models.CheckConstraint(
                # Before it is in error, a session that broke off waits for the files in work.
                condition=Q(error_code="") ^ Q(state=S.ERROR)
                | Q(state__in=sorted(SESSION_WAITING | SESSION_RUNNING)),
                name="session_error_has_code",
            ),
            models.CheckConstraint(
                condition=Q(runner="", runner_lease_until__isnull=True)
                | (~Q(runner="") & Q(runner_lease_until__isnull=False)),
                name="session_runner_has_lease",
            ),
            models.CheckConstraint(
                condition=Q(incident__isnull=True) | Q(state=S.ERROR),
                name="session_with_incident_is_in_error",
            ),
        ]
        indexes = [models.Index(fields=["state", "-id"], name="session_state_newest")]

    def __str__(self) -> str:
        return f"{self.pk} {self.label or self.source}"

    @transition(field=state, source=S.PENDING, target=S.READY)
    def confirm(self) -> None:
        """The source exists and can be read."""

    @transition(field=state, source=S.READY, target=S.EXPANDING)
    def start(self) -> None:
        """Directories are walked and items recorded."""
        self.started_at = timezone.now()
        self.walked_at = self.planned_at = self.begun_at = self.finished_at = None

    @transition(field=state, source=S.EXPANDING, target=S.PROCESSING)
    def plan(self) -> None:
        """All items are known; sums and capacity are looked at."""

    @transition(field=state, source=S.EXPANDING, target=S.READY)
    def find_nothing(self) -> None:
        """There was nothing to import; it may be started again."""
        self.started_at = self.walked_at = None

    @transition(field=state, source=S.PROCESSING, target=S.ENQUEUED)
    def offer(self) -> None:
        """Work is offered, and no worker has taken any yet."""

    @transition(field=state, source=[S.PROCESSING, S.ENQUEUED, S.IMPORTED], target=S.IMPORTING)
    def begin(self) -> None:
        """At least one item was claimed, and not all are at rest."""
        self.begun_at = self.begun_at or timezone.now()
        self.finished_at = None

    @transition(
        field=state, source=[S.PROCESSING, S.ENQUEUED, S.IMPORTING, S.FAILED], target=S.IMPORTED
    )
    def finish(self) -> None:
        """Every item is at rest, none failed or missing."""
        self.begun_at = self.begun_at or timezone.now()
        self.finished_at = timezone.now()

    @transition(
        field=state,
        source=[S.EXPANDING, S.PROCESSING, S.ENQUEUED, S.IMPORTING, S.IMPORTED],
        target=S.FAILED,
    )
    def fail(self) -> None:
        """Every item is at rest, at least one failed or missing."""
        self.begun_at = self.begun_at or timezone.now()
        self.finished_at = timezone.now()

    @transition(field=state, source=S.FAILED, target=S.PROCESSING)
    def retry(self) -> None:
        """Items that failed wait for a worker again."""
        self.finished_at = None

    @transition(field=state, source=[S.PENDING, S.READY, *sorted(SESSION_RUNNING)], target=S.ERROR)
    def break_off(
        self, *, error_code: str = "", failure: Any = None, incident_id: int | None = None
    ) -> None:
        """The session itself cannot go on."""
        self.error_code = error_code or self.error_code or ErrorCode.UNKNOWN
        self.failure = failure or self.failure
        self.incident_id = incident_id
        self.finished_at = timezone.now()

    @transition(
        field=state,
        source=[S.PENDING, S.READY, *sorted(SESSION_RUNNING), S.FAILED, S.ERROR, S.IMPORTED],
        target=S.CANCELED,
    )
    def cancel(self) -> None:
        """Stopped or undone by an operator, or expired unstarted."""
        self.cancel_requested_at = self.cancel_requested_at or timezone.now()
        self.finished_at = timezone.now()
        self.error_code, self.failure, self.incident_id = "", {}, None

    @transition(field=state, source=[S.ERROR, S.CANCELED], target=S.READY)
    def reopen(self) -> None:
        """The cause is gone, or the operator wants it after all."""
        self.error_code, self.failure, self.incident_id = "", {}, None
        self.cancel_requested_at = self.finished_at = self.started_at = None
