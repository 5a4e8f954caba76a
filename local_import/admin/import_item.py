"""Items in the admin, and the three things an operator can do with them there."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from .. import operations
from ..audit_logger import Actor
from ..errors import ImportProblem, Operation
from ..models import ImportItem, OperationRun
from ..operations.target import MOST_ITEMS, Target
from .base import ReadOnlyAdmin, row_link

DONE = _("Files done: %(done)d; refused in their present state: %(refused)d.")
BEGUN = _("%(total)d files are being seen to in the background.")


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
        self._do(request, chosen, Operation.RETRY, "Retried in the admin.")

    @admin.action(
        description=_("Import selected damaged items all the same"), permissions=["operate"]
    )
    def import_selected_anyway(self, request: HttpRequest, chosen: QuerySet[ImportItem]) -> None:
        reason = "To be imported although damaged."
        self._do(request, chosen, Operation.IMPORT_ANYWAY, reason)

    @admin.action(description=_("Dismiss selected items"), permissions=["operate"])
    def dismiss_selected(self, request: HttpRequest, chosen: QuerySet[ImportItem]) -> None:
        self._do(request, chosen, Operation.DISMISS, "Dismissed in the admin.")

    def _do(
        self, request: HttpRequest, chosen: QuerySet[ImportItem], name: Operation, reason: str
    ) -> None:
        actor = Actor.of(request.user)  # type: ignore[arg-type]
        ids = tuple(chosen.order_by("pk").values_list("pk", flat=True))
        for start in range(0, len(ids), MOST_ITEMS):
            part = Target("items", ids[start : start + MOST_ITEMS])
            try:
                run = operations.carry_out(name, part, actor=actor, reason=reason)
            except ImportProblem as problem:
                self.message_user(request, str(problem.facts["detail"]), messages.ERROR)
            else:
                level = messages.WARNING if run.refused else messages.SUCCESS
                self.message_user(request, _told(run), level)


def _told(run: OperationRun) -> SafeString:
    number = _("Operation %(number)d") % {"number": run.pk}
    text = DONE if run.is_over else BEGUN
    facts = {"done": run.done, "refused": run.refused, "total": run.total}
    address = reverse("import:operation_run", args=[run.pk])
    return format_html('<a href="{}">{}</a>: {}', address, number, str(text) % facts)
