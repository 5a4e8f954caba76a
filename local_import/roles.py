"""The roles: who may see, who may run imports, who may put things right.

Groups of these names are made by every `migrate`. Permissions that a new version asks for are added;
what an administrator gave to a group besides stays.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission
from django.db.models import Model, Q

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


class RolesBackend(ModelBackend):
    """Reads what a user may do, by themselves and by their groups, at once: every page asks for it."""

    def get_all_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        if user_obj.is_superuser or not user_obj.is_active or obj is not None:
            return super().get_all_permissions(user_obj, obj)
        if not hasattr(user_obj, "_perm_cache"):
            given = Q(user=user_obj) | Q(group__user=user_obj)
            named = Permission.objects.filter(given).order_by().distinct()
            found = named.values_list("content_type__app_label", "codename")
            user_obj._perm_cache = {f"{label}.{codename}" for label, codename in found}
        known: set[str] = user_obj._perm_cache
        return known
