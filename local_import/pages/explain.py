"""The box on every page: whatever is typed there, what it is, why, and what can be done."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ..services.explain import Answer, explain
from .links import address_of
from .page import Context, draw

LONGEST = 5_000  # characters: a path has 4,096 bytes at most


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def explanation(request: HttpRequest) -> HttpResponse:
    target = request.GET.get("target", "").strip()
    context: Context = {"target": target[:LONGEST], "explained": target[:LONGEST]}
    if len(target) > LONGEST:
        context["too_long"] = LONGEST
    elif target:
        context |= _told(explain(target), request.user.has_perm("local_import.see_details"))
    return draw(request, "explain", _("Explain"), context)


def _told(answer: Answer, sees_details: bool) -> Context:
    """What may be said to the one who asks, with the address of all that is named."""
    found = [
        {
            "target": one.target,
            "label": one.label if sees_details else "",
            "address": address_of(one.target),
        }
        for one in answer.candidates
    ]
    if answer.explanation is None:
        return {"candidates": found, "looked": answer.looked}
    address = address_of(answer.explanation.target)
    return {"explanation": answer.explanation, "address": address}
