"""The addresses of the operator's pages. docs/reference/access.md says who may ask for which."""

from __future__ import annotations

from django.urls import path

from .alerts import acknowledge, alerts, mute
from .audit import audit, audit_export
from .consistency import accept, consistency, finding, findings_list, quarantined
from .explain import explanation
from .health import health
from .incident import incident
from .item import item
from .operations import cancel, operation, run, runs
from .overview import overview
from .performance import performance
from .picture import item_original, item_picture, item_thumbnail
from .session import session, why
from .session_items import session_items
from .session_report import session_report
from .sessions import sessions
from .start import start
from .troubleshooting import troubleshooting

app_name = "import"
urlpatterns = [
    path("", overview, name="overview"),
    path("alerts/", alerts, name="alerts"),
    path("alerts/<int:pk>/acknowledge/", acknowledge, name="alert_acknowledge"),
    path("alerts/rules/<str:code>/mute/", mute, name="alert_mute"),
    path("audit/", audit, name="audit"),
    path("audit/export/<str:form>/", audit_export, name="audit_export"),
    path("consistency/", consistency, name="consistency"),
    path("consistency/quarantine/", quarantined, name="quarantine"),
    path("consistency/findings/", findings_list, name="findings"),
    path("consistency/findings/<int:pk>/", finding, name="finding"),
    path("consistency/findings/<int:pk>/accept/", accept, name="finding_accept"),
    path("explain/", explanation, name="explain"),
    path("health/", health, name="health"),
    path("operations/", runs, name="operations"),
    path("operations/runs/<int:pk>/", run, name="operation_run"),
    path("operations/runs/<int:pk>/cancel/", cancel, name="operation_cancel"),
    path("operations/<slug:name>/", operation, name="operation"),
    path("performance/", performance, name="performance"),
    path("start/", start, name="start"),
    path("sessions/", sessions, name="sessions"),
    path("sessions/<int:pk>/", session, name="session"),
    path("sessions/<int:pk>/items/", session_items, name="session_items"),
    path("sessions/<int:pk>/why/", why, name="session_why"),
    path("sessions/<int:pk>/report/<str:form>/", session_report, name="session_report"),
    path("items/<int:pk>/", item, name="item"),
    path("items/<int:pk>/picture/", item_picture, name="item_picture"),
    path("items/<int:pk>/thumbnail/", item_thumbnail, name="item_thumbnail"),
    path("items/<int:pk>/original/", item_original, name="item_original"),
    path("troubleshooting/", troubleshooting, name="troubleshooting"),
    path("incidents/<int:pk>/", incident, name="incident"),
]
