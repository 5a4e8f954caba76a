"""What a list is asked for, from the address: what is not known is said to be so, and never ignored."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _


def word(request: HttpRequest, name: str, known: Sequence[str]) -> str:
    """The value of a filter, empty for none. Raises Http404 that names what is known."""
    asked = request.GET.get(name, "")
    if asked and asked not in known:
        told = {"name": name, "word": asked[:100], "known": ", ".join(known)}
        raise Http404(_("Of %(name)s, “%(word)s” is not known. It is one of: %(known)s.") % told)
    return asked


def query_from(request: HttpRequest, after: object) -> str:
    """The same question, from another place on; from the top for None."""
    query = request.GET.copy()
    query.pop("after", None)
    query.pop("part", None)
    query.pop("seen", None)
    if after is not None:
        query["after"] = str(after)
    return f"?{query.urlencode()}"
