"""The roles: who may see, who may run imports, who may put things right.

Groups of these names are made by every `migrate`. Permissions that a new version asks for are added;
what an administrator gave to a group besides stays.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission
from django.db.models import Func, Model, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Concat

VIEWER, OPERATOR, MAINTAINER = "viewer", "operator", "maintainer"
# Absolute paths, stack traces and places are for operators; so are the admin's own pages, which hide
# nothing.
_SEES_ALL = Q(content_type__app_label="local_import", codename__startswith="view_")
_BEAT = Q(content_type__app_label="django_celery_beat", codename__regex="^(view|change)_")
ADDS = {  # each role has what those before it have
    VIEWER: Q(codename="see_imports"),
    OPERATOR: Q(codename__in=["see_details", "operate_import"]) | _SEES_ALL,
    MAINTAINER: Q(codename="maintain_import") | _BEAT,
}


def install(using: str = "default") -> None:
    """Make the groups and give them what they lack."""
    given = Q()
    for role, permissions in ADDS.items():
        given |= permissions
        group, _made = Group.objects.using(using).get_or_create(name=role)
        has = set(group.permissions.values_list("pk", flat=True))
        lacks = Permission.objects.using(using).filter(given).exclude(pk__in=has)
        group.permissions.add(*lacks)


class _Joined(Func):
    """The texts of all rows as one, with spaces between. No Aggregate: it is to group nothing."""

    function = "STRING_AGG"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **options: Any) -> Any:
        return self.as_sql(compiler, connection, function="GROUP_CONCAT", **options)


class RolesBackend(ModelBackend):
    """Reads who somebody is and what they may, by themselves and by their groups, by one query: every
    page and every part of one asks for it."""

    def get_user(self, user_id: Any) -> Any:
        found = get_user_model()._default_manager.annotate(may=Subquery(_given(OuterRef("pk"))))
        user = found.filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None

    def get_all_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        if user_obj.is_superuser or not user_obj.is_active or obj is not None:
            return super().get_all_permissions(user_obj, obj)
        if not hasattr(user_obj, "_perm_cache"):
            may = user_obj.may if hasattr(user_obj, "may") else _given(user_obj.pk).get()
            user_obj._perm_cache = set((may or "").split())
        known: set[str] = user_obj._perm_cache
        return known


def _given(user: Any) -> QuerySet[Permission, str | None]:
    """One row: what a user may, as app.codename with spaces between; None for nothing."""
    named = Concat("content_type__app_label", Value("."), "codename")
    rows = Permission.objects.filter(Q(user=user) | Q(group__user=user)).order_by()
    return rows.annotate(named=_Joined(named, Value(" "))).values_list("named", flat=True)
