"""Items in the admin, and the three things an operator can do with them there."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django_fsm import TransitionNotAllowed

from ..audit_logger import Actor
from ..models import ImportItem
from ..services import items
from .base import ReadOnlyAdmin


@admin.register(ImportItem)
class ImportItemAdmin(ReadOnlyAdmin):
    list_display = ("id", "badge", "advice", "shown_path", "code", "size_bytes", "session_link")
    list_filter = ("state", "error_code", "skip_reason")
    search_fields = ("shown_path__startswith", "sha256__startswith", "destination__startswith")
    search_help_text = _("Beginning of the path below the source, of the SHA-256 or destination")
    list_select_related = ("session",)
    ordering = ("-id",)
    exclude = ("path", "path_digest", "failure")
    readonly_fields = ("badge", "session_link", "audit", "diagnosis", "actions_list")
    actions = ("retry_selected", "import_selected_anyway", "dismiss_selected")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup == "session__id__exact" or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("local_import.operate_import")

    @admin.display(description=_("session"))
    def session_link(self, item: ImportItem) -> SafeString:
        address = reverse("admin:local_import_importsession_change", args=(item.session_id,))
        return format_html('<a href="{}">{}</a>', address, item.session)

    @admin.display(description=_("audit log"))
    def audit(self, item: ImportItem) -> SafeString:
        address = reverse("admin:local_import_auditlog_changelist")
        return format_html(
            '<a href="{}?item__id__exact={}">{}</a>', address, item.pk, _("its rows")
        )

    @admin.action(description=_("Retry selected items"), permissions=["operate"])
    def retry_selected(self, request: HttpRequest, chosen: QuerySet[ImportItem]) -> None:
        self._each(request, chosen, items.retry, "Retried in the admin.")

    @admin.action(
        description=_("Import selected damaged items all the same"), permissions=["operate"]
    )
    def import_selected_anyway(self, request: HttpRequest, chosen: QuerySet[ImportItem]) -> None:
        self._each(request, chosen, items.import_anyway, "To be imported although damaged.")

    @admin.action(description=_("Dismiss selected items"), permissions=["operate"])
    def dismiss_selected(self, request: HttpRequest, chosen: QuerySet[ImportItem]) -> None:
        self._each(request, chosen, items.dismiss, "Dismissed in the admin.")

    def _each(
        self,
        request: HttpRequest,
        chosen: QuerySet[ImportItem],
        act: Callable[..., ImportItem],
        reason: str,
    ) -> None:
        done = refused = 0
        actor = Actor.of(request.user)  # type: ignore[arg-type]
        for pk in chosen.values_list("pk", flat=True):
            try:
                act(pk, actor=actor, reason=reason)
                done += 1
            except TransitionNotAllowed:
                refused += 1
        text = _("%(done)d done, %(refused)d refused in their present state.")
        level = messages.WARNING if refused else messages.SUCCESS
        self.message_user(request, text % {"done": done, "refused": refused}, level)
