"""Alerts in the admin: what is wrong, what is watched, and what became of telling somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from ..alerts import book, rules
from ..audit_logger import Actor
from ..models import Alert, AlertNotice, AlertRule
from .base import ReadOnlyAdmin

if TYPE_CHECKING:
    from django.db.models import QuerySet

    RuleForm = forms.ModelForm[AlertRule]
else:
    RuleForm = forms.ModelForm

SET = ("enabled", *rules.NUMBERS, "muted_until", "muted_reason")


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "badge",
        "severity",
        "summary",
        "what_to_do",
        "rule",
        "began_at",
        "fired_at",
    )
    list_filter = ("state", "severity", "rule")
    list_select_related = ("rule",)
    ordering = ("-began_at", "-id")
    exclude = ("evidence",)
    actions = ("acknowledge",)

    @admin.display(description=_("what to do"))
    def what_to_do(self, row: Alert) -> str:
        return row.advice

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("local_import.operate_import")

    @admin.action(
        description=_("Acknowledge: let others know that you see to it"), permissions=["operate"]
    )
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        done = 0
        for alert in queryset:
            try:
                reason = str(_("Acknowledged in the admin."))
                book.acknowledge(alert.pk, actor=Actor.of(request.user), reason=reason)  # type: ignore[arg-type]
                done += 1
            except Alert.DoesNotExist:
                told = _("Alert {number} does not fire: there is nothing to see to.")
                self.message_user(request, told.format(number=alert.pk), messages.WARNING)
        text = ngettext("{number} alert acknowledged.", "{number} alerts acknowledged.", done)
        self.message_user(request, text.format(number=done))


class Form(RuleForm):
    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if problem := rules.problem(self.instance.code, values):
            raise forms.ValidationError(problem)
        return values


@admin.register(AlertRule)
class AlertRuleAdmin(ReadOnlyAdmin):
    """What an operator may set is set by the service, which audits it."""

    form = Form
    list_display = (
        "code",
        "watches",
        "enabled",
        "threshold",
        "unit",
        "muted_until",
        "evaluated_at",
        "trouble",
    )
    ordering = ("id",)
    fields = ("code", "watches", *SET, "unit", "muted_by", "evaluated_at", "trouble")
    readonly_fields = ("code", "watches", "unit", "muted_by", "evaluated_at", "trouble")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AlertRule]:
        return super().get_queryset(request).filter(code__in=rules.SIGNALS)

    def has_change_permission(self, request: HttpRequest, obj: AlertRule | None = None) -> bool:
        return request.user.has_perm("local_import.maintain_import")

    def save_model(self, request: HttpRequest, obj: AlertRule, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in SET}
        rules.change(obj.code, values, actor=Actor.of(request.user))  # type: ignore[arg-type]

    @admin.display(description=_("watches"))
    def watches(self, rule: AlertRule) -> str:
        return str(rules.SIGNALS[rule.code].watches)

    @admin.display(description=_("the threshold counts"))
    def unit(self, rule: AlertRule) -> str:
        return str(rules.SIGNALS[rule.code].unit)


@admin.register(AlertNotice)
class AlertNoticeAdmin(ReadOnlyAdmin):
    list_display = ("id", "badge", "channel", "event", "alert", "attempts", "trouble", "created_at")
    list_filter = ("state", "channel", "event")
    list_select_related = ("alert",)
    ordering = ("-id",)
