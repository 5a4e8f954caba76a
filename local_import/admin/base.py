"""What all of our admin pages share: nothing is changed by hand, and large tables stay fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.core.paginator import Paginator
from django.db.models import BinaryField, ForeignKey, IntegerField, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..audit_log_repository import LONGEST_ID
from ..drawing import badge
from ..wording import retell

if TYPE_CHECKING:
    AnyPaginator = Paginator[Any]
    AnyModelAdmin = admin.ModelAdmin[Any]
else:  # these classes take no parameters at run time
    AnyPaginator, AnyModelAdmin = Paginator, admin.ModelAdmin

COUNTED = 10_000  # rows; beyond, a page says "10001" instead of counting a million


class CappedPaginator(AnyPaginator):
    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[: COUNTED + 1].count())


class CountedActionForm(ActionForm):
    """Brings back how many rows the page said that its filter finds."""

    found = forms.IntegerField(label="", required=False, widget=forms.HiddenInput)


class ReadOnlyAdmin(AnyModelAdmin):
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    action_form = CountedActionForm

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """An empty name of a field, as a link may have it, is none."""
        return super().get_object(request, object_id, from_field or None)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Nor may be asked for what no row can be found by: the database would end in an error."""
        by_name = {field.name: field for field in self.opts.fields}
        field = by_name.get(lookup.partition("__")[0])
        if isinstance(field, BinaryField):
            return False
        is_number = isinstance(field, IntegerField | ForeignKey)
        if is_number and any(len(text) > LONGEST_ID for text in str(value).split(",")):
            return False
        return super().lookup_allowed(lookup, value, request)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        answer = super().changelist_view(request, extra_context)
        context = getattr(answer, "context_data", None) or {}  # none of a redirect
        if form := context.get("action_form"):
            form.fields["found"].initial = context["cl"].result_count
        return answer

    def response_action(  # type: ignore[override]  # the stubs know a parameter of a later Django
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> HttpResponse | None:
        """An action on "all" is one on the rows that the page counted, or on none."""
        if not forms.BooleanField().to_python(request.POST.get("select_across")):
            return super().response_action(request, queryset)
        chosen = list(queryset.order_by("pk").values_list("pk", flat=True)[: COUNTED + 1])
        if problem := _why_not_all(len(chosen), request.POST.get("found", "")):
            self.message_user(request, problem, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset.filter(pk__in=chosen))

    @admin.display(description=_("state"), ordering="state")
    def badge(self, row: Any) -> SafeString:
        return badge(str(row.state), row.get_state_display())

    @admin.display(description=_("why, and what to do"))
    def advice(self, row: Any) -> SafeString:
        """The summary of the failure and its first recommended action."""
        failure = retell(row.failure)
        if not failure:
            return format_html(
                "{}", row.get_skip_reason_display() if hasattr(row, "skip_reason") else ""
            )
        actions = failure.get("recommended_actions") or [""]
        return format_html("{}<br><em>{}</em>", failure.get("summary", ""), actions[0])

    @admin.display(description=_("what happened"))
    def summary(self, row: Any) -> str:
        return str(retell(row.failure).get("summary", ""))

    @admin.display(description=_("diagnosis"))
    def diagnosis(self, row: Any) -> str:
        return str(retell(row.failure).get("diagnosis", ""))

    @admin.display(description=_("recommended actions"))
    def actions_list(self, row: Any) -> str:
        return "\n".join(
            f"→ {action}" for action in retell(row.failure).get("recommended_actions", [])
        )

    @admin.display(description=_("evidence"))
    def evidence(self, row: Any) -> str:
        """What was seen, in sentences, and the facts behind them."""
        failure = retell(row.failure)
        facts = failure.get("evidence") or {}
        lines = [f"{name}: {value}" for name, value in facts.items()]
        return "\n".join([*failure.get("seen", []), *lines])

    @admin.display(description=_("audit log"))
    def audit(self, row: Any) -> SafeString:
        """A link to the rows: there may be too many of them for this page."""
        return list_link("auditlog", row, _("its rows"))


def _why_not_all(number: int, said: str) -> str:
    """Why nothing is done to all rows that a filter finds; `said` is the number that the page told."""
    if number > COUNTED:
        text = gettext(
            "Nothing was done: the filter finds more than %(most)d rows, and an action is done only to "
            "rows that were counted. Narrow the list by more filters."
        )
        return text % {"most": COUNTED}
    if said != str(number):
        text = gettext(
            "Nothing was done: the page said %(said)s rows, and the filter finds %(number)d now. Look "
            "at the list again."
        )
        return text % {"said": said or "?", "number": number}
    return ""


def list_link(model: str, row: Any, text: Any) -> SafeString:
    """To the list of `model`, narrowed to what belongs to the session, item, incident or media `row`."""
    kind = str(row._meta.model_name)
    field = {"importsession": "session", "importitem": "item"}.get(kind, kind)
    address = reverse(f"admin:local_import_{model}_changelist")
    return format_html('<a href="{}?{}__id__exact={}">{}</a>', address, field, row.pk, text)


def row_link(model: str, pk: int | None, text: Any) -> SafeString | str:
    """To the page of one row; nothing when there is none."""
    if pk is None:
        return ""
    address = reverse(f"admin:local_import_{model}_change", args=(pk,))
    return format_html('<a href="{}">{}</a>', address, text)
