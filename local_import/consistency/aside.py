"""The rule of originals in the quarantine: a repair took them for strays, as after a database that was
set back, and they may be the only copies."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from django.utils.translation import gettext_lazy as _

from .. import names
from ..audit_logger import Actor
from ..errors import Severity
from ..fsops import Found
from . import quarantine
from .originals import READ, Judge, Kind
from .quarantine import Held, NotRestored
from .rule import CannotRepair, Depth, Keys, Look, Rule, Suspect, key_of, path_of

CHUNK = 500


def find(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    if look.library is None or look.session_id is not None:
        return
    judge = Judge(look.library, READ if keys is None else len(keys))
    files = quarantine.held(look.library) if keys is None else _named(look, keys)
    while chunk := list(islice(files, CHUNK)):
        origins = {one.path: quarantine.manifest_of(look.library, one.path).origin for one in chunk}
        known = [(Found(one.path, "file", one.size_bytes), origins[one.path]) for one in chunk]
        for found, kind in judge.kinds((found, origin) for found, origin in known if origin):
            if kind is Kind.ORIGINAL:
                yield _told(found, origins[found.path] or b"")
            elif kind is Kind.UNREADABLE and keys is None:
                look.left_out["unreadable"] += 1


def _named(look: Look, keys: Keys) -> Iterator[Held]:
    assert look.library
    named = (Held(path_of(key), 0).name for key in keys)
    return (found for found in (quarantine.find(look.library, name) for name in named) if found)


def _told(found: Found, origin: bytes) -> Suspect:
    facts = {
        "path": names.shown(origin),
        "name": Held(found.path, 0).name,
        "bytes": found.size_bytes,
    }
    return Suspect("original_in_quarantine", key_of(found.path), facts)


def put_back(look: Look, suspect: Suspect, actor: Actor) -> None:
    """Raises CannotRepair when another file stands at its place."""
    name = Held(path_of(suspect.key), 0).name
    try:
        quarantine.restore(look.library, name, actor=actor)
    except NotRestored as why:
        raise CannotRepair(str(why)) from why


RULES = (
    Rule(
        code="original_in_quarantine",
        severity=Severity.HIGH,
        about="file",
        depth=Depth.FILES,
        sentence=_(
            "{name} in the quarantine is an original of the library, by its bytes and by its name when it "
            "stood there ({path}), and no media lists it."
        ),
        find=find,
        repair=put_back,
        unlocked=True,
        proposal=_(
            "Put it back as {path}. Then let the library list it: "
            "python manage.py rebuild_library --apply"
        ),
        risk=_("None: nothing is overwritten."),
        advice=_("See what stands at its place now: {path} in the library."),
    ),
)
