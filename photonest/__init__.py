"""The Django project: settings from the environment, Celery, addresses, server entry."""

from .celery import app as celery_app

__version__ = "0.1.0"
__all__ = ["celery_app"]
