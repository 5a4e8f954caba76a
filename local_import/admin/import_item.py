"""Items in the admin, and the three things an operator can do with them there."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django_fsm import TransitionNotAllowed

from ..audit_logger import Actor
from ..models import ImportItem
from ..services import items
from .base import ReadOnlyAdmin, row_link

QUEUED = _("%(done)d queued, %(refused)d refused in their present state.")
DISMISSED = _("%(done)d dismissed, %(refused)d refused in their present state.")


@admin.register(ImportItem)
class ImportItemAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "badge",
        "code",
        "advice",
        "shown_path",
        "size_bytes",
        "session_link",
        "incident_link",
        "media_link",
    )
    list_filter = ("state", "error_code", "skip_reason")
    search_fields = ("shown_path__startswith", "sha256__startswith", "destination__startswith")
    search_help_text = _("Beginning of the path below the source, of the SHA-256 or destination")
    list_select_related = ("session",)
    ordering = ("-id",)
    exclude = ("path", "path_digest", "failure")
    readonly_fields = ("badge", "audit", "summary", "diagnosis", "actions_list", "evidence")
    actions = ("retry_selected", "import_selected_anyway", "dismiss_selected")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("local_import.operate_import")

    @admin.display(description=_("session"))
    def session_link(self, item: ImportItem) -> SafeString | str:
        return row_link("importsession", item.session_id, item.session)

    @admin.display(description=_("incident"))
    def incident_link(self, item: ImportItem) -> SafeString | str:
        return row_link("incident", item.incident_id, item.incident_id)

    @admin.display(description=_("media"))
    def media_link(self, item: ImportItem) -> SafeString | str:
        return row_link("media", item.media_id, _("in the library"))

    @admin.action(description=_("Retry selected items"), permissions=["operate"])
    def retry_selected(self, request: HttpRequest, chosen: QuerySet[ImportItem]) -> None:
        self._each(request, chosen, items.retry, "Retried in the admin.", QUEUED)

    @admin.action(
        description=_("Import selected damaged items all the same"), permissions=["operate"]
    )
    def import_selected_anyway(self, request: HttpRequest, chosen: QuerySet[ImportItem]) -> None:
        reason = "To be imported although damaged."
        self._each(request, chosen, items.import_anyway, reason, QUEUED)

    @admin.action(description=_("Dismiss selected items"), permissions=["operate"])
    def dismiss_selected(self, request: HttpRequest, chosen: QuerySet[ImportItem]) -> None:
        self._each(request, chosen, items.dismiss, "Dismissed in the admin.", DISMISSED)

    def _each(
        self,
        request: HttpRequest,
        chosen: QuerySet[ImportItem],
        act: Callable[..., ImportItem],
        reason: str,
        text: Promise,
    ) -> None:
        done = refused = 0
        actor = Actor.of(request.user)  # type: ignore[arg-type]
        for pk in chosen.values_list("pk", flat=True):
            try:
                act(pk, actor=actor, reason=reason)
                done += 1
            except TransitionNotAllowed:
                refused += 1
        level = messages.WARNING if refused else messages.SUCCESS
        self.message_user(request, str(text) % {"done": done, "refused": refused}, level)
