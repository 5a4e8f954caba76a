"""The Django project: settings from the environment, Celery, addresses, server entry."""

from .celery import app as celery_app

__all__ = ["celery_app"]
