"""The application's entry in Django's registry."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class LocalImportConfig(AppConfig):
    name = "local_import"
    verbose_name = _("Local import")

    def ready(self) -> None:
        post_migrate.connect(_install_guards, sender=self)
        post_migrate.connect(_install_roles)


def _install_guards(*, using: str, **_: Any) -> None:
    from . import guards  # not before the models are loaded

    guards.install(using)


def _install_roles(*, sender: AppConfig, using: str, **_: Any) -> None:
    from . import roles  # not before the models are loaded

    # The last whose permissions a role is given; the others' are made before.
    if sender.label == "auth":
        roles.install(using)
