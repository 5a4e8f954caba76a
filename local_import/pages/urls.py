"""The addresses of the operator's pages. docs/reference/access.md says who may ask for which."""

from __future__ import annotations

from django.urls import path

from .incident import incident
from .item import item
from .overview import overview
from .picture import item_original, item_picture, item_thumbnail
from .session import session
from .sessions import sessions
from .troubleshooting import troubleshooting

app_name = "import"
urlpatterns = [
    path("", overview, name="overview"),
    path("sessions/", sessions, name="sessions"),
    path("sessions/<int:pk>/", session, name="session"),
    path("items/<int:pk>/", item, name="item"),
    path("items/<int:pk>/picture/", item_picture, name="item_picture"),
    path("items/<int:pk>/thumbnail/", item_thumbnail, name="item_thumbnail"),
    path("items/<int:pk>/original/", item_original, name="item_original"),
    path("troubleshooting/", troubleshooting, name="troubleshooting"),
    path("incidents/<int:pk>/", incident, name="incident"),
]
