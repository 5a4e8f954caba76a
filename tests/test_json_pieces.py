"""A report as JSON in pieces: what json.loads gives is what was reported, and no list is held whole."""

import json
import tracemalloc

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from local_import.management.json_pieces import pieces
from local_import.models import ImportItem
from tests.builders import make_session

texts = st.text(st.characters(exclude_categories=["Cs"]))
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=8,
)


@given(
    known=st.dictionaries(texts, plain),
    lists=st.dictionaries(texts, st.lists(plain, max_size=4), max_size=3),
)
def test_it_is_the_object_that_was_reported(known, lists):
    told = {**known, "session": 1, **lists}
    streamed = {**told, **{name: iter(rows) for name, rows in lists.items()}}

    assert json.loads("".join(pieces(streamed))) == told


@pytest.mark.django_db
@pytest.mark.parametrize("form", [{"json": True}, {"json": False}])
def test_the_items_of_a_session_are_told_without_holding_them_all(form):
    peaks = [peak_of(number, **form) for number in (3_000, 12_000)]

    assert peaks[1] < 1.5 * peaks[0] + 500_000


class Counting:
    """A place to write to that keeps nothing."""

    written = 0

    def write(self, text):
        self.written += len(text)


def peak_of(number, **form):
    session = make_session()
    ImportItem.objects.bulk_create(
        ImportItem(session=session, path=b"%d" % n, path_digest=str(n), shown_path=str(n))
        for n in range(number)
    )
    out = Counting()
    tracemalloc.start()
    call_command("import_status", session.pk, items=True, stdout=out, **form)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert out.written > number * 20
    return peak
