"""Files of the library that are gone at once: which, and what that looks like.

What a person has seen is named by the number of the files and a digest of their ids, so that what is
accepted is that, and nothing that came later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db.models import Min
from django.utils.translation import gettext_lazy as _

from .. import names
from ..errors import Severity
from ..models import Media
from .breaker import place
from .media import find_by_size
from .rule import Depth, Look, Rule, Suspect, key_of

CHUNK = 1000
NEWEST = 0.95  # of what was imported since: then a library is called set back
TOLD = 200  # stretches of ids that a finding names


def missing_now(look: Look) -> list[int]:
    """The ids of the media whose files are gone, without those that are known to be lost."""
    found = (suspect for suspect in find_by_size(look, None) if suspect.rule == "media_missing")
    return sorted(int(suspect.key) for suspect in found)


def target_of(ids: Sequence[int]) -> str:
    """What an operation is asked for that is to accept the loss of these and of no others."""
    digest = hashlib.blake2b(",".join(map(str, ids)).encode(), digest_size=8).hexdigest()
    return f"missing:{len(ids)}:{digest}"


def told(ids: Sequence[int]) -> Suspect:
    """The finding that stands for them all."""
    since, newer = _newest(ids)
    set_back = NEWEST * newer <= len(ids) < Media.objects.count()
    examples = Media.objects.filter(pk__in=ids[:5]).order_by("pk").values_list("path", flat=True)
    facts = {
        "path": names.shown(place()),
        "number": len(ids),
        "examples": ", ".join(names.shown(path.encode()) for path in examples),
        "since": f"{since:%Y-%m-%d %H:%M}" if since else "",
        "media": stretches(ids, TOLD),
        "target": target_of(ids),
    }
    code = "library_set_back" if set_back else "files_gone_at_once"
    return Suspect(code, key_of(place()), facts)


def chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


def _newest(ids: Sequence[int]) -> tuple[datetime | None, int]:
    """Since when they were imported, and how many files were altogether."""
    parts = (Media.objects.filter(pk__in=some) for some in chunks(ids))
    first = [part.aggregate(first=Min("imported_at"))["first"] for part in parts]
    since = min((one for one in first if one), default=None)
    return since, Media.objects.filter(imported_at__gte=since).count() if since else 0


def stretches(ids: Sequence[int], most: int | None = None) -> str:
    """Sorted ids as people write them, 1-3, 7: so many stretches at most."""
    ends: list[list[int]] = []
    for pk in ids:
        if ends and pk == ends[-1][1] + 1:
            ends[-1][1] = pk
        else:
            ends.append([pk, pk])
    told = [str(first) if first == last else f"{first}-{last}" for first, last in ends[:most]]
    return ", ".join(told + ["…"] * (len(told) < len(ends)))


def ids_in(stretches: str) -> list[int]:
    """The ids that were written so."""
    ends = [part.partition("-") for part in stretches.split(", ") if part]
    return [pk for first, _, last in ends for pk in range(int(first), int(last or first) + 1)]


RULES = (
    Rule(
        code="library_set_back",
        severity=Severity.CRITICAL,
        about="library",
        depth=Depth.FILES,
        sentence=_(
            "{number} files of the library {path} are gone at once, {examples} among them: those that "
            "were imported since {since}. It seems to have been set back to an older day."
        ),
        advice=_(
            "Until this is settled no file is judged, and nothing is repaired. Restore the newer "
            "library from a backup, or mount what is missing, and check again. Photos that are at hand "
            "elsewhere go back to their places by an import: python manage.py import_photos DIRECTORY. "
            "What is lost for good is accepted; each file is looked for once more: "
            "python manage.py import_operation accept_loss {target}"
        ),
        find=lambda look, keys: (),  # judged by look, over the files that the other rules miss
    ),
    Rule(
        code="files_gone_at_once",
        severity=Severity.CRITICAL,
        about="library",
        depth=Depth.FILES,
        sentence=_("{number} files of the library {path} are gone at once, {examples} among them."),
        advice=_(
            "Until this is settled no file is judged, and nothing is repaired. Look whether a disk or "
            "a part of {path} is not mounted, or restore the files from a backup, and check again. "
            "Photos that are at hand elsewhere go back to their places by an import: "
            "python manage.py import_photos DIRECTORY. What is lost for good is accepted; each file "
            "is looked for once more: python manage.py import_operation accept_loss {target}"
        ),
        find=lambda look, keys: (),  # judged by look, over the files that the other rules miss
    ),
)
