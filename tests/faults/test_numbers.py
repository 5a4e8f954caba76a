"""Hostile numbers through the whole import: each comes to rest, and takes no neighbour with it."""

import os

import pytest

from local_import.consistency import look
from local_import.models import ImportItem
from local_import.services import sessions
from local_import.services.sweeper import sweep
from tests.photos import jpeg

from .flow import ACTOR, run_here
from .hostile_numbers import mutants
from .oracle import verify
from .place import write

SAMPLE, ALL, TOGETHER = 60, 3000, 500
NEIGHBOURS = 20


@pytest.mark.parametrize("place", ["move on one disk"], indirect=True)
def test_hostile_numbers(trials, place, request):
    number = ALL if request.config.getoption("--faults") == "all" else SAMPLE
    made = list(mutants(request.config.getoption("--faults-seed"), number))
    for start in range(0, number, TOGETHER):
        batch = made[start : start + TOGETHER]
        trials.blame(f"mutants from {start} on", *tried(place, batch))
        trials.points += len(batch)
    trials.assert_clean()


def tried(place, batch):
    """The violations of an import of these mutants among good neighbours."""
    place.clean()
    good = {f"good/{number}.jpg": jpeg(number + 100) for number in range(NEIGHBOURS)}
    bad = {f"{number}.jpg": content for number, content in enumerate(batch)}
    place.contents |= good | bad
    for name, content in place.contents.items():
        write(place.source / name, content)
    session = run_here(sessions.create(os.fsencode(place.source), mode="move", actor=ACTOR).pk)
    found = [f"{item} is {item.state}" for item in ImportItem.objects.in_work()]
    found += [f"{item} is {item.state}" for item in ImportItem.objects.filter(state="pending")]
    gone_wrong = ImportItem.objects.in_session(session.pk).exclude(state="imported")
    found += [
        f"{item} is {item.state}" for item in gone_wrong.filter(shown_path__startswith="good/")
    ]
    found += [f"{item} is {item.code}" for item in gone_wrong if item.code not in EXPECTED]
    found += (
        [f"the session is {session.state}"] if session.state not in ("imported", "failed") else []
    )
    found += [f"the sweep did {done}" for done in [sweep()] if done]
    found += [f"the check finds {s.rule} {s.key}" for s in look.take().suspects]
    return found + verify(place)


# What a mutant may be called; anything else, `unknown` above all, is a defect of ours.
EXPECTED = {"damaged", "content_mismatch", "duplicate"}
