"""An item: one file of a session, as a state machine of ten states."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, TransitionNotAllowed, transition

from .. import names
from ..errors import ErrorCode
from ..states import (
    ITEM_IN_WORK,
    ITEM_STOPPED,
    ITEM_UNRESOLVED,
    Growth,
    ItemState,
    SkipReason,
    SourceDisposition,
)
from .conditions import either, one_of
from .import_session import ImportSession
from .incident import Incident
from .media import Media
from .stateful import Stateful, StatefulQuerySet

I = ItemState  # noqa: E741
FINGERPRINT_LENGTH = 104  # five numbers of 64 bits, with colons between
_IN_MOTION = Q(state__in=(I.MOVING, I.UPDATING))
_HASHED_WITHOUT_MEDIA = Q(media__isnull=True) & ~Q(sha256="") & ~_IN_MOTION
_LEFT_WITH_PLACE = ~Q(destination="") & one_of(
    "state", (I.PENDING, I.ANALYZING, I.CHECKING, I.FAILED, I.MISSING)
)
_IN_WORK = one_of("state", ITEM_IN_WORK)
_WAITS = Q(owner="", lease_until__isnull=True)
_WORKS = ~Q(owner="") & Q(lease_until__isnull=False, fence__gt=0)


def _repeated(condition: str) -> RawSQL:
    """The condition of a partial index, for a query that is to use it.

    SQLite does so only where a query repeats it literally: a parameter might be anything.
    """
    sql = condition.format("local_import_item")
    return RawSQL(sql, (), output_field=models.BooleanField())  # noqa: S611 - no parameters


class ImportItemQuerySet(StatefulQuerySet["ImportItem"]):
    def in_session(self, session_id: int) -> ImportItemQuerySet:
        return self.filter(session_id=session_id)

    def unresolved(self) -> ImportItemQuerySet:
        return self.filter(state__in=(I.FAILED, I.MISSING))

    def in_work(self) -> ImportItemQuerySet:
        return self.filter(state__in=ITEM_IN_WORK)

    def stopped(self) -> ImportItemQuerySet:
        """Those that left their way; by an index of these alone."""
        return self.filter(_repeated("NOT ({0}.stopped_in = '')"))

    def held(self, owner: str = "") -> ImportItemQuerySet:
        """Those that a worker has, or of them those of one owner; found by the index of these alone.

        SQLite does not conclude from the name of an owner that it is not empty.
        """
        rows = self.exclude(owner="")
        return rows.filter(owner=owner) if owner else rows

    def in_motion(self) -> ImportItemQuerySet:
        return self.filter(_repeated("{0}.state IN ('moving', 'updating')"))

    def hashed_without_media(self) -> ImportItemQuerySet:
        """Read once, and neither in the library nor on their way to it."""
        return self.filter(
            _repeated(
                "{0}.media_id IS NULL AND NOT ({0}.sha256 = '') "
                "AND NOT ({0}.state IN ('moving', 'updating'))"
            )
        )

    def left_with_place(self) -> ImportItemQuerySet:
        """Not in the library, but a place there was planned; a late worker may still bring it there."""
        return self.filter(
            _repeated(
                "NOT ({0}.destination = '') AND ({0}.state = 'pending' OR {0}.state = 'analyzing' "
                "OR {0}.state = 'checking' OR {0}.state = 'failed' OR {0}.state = 'missing')"
            )
        )

    def waiting_to_be_still(self) -> ImportItemQuerySet:
        """Those that changed a moment ago; somebody may still write them."""
        return self.filter(seen_at__isnull=False, state=I.PENDING)

    def claimable(self, now: datetime) -> ImportItemQuerySet:
        """Waiting, and due: oldest first."""
        due = Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now)
        return self.filter(due, state=I.PENDING).order_by("id")


class ImportItem(Stateful):
    """One source file inside a session.

    The transitions set every column that belongs to the new state and clear those of the old one,
    and do nothing else; only local_import.door calls them. An expression (F) stands for a value
    that only the row in the database knows.
    """

    WITH_STATE = frozenset(
        {
            *("state", "state_changed_at", "stopped_in", "sha256", "destination", "media_id"),
            *("source_disposition", "owner", "lease_until", "fence", "attempts", "next_attempt_at"),
            *("retries", "deaths", "skip_reason", "error_code", "failure", "incident_id"),
            *("retried_after_id", "accept_damage", "seen_as", "seen_at", "young_since", "growth"),
        }
    )

    session = models.ForeignKey(
        ImportSession,
        verbose_name=_("session"),
        on_delete=models.PROTECT,
        related_name="items",
        db_index=False,
    )
    external_id = models.CharField(  # noqa: DJ001 - unique where it is given
        _("id in another importer"), max_length=200, null=True, blank=True
    )
    path = models.BinaryField(_("path below the source, as bytes"))
    path_digest = models.CharField(_("key of the path"), max_length=40)
    shown_path = models.TextField(_("path"))
    state = FSMField(
        _("state"), choices=I.choices, default=I.PENDING, protected=True, max_length=16
    )
    state_changed_at = models.DateTimeField(_("in this state since"), default=timezone.now)
    stopped_in = models.CharField(_("stopped in"), max_length=16, choices=I.choices, blank=True)
    size_bytes = models.BigIntegerField(_("size in bytes"), default=0)

    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True)
    destination = models.CharField(_("path in the library"), max_length=255, blank=True)
    media = models.ForeignKey(
        Media,
        verbose_name=_("media with these bytes"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="items",
        db_index=False,
    )
    source_disposition = models.CharField(
        _("what became of the source"),
        max_length=16,
        choices=SourceDisposition.choices,
        default=SourceDisposition.KEPT,
    )

    owner = models.CharField(_("worker"), max_length=200, blank=True)
    lease_until = models.DateTimeField(_("lease ends at"), null=True, blank=True)
    fence = models.PositiveIntegerField(_("fence"), default=0)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next try at"), null=True, blank=True)
    retries = models.PositiveSmallIntegerField(_("tries repeated by themselves"), default=0)
    deaths = models.PositiveSmallIntegerField(_("workers that died with it"), default=0)

    # Of a file that waits until it has been still for the quiet time: what was seen of it, and since when.
    seen_as = models.CharField(_("seen as"), max_length=FINGERPRINT_LENGTH, blank=True)
    seen_at = models.DateTimeField(_("seen so since"), null=True, blank=True)
    young_since = models.DateTimeField(_("changes since"), null=True, blank=True)

    skip_reason = models.CharField(
        _("skipped because"), max_length=16, choices=SkipReason.choices, blank=True
    )
    error_code = models.CharField(_("error"), max_length=40, choices=ErrorCode.choices, blank=True)
    failure = models.JSONField(_("failure"), default=dict, blank=True)
    incident = models.ForeignKey(
        Incident,
        verbose_name=_("incident"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="items",
        db_index=False,
    )
    retried_after = models.ForeignKey(
        Incident,
        verbose_name=_("offered again after"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="retried_items",
        db_index=False,
    )
    growth = models.CharField(
        _("where it grew after its beginning was imported"),
        max_length=16,
        choices=Growth.choices,
        blank=True,
    )
    replaces = models.BigIntegerField(_("media that gives way to it"), null=True, blank=True)
    accept_damage = models.BooleanField(_("import although damaged"), default=False)

    objects = ImportItemQuerySet.as_manager()

    class Meta:
        db_table = "local_import_item"
        base_manager_name = "objects"
        verbose_name = _("import item")
        verbose_name_plural = _("import items")
        constraints = [
            models.CheckConstraint(condition=one_of("state", I.values), name="item_state_known"),
            models.CheckConstraint(
                condition=either(Q(state=I.FAILED), Q(error_code="")),
                name="item_failed_has_error_code",
            ),
            models.CheckConstraint(
                condition=either(Q(state=I.SKIPPED), Q(skip_reason="")),
                name="item_skipped_has_reason",
            ),
            models.CheckConstraint(
                condition=either(one_of("state", ITEM_STOPPED), Q(stopped_in="")),
                name="item_stopped_says_where",
            ),
            models.CheckConstraint(
                condition=(_IN_WORK & _WORKS) | (~_IN_WORK & _WAITS),
                name="item_in_work_has_lease",
            ),
            models.CheckConstraint(
                condition=~_IN_MOTION | (~Q(destination="") & ~Q(sha256="")),
                name="item_moving_has_destination",
            ),
            models.CheckConstraint(
                condition=~Q(state=I.IMPORTED) | Q(media__isnull=False),
                name="item_imported_has_media",
            ),
            models.CheckConstraint(
                condition=Q(incident__isnull=True) | Q(state__in=ITEM_UNRESOLVED),
                name="item_with_incident_is_unresolved",
            ),
            models.UniqueConstraint(
                fields=["session", "path_digest"], name="item_once_per_session"
            ),
            models.UniqueConstraint(
                fields=["external_id"],
                condition=Q(external_id__isnull=False),
                name="item_external_id_once",
            ),
            # The arbiter between two workers that hold the same bytes at the same moment.
            models.UniqueConstraint(
                fields=["sha256"],
                condition=_IN_MOTION,
                name="item_one_mover_per_content",
            ),
            models.UniqueConstraint(
                fields=["destination"],
                condition=_IN_MOTION,
                name="item_one_mover_per_place",
            ),
        ]
        indexes = [
            models.Index(fields=["session", "state", "id"], name="item_session_state"),
            models.Index(
                fields=["session", "state", "stopped_in", "id"],
                name="item_stopped",
                condition=~Q(stopped_in=""),
            ),
            models.Index(fields=["owner"], name="item_in_work_owner", condition=~Q(owner="")),
            # A late worker may have brought the bytes after all: the sweeper looks.
            models.Index(
                fields=["id"],
                name="item_missing_but_placed",
                condition=Q(state=I.MISSING) & ~Q(destination=""),
            ),
            # No file that is imported on its first way is ever in this one.
            models.Index(
                fields=["sha256"],
                name="item_hashed_without_media",
                condition=_HASHED_WITHOUT_MEDIA,
            ),
            models.Index(
                fields=["destination"], name="item_left_with_place", condition=_LEFT_WITH_PLACE
            ),
            models.Index(fields=["media"], name="item_media", condition=Q(media__isnull=False)),
            models.Index(
                fields=["incident", "session", "id"],
                name="item_incident",
                condition=Q(incident__isnull=False),
            ),
            models.Index(
                fields=["retried_after", "state"],
                name="item_retried_after",
                condition=Q(retried_after__isnull=False),
            ),
            models.Index(
                fields=["session"],
                name="item_release_due",
                condition=Q(source_disposition=SourceDisposition.RELEASE_DUE),
            ),
            models.Index(
                fields=["session", "next_attempt_at"],
                name="item_waits_to_be_still",
                condition=Q(seen_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.shown_path}"

    @property
    def code(self) -> str:
        """The machine-readable reason of the present state, or an empty string."""
        if self.state == I.MISSING:
            return str(self.failure.get("code", ErrorCode.SOURCE_MISSING.value))
        return self.error_code or self.skip_reason

    @property
    def absolute_path(self) -> bytes:
        return os.path.join(bytes(self.session.source_path), bytes(self.path))

    @property
    def shown_absolute_path(self) -> str:
        return names.shown(self.absolute_path)

    def _rest(self) -> None:
        self.owner, self.lease_until = "", None

    def _stop(self) -> None:
        self._rest()
        self.seen_as, self.seen_at, self.young_since = "", None, None
        self.stopped_in = self.state

    @transition(field=state, source=I.PENDING, target=I.ANALYZING)
    def claim(self, *, owner: str, lease_until: datetime) -> None:
        """A worker takes the file, until the lease ends."""
        self.owner, self.lease_until = owner, lease_until
        self.fence = F("fence") + 1
        self.attempts = F("attempts") + 1
        self.next_attempt_at = None
        self.seen_as, self.seen_at, self.young_since = "", None, None

    @transition(field=state, source=I.ANALYZING, target=I.CHECKING)
    def compare(self, *, sha256: str = "") -> None:
        """The file was read; the same bytes are looked for."""
        self.sha256 = sha256

    @transition(field=state, source=I.CHECKING, target=I.MOVING)
    def plan(self, *, destination: str) -> None:
        """The intent: this is where the bytes will be."""
        self.destination = destination

    @transition(field=state, source=I.MOVING, target=I.UPDATING)
    def publish(self) -> None:
        """The bytes are durable at their destination."""

    @transition(field=state, source=I.UPDATING, target=I.IMPORTED)
    def finish(self, *, media_id: int, source_disposition: str = SourceDisposition.KEPT) -> None:
        """Media row and file are both there."""
        self._rest()
        self.media_id = media_id
        self.source_disposition = source_disposition

    @transition(field=state, source=[I.PENDING, I.ANALYZING, I.CHECKING], target=I.SKIPPED)
    def skip(self, *, skip_reason: str = SkipReason.DISMISSED, media_id: int | None = None) -> None:
        """Deliberately not imported."""
        self._stop()
        self.skip_reason = skip_reason
        self.media_id = media_id

    @transition(field=state, source=I.IMPORTED, target=I.SKIPPED)
    def give_way(self) -> None:
        """Its bytes are the beginning of another file of the library now, and no media of their own."""
        self._stop()
        self.skip_reason = SkipReason.REPLACED
        self.media_id = None

    @transition(field=state, source=[I.FAILED, I.MISSING], target=I.SKIPPED)
    def dismiss(
        self,
        *,
        skip_reason: str = SkipReason.DISMISSED,
        media_id: int | None = None,
        sha256: str = "",
    ) -> None:
        """It needs no import: an operator says so, or its bytes came into the library otherwise."""
        self.skip_reason, self.media_id = skip_reason, media_id
        self.sha256 = sha256 or self.sha256
        self.error_code, self.failure, self.incident_id = "", {}, None

    @transition(
        field=state,
        source=[I.PENDING, I.ANALYZING, I.CHECKING, I.MOVING, I.UPDATING, I.IMPORTED],
        target=I.FAILED,
    )
    def fail(
        self,
        *,
        error_code: str = ErrorCode.UNKNOWN,
        failure: Any = None,
        incident_id: int | None = None,
    ) -> None:
        """It could not be imported; code, evidence and remedy are recorded."""
        self._stop()
        self.error_code = error_code
        self.failure = failure or {}
        self.incident_id = incident_id

    @transition(
        field=state,
        source=[I.PENDING, I.ANALYZING, I.CHECKING, I.MOVING, I.IMPORTED],
        target=I.MISSING,
    )
    def lose(self, *, failure: Any = None, incident_id: int | None = None) -> None:
        """The source vanished before the import, or the library's file after it."""
        self._stop()
        self.failure = failure or {}
        self.incident_id = incident_id

    @transition(field=state, source=[I.ANALYZING, I.CHECKING, I.MOVING], target=I.PENDING)
    def release(
        self,
        *,
        next_attempt_at: datetime | None = None,
        retries: int | None = None,
        died: bool = False,
        seen_as: str = "",
        seen_at: datetime | None = None,
        young_since: datetime | None = None,
    ) -> None:
        """Given back untouched; a worker may take it again.

        The destination stays as it was: a worker that was only thought to be dead may still bring
        the bytes there, and then that is where they are looked for. One that waits until it is
        still (`seen_at`) was not tried: unless it counts as a retry, it costs no attempt.
        """
        self._rest()
        self.next_attempt_at = next_attempt_at
        self.seen_as, self.seen_at, self.young_since = seen_as, seen_at, young_since
        if retries is not None:
            self.retries = retries
        elif seen_at is not None:
            self.attempts = F("attempts") - 1
        if died:
            self.deaths = F("deaths") + 1

    @transition(
        field=state, source=[I.FAILED, I.MISSING, I.SKIPPED, I.SOURCE_RESTORED], target=I.PENDING
    )
    def requeue(self, *, accept_damage: bool = False, growth: str = "") -> None:
        """Offered to the workers again; the last outcome is forgotten.

        Raises TransitionNotAllowed when damage is accepted of a file that has not failed of it, or a
        decision of one that has not failed because it grew.
        """
        if growth and self.error_code != ErrorCode.SOURCE_GREW:
            raise TransitionNotAllowed("Only of a file that grew can it be decided.", object=self)
        if accept_damage and self.error_code != ErrorCode.DAMAGED:
            raise TransitionNotAllowed(
                "Only a damaged file can be imported although damaged.", object=self
            )
        if self.state == I.SKIPPED:
            self.sha256 = ""  # that of another file; this one is to be read itself
        self.stopped_in, self.error_code, self.skip_reason, self.failure = "", "", "", {}
        self.retried_after_id, self.incident_id = F("incident_id"), None
        self.media_id, self.next_attempt_at = None, None  # the destination stays, as in release
        self.retries = self.deaths = 0
        self.accept_damage, self.growth = accept_damage, growth
        self.source_disposition = SourceDisposition.KEPT

    @transition(field=state, source=[I.MISSING, I.FAILED], target=I.IMPORTED)
    def recover(self, *, media_id: int, sha256: str = "") -> None:
        """The library's file is back and its bytes are right, or others were accepted (`sha256`)."""
        self.stopped_in, self.failure, self.incident_id = "", {}, None
        self.error_code = ""
        self.media_id = media_id
        if sha256:
            self.sha256 = sha256

    @transition(field=state, source=[I.MOVING, I.IMPORTED], target=I.SOURCE_RESTORED)
    def restore_source(self) -> None:
        """Undone: the bytes are back at the source, and the library has none of them."""
        self._rest()
        self.media_id, self.destination = None, ""
        self.source_disposition = SourceDisposition.KEPT
