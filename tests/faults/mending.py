"""A finished import is damaged in many ways at once, and its repair is killed: nothing is lost, each
file that moved is told of, and the next repair comes to the end."""

from __future__ import annotations

import os
from collections.abc import Iterator

from local_import import names
from local_import.consistency import look, quarantine, repair
from local_import.consistency.breaker import library_to_look_at
from local_import.consistency.rule import Depth
from local_import.models import AuditLog, Finding, ImportItem, ImportSession, Media
from tests.consistency import flip, forget

from .boundaries import Act, Boundary, kill, nothing
from .flow import ACTOR
from .oracle import files, verify
from .place import Place, write
from .trial import Trials, _unhandled

STRAY = b"somebody's only copy"


def mend() -> None:
    repair.repair(depth=Depth.CONTENTS, actor=ACTOR)


def damage(place: Place) -> None:
    """Every kind of repair has something to do: rows, states, the log, and files in each direction."""
    one, other = ImportItem.objects.filter(state="imported").order_by("pk")
    write(place.library / one.media.path, b"damaged")
    forget(AuditLog.objects.transitions().of_item(one.pk).filter(to_state="imported"))
    ImportItem.objects.filter(pk=other.pk).update(destination="2001/elsewhere.jpg")
    flip(ImportItem.objects.filter(state="skipped"), state="pending", stopped_in="", skip_reason="")
    ImportSession.objects.update(counts={})
    write(place.library / "stray.jpg", STRAY)
    write(place.library / ".incoming/odd", b"half")


def loss(place: Place) -> None:
    """One file is gone, and of another only the quarantine has the bytes."""
    gone, aside = Media.objects.order_by("pk")
    (place.library / gone.path).unlink()
    write(place.library / "quarantine/kept", (place.library / aside.path).read_bytes())
    (place.library / aside.path).unlink()
    for path in place.source.rglob("*.jpg"):
        if path.read_bytes() == (place.library / "quarantine/kept").read_bytes():
            path.unlink()


def boundaries_of_repair(trials: Trials, harm: object) -> list[Boundary]:
    _prepare(trials, harm)
    ending = trials.child(mend).end()
    trials.blame("without a kill", *_unhandled("the repair", ending), *_left())
    return ending.result or []


def repair_killed_at(trials: Trials, harm: object, at: Boundary) -> None:
    """SIGKILL at one boundary of a repair."""
    where = f"repair of {harm.__name__} killed at {at.number} ({at.name})"  # type: ignore[attr-defined]
    trials.points += 1
    before = _prepare(trials, harm)
    if not trials.child(mend, kill(at.number)).end().killed:
        trials.blame(where, "the boundary was not reached")
    trials.blame(where, *_lost(trials, before), *_unheard_of(trials.place))
    trials.blame(where, *_unhandled("the next repair", trials.child(mend).end()))
    trials.blame(where, *_lost(trials, before), *_unheard_of(trials.place), *_left())
    trials.blame(where, *verify(trials.place))


def _prepare(trials: Trials, harm: object) -> set[str]:
    """Returns the hashes of all that is there before the repair."""
    trials.import_with()
    Finding.objects.all().delete()
    harm(trials.place)  # type: ignore[operator]
    return _held(trials.place)


def _held(place: Place) -> set[str]:
    return set(files(place.library).values()) | set(files(place.source).values())


def _lost(trials: Trials, before: set[str]) -> list[str]:
    return [f"the bytes {one[:8]} are lost" for one in before - _held(trials.place)]


def _left() -> list[str]:
    return [f"{s.rule} {s.key} is left" for s in look.take(depth=Depth.CONTENTS).suspects]


def _unheard_of(place: Place) -> Iterator[str]:
    """Files in the quarantine of which no audit row tells where they came from."""
    told = AuditLog.objects.filter(action="consistency.repair_begun").values_list("details")
    origins = {details.get("path") for (details,) in told}
    with library_to_look_at() as library:
        assert library
        for held in quarantine.held(library):
            origin = quarantine.manifest_of(library, held.path).origin
            if origin and names.shown(origin) not in origins:
                yield f"nobody tells who set {held.name} aside"


def set_stray_aside(trials: Trials) -> str:
    """Returns the name of the stray in the quarantine."""
    trials.import_with()
    Finding.objects.all().delete()
    write(trials.place.library / "stray.jpg", STRAY)
    mend()
    with library_to_look_at() as library:
        assert library
        (held,) = quarantine.held(library)
        return held.name


def restoring(trials: Trials, name: str, act: Act = nothing) -> list[Boundary]:
    """The boundaries of a restore in a child; none when it was killed, or found nothing to do."""

    def restore() -> None:
        with library_to_look_at() as library:
            assert library
            quarantine.restore(library, name, actor=ACTOR)

    return trials.child(restore, act).end().result or []


def restore_killed_at(trials: Trials, number: int) -> None:
    """SIGKILL at one boundary of a restore from the quarantine; it is asked for once more."""
    where = f"restore killed at {number}"
    trials.points += 1
    name = set_stray_aside(trials)
    if restoring(trials, name, kill(number)):
        trials.blame(where, "the boundary was not reached")
    back = trials.place.library / "stray.jpg"
    if back.exists() == (trials.place.library / "quarantine" / name).exists():
        trials.blame(where, "the file is at two places, or at none")
    told = AuditLog.objects.filter(action="quarantine.restore_begun").exists()
    if back.exists() and not told:
        trials.blame(where, "nobody tells who put it back")
    restoring(trials, name)
    if back.read_bytes() != STRAY or os.path.exists(trials.place.library / "quarantine" / name):
        trials.blame(where, "it did not come back")
