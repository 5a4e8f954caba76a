"""How many of the waiting files a worker takes at once."""

import pytest

from local_import import names
from local_import.audit_logger import SYSTEM
from local_import.models import ImportItem
from local_import.pipeline import scan
from local_import.pipeline.claim import BATCH_ITEMS, claim
from tests import builders

pytestmark = pytest.mark.django_db
KB, MB, GB, MIB = 10**3, 10**6, 10**9, 2**20


def session_of(sizes):
    session = builders.make_session("importing", started_at=builders.MOMENT)
    rows = [(path := b"%d.jpg" % n, names.digest(path), f"{n}.jpg", s) for n, s in enumerate(sizes)]
    scan._record(session.pk, rows, SYSTEM)
    return session


@pytest.mark.parametrize(
    "sizes",
    [
        [3 * MB] * 300,
        [80 * KB] * 600,
        [40 * GB, 5, 40 * GB, 5, 5],
        [0] * 10,
        [400 * KB] * 200 + [600 * MB] * 3 + [20 * MB] * 60,
    ],
    ids=["large", "small", "films", "empty", "mixed"],
)
def test_a_batch_is_a_third_of_what_waits_and_neither_tiny_nor_endless(sizes):
    session = session_of(sizes)
    left = list(sizes)

    while batch := claim(session.pk, SYSTEM):
        assert [work.size_bytes for work in batch] == left[: len(batch)]
        *first, last = (work.size_bytes for work in batch)
        is_full = len(batch) in (BATCH_ITEMS, len(left))
        assert sum(first) + last >= 96 * MIB or is_full, "a batch costs too much to be smaller"
        assert sum(first) < 256 * MIB, "the others would wait long for the last worker"
        assert sum(first) < max(sum(left) / 3, 96 * MIB), "the others would have nothing to do"
        del left[: len(batch)]

    assert left == [] and not ImportItem.objects.filter(state="pending").exists()
