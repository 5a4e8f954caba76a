"""Acting: what an operation would do is shown before it is done, and what became of it afterwards."""

from __future__ import annotations

import uuid
from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from .. import operations
from ..audit_logger import Actor
from ..errors import ImportProblem, Operation
from ..models import OperationRun
from ..models.operation_run import RunState
from ..operations import REGISTRY, Preview
from ..troubleshooting import TroubleshootingEngine
from .links import address_of
from .page import Context, draw

LONGEST_REASON = 1_000  # characters
NEWEST = 100  # runs listed


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("local_import.see_imports", raise_exception=True)
def operation(request: HttpRequest, name: str) -> HttpResponse:
    """GET shows what it would do to ?target=, or to files as ?item=; POST does it, once for each key."""
    preview = _preview(name, _target(request))
    if not request.user.has_perm(preview.permission):
        raise PermissionDenied
    if request.method == "POST":
        return _carry_out(request, preview)
    return _ask(request, preview)


def _target(request: HttpRequest) -> str:
    chosen = request.GET.getlist("item")
    target = "items:" + ",".join(chosen) if chosen else request.GET.get("target", "")
    if not target:
        raise Http404(_("Nothing was chosen. Go back and choose the files first."))
    return target


def _preview(name: str, target: str) -> Preview:
    try:
        return operations.preview(name, target)
    except (ValueError, ObjectDoesNotExist, ImportProblem) as wrong:
        raise Http404(
            _("There is no such operation, or what it is about is not there any more.")
        ) from wrong


def _ask(request: HttpRequest, preview: Preview, failure: Context | None = None) -> HttpResponse:
    context = {
        "preview": preview,
        "key": uuid.uuid4().hex,
        "back": address_of(preview.target),
        "failure": failure,
        "longest_reason": LONGEST_REASON,
    }
    return draw(request, "operation", preview.label, context, status=409 if failure else 200)


def _carry_out(request: HttpRequest, preview: Preview) -> HttpResponse:
    reason = request.POST.get("reason", "").strip()[:LONGEST_REASON]
    try:
        run = operations.carry_out(
            preview.name,
            preview.target,
            actor=_actor(request),
            reason=reason or _("Asked for on the pages."),
            key=request.POST.get("key", "")[:64],
        )
    except ImportProblem as problem:
        failure = TroubleshootingEngine().diagnose(problem).as_failure()
        return _ask(request, _preview(preview.name, preview.target), failure)
    if not run.is_over or run.refusals or run.failure:
        return redirect("import:operation_run", pk=run.pk)
    told = {"label": preview.label, "number": run.done}
    text = ngettext(
        "%(label)s: done, %(number)d file.", "%(label)s: done, %(number)d files.", run.done
    )
    messages.success(request, text % told)
    return redirect(address_of(preview.target))


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def runs(request: HttpRequest) -> HttpResponse:
    found = OperationRun.objects.order_by("-pk")[:NEWEST]
    return draw(request, "operations", _("Operations"), {"runs": found, "newest": NEWEST})


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def run(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(OperationRun, pk=pk)
    title = _("Operation %(number)d") % {"number": pk}
    context = {"run": row, "back": address_of(row.target)}
    parts = {"progress": partial(_progress, row)}
    return draw(request, "operation_run", title, context, parts=parts, moving=not row.is_over)


def _progress(run: OperationRun) -> Context:
    waits = run.state == RunState.WAITING
    stoppable = not run.is_over and (waits or REGISTRY[Operation(run.name)].in_parts)
    return {"stoppable": stoppable}


@require_POST
@permission_required("local_import.operate_import", raise_exception=True)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(OperationRun, pk=pk)
    try:
        operations.cancel(pk, actor=_actor(request), reason=_("Asked for on the pages."))
    except ImportProblem as problem:
        messages.error(request, str(problem.facts["detail"]))
    return redirect("import:operation_run", pk=pk)


def _actor(request: HttpRequest) -> Actor:
    return Actor.of(request.user)  # type: ignore[arg-type]  # nobody else comes here
