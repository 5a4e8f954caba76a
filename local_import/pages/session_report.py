"""The report of a session to take away, in the formats that the command import_report writes as well."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ..management.report_formats import FORMATS
from ..reporting import files, generate_troubleshooting_report
from .session import session_or_404

_TYPES = {"text": "text/plain", "json": "application/json", "csv": "text/csv", "html": "text/html"}
_ENDINGS = {"text": "txt"}


@require_safe
@permission_required(["local_import.see_imports", "local_import.see_details"], raise_exception=True)
def session_report(request: HttpRequest, pk: int, form: str) -> StreamingHttpResponse:
    """Written piece by piece: a million files need no more memory than ten."""
    if form not in FORMATS:
        known = ", ".join(FORMATS)
        raise Http404(_("A report can be had as one of these: %(known)s.") % {"known": known})
    session_or_404(pk)
    pieces = FORMATS[form](generate_troubleshooting_report(pk), files(pk))
    name = f"session-{pk}.{_ENDINGS.get(form, form)}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(
        pieces, content_type=f"{_TYPES[form]}; charset=utf-8", headers=headers
    )
