"""The Celery application. Its settings are those of Django that begin with CELERY_."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

from . import pool, queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "photonest.settings")
TRANSPORT_ALIASES["filesystem"] = "photonest.broker:Transport"
app = Celery("photonest")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_configure.connect
def _prepare_queue(**_: Any) -> None:
    from django.conf import settings

    queue.prepare(settings.CELERY_BROKER_URL, settings.PHOTONEST_QUEUE)


__all__ = ["app", "pool"]  # the pool's signals are connected by its import
