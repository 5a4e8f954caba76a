"""The addresses of the operator's pages. docs/reference/access.md says who may ask for which."""

from __future__ import annotations

from django.urls import path

from .overview import overview
from .session import session
from .sessions import sessions

app_name = "import"
urlpatterns = [
    path("", overview, name="overview"),
    path("sessions/", sessions, name="sessions"),
    path("sessions/<int:pk>/", session, name="session"),
]
