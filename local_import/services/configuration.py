"""The settings as they are in force: value, where it comes from, and what it is for. No secret is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext_lazy as _

from ..errors import Text

ORIGINS: dict[str, Text] = {
    "environment": _("environment"),
    "file": _("file .env"),
    "default": _("default"),
}


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    meaning: Text
    _read: Callable[[], object]
    is_private: bool = False  # names places or people: for operators

    @property
    def value(self) -> str:
        return str(self._read())

    @property
    def origin(self) -> Text:
        return ORIGINS[settings.PHOTONEST_ORIGIN(self.name)]


_NONE, _HIDDEN = "-", "••••••"


def _database() -> str:
    known = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite: {known['NAME']}"
    return f"postgresql: {known['NAME']} on {known['HOST'] or 'this host'}"


def _broker() -> str:
    parts = urlsplit(settings.CELERY_BROKER_URL)
    if parts.scheme == "filesystem":
        return str(settings.PHOTONEST_QUEUE)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


def _alert_hosts() -> str:
    known = settings.PHOTONEST_ALERT_HOSTS
    return ", ".join([*sorted(known.names), *map(str, known.networks)]) or _NONE


def _secret(name: str) -> Callable[[], str]:
    return lambda: _HIDDEN if getattr(settings, name) else _NONE


def _listed(name: str) -> Callable[[], str]:
    return lambda: ", ".join(map(str, getattr(settings, name))) or _NONE


SETTINGS = (
    Setting(
        "PHOTONEST_HOME",
        _("Directory for what the desk itself keeps."),
        lambda: settings.PHOTONEST_HOME,
        is_private=True,
    ),
    Setting(
        "PHOTONEST_LIBRARY",
        _("Directory of the imported originals."),
        lambda: settings.PHOTONEST_LIBRARY,
        is_private=True,
    ),
    Setting(
        "PHOTONEST_SOURCES",
        _("Directories below which an import may be started on these pages."),
        _listed("PHOTONEST_SOURCES"),
        is_private=True,
    ),
    Setting("DATABASE_URL", _("The database."), _database, is_private=True),
    Setting("CELERY_BROKER_URL", _("The message broker."), _broker, is_private=True),
    Setting(
        "PHOTONEST_WORKERS",
        _("Processes that import one session at the same time, on all hosts together."),
        lambda: settings.PHOTONEST_WORKERS,
    ),
    Setting(
        "PHOTONEST_TIME_ZONE",
        _("Zone that is assumed for a capture time without an offset."),
        lambda: settings.TIME_ZONE,
    ),
    Setting(
        "PHOTONEST_RETRIES",
        _("How often a file is tried again by itself when its trouble may pass."),
        lambda: settings.PHOTONEST_RETRIES,
    ),
    Setting(
        "PHOTONEST_QUIET_TIME",
        _("For how many seconds a file must have been still before it is imported."),
        lambda: settings.PHOTONEST_QUIET_TIME,
    ),
    Setting(
        "PHOTONEST_SECRET_KEY",
        _("Key that signs the sessions of these pages."),
        _secret("SECRET_KEY"),
    ),
    Setting(
        "PHOTONEST_ALLOWED_HOSTS",
        _("Host names that these pages answer to."),
        _listed("ALLOWED_HOSTS"),
    ),
    Setting(
        "PHOTONEST_METRICS_TOKEN",
        _("Token with which a monitoring system reads the metrics."),
        _secret("PHOTONEST_METRICS_TOKEN"),
    ),
    Setting(
        "PHOTONEST_ALERT_EMAILS",
        _("Who is told of alerts by e-mail."),
        _listed("PHOTONEST_ALERT_EMAILS"),
        is_private=True,
    ),
    Setting(
        "PHOTONEST_EMAIL_URL",
        _("The mail server."),
        lambda: f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}",
        is_private=True,
    ),
    Setting(
        "PHOTONEST_EMAIL_FROM",
        _("The sender of these e-mails."),
        lambda: settings.DEFAULT_FROM_EMAIL,
        is_private=True,
    ),
    Setting(
        "PHOTONEST_ALERT_WEBHOOK",
        _("The address that alerts are posted to; often a secret by itself."),
        _secret("PHOTONEST_ALERT_WEBHOOK"),
    ),
    Setting(
        "PHOTONEST_ALERT_WEBHOOK_SECRET",
        _("Key that signs what is posted."),
        _secret("PHOTONEST_ALERT_WEBHOOK_SECRET"),
    ),
    Setting(
        "PHOTONEST_ALERT_HOSTS",
        _("Hosts and networks that the webhook may reach although they are not public."),
        _alert_hosts,
        is_private=True,
    ),
    Setting(
        "PHOTONEST_ALERT_APPRISE",
        _("Addresses of Apprise that alerts are sent to."),
        _secret("PHOTONEST_ALERT_APPRISE"),
    ),
    Setting(
        "PHOTONEST_DEBUG",
        _("Shows the program's inside to whoever meets an error. Never on for others."),
        lambda: int(settings.DEBUG),
    ),
)
