"""No number in a file fails the file, let alone its neighbours: what no column takes is not known."""

import os
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import example, given
from hypothesis import strategies as st

from local_import.audit_logger import SYSTEM
from local_import.capture_time import decide
from local_import.formats import Exif, Inspection
from local_import.formats.model import MAX_PIXELS, MAX_TEXT, ORIENTATIONS, bounded
from local_import.models import ImportItem, Media
from local_import.services import sessions
from tests import hostile
from tests.photos import jpeg

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ZONES = ("UTC", "Asia/Tokyo", "America/Anchorage", "Pacific/Kiritimati")
TWO = st.integers(0, 99).map("{:02}".format)


def the_import_of(inbox, **files):
    for name, content in files.items():
        (inbox / name).write_bytes(content)
    session = sessions.create(os.fsencode(inbox), mode="move")
    sessions.run_to_end(session.pk, workers=1, actor=SYSTEM)
    return dict(ImportItem.objects.values_list("shown_path", "state"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_no_number_of_a_file_fails_it_or_its_neighbours(inbox, library, settings, zone):
    settings.TIME_ZONE = zone
    good = {f"{number}.jpg": jpeg(number) for number in range(20)}

    states = the_import_of(inbox, **good, **hostile.HOSTILE)

    assert states == dict.fromkeys([*good, *hostile.HOSTILE], "imported")


@pytest.mark.django_db(transaction=True)
def test_a_size_that_no_column_takes_is_not_known(inbox, library):
    the_import_of(inbox, **hostile.HUGE)

    assert set(Media.objects.values_list("width", flat=True)) == {None}


BOUNDS = {"width": MAX_PIXELS, "height": MAX_PIXELS, "orientation": max(ORIENTATIONS)}


@pytest.mark.parametrize(("name", "most"), BOUNDS.items())
def test_a_column_takes_whatever_the_bounds_let_through(name, most):
    """By the width of the column on PostgreSQL: SQLite's takes everything up to 64 bits."""
    kind = Media._meta.get_field(name).get_internal_type()
    limits = {"PositiveIntegerField": 2**31 - 1, "PositiveSmallIntegerField": 2**15 - 1}

    assert most <= limits[kind]
    assert most <= connection.ops.integer_field_range(kind)[1]


@pytest.mark.parametrize("name", ["camera_make", "camera_model"])
def test_a_column_takes_texts_of_the_length_that_the_bounds_let_through(name):
    assert Media._meta.get_field(name).max_length >= MAX_TEXT


@given(
    st.integers() | st.none(),
    st.integers() | st.none(),
    st.text(st.characters(), max_size=400),
)
@example(2**31, 2**63, "\0\ud800 NIKON")
def test_whatever_a_reader_says_is_within_the_bounds(width, height, text):
    exif = Exif(make=text, model=text, orientation=width)

    found = bounded(Inspection("tiff", "a TIFF picture", "tif", width, height, exif))

    assert all(n is None or 0 < n <= MAX_PIXELS for n in (found.width, found.height))
    assert found.exif.orientation is None or found.exif.orientation in ORIENTATIONS
    assert found.exif.make.isprintable() and len(found.exif.make) <= MAX_TEXT


@given(
    st.integers(0, 9999).map("{:04}".format),
    TWO,
    TWO,
    st.sampled_from(["", "+14:00", "-14:00", "+00:00"]),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from(ZONES),
    st.sampled_from(["IMG_{}{}{}_000000.jpg", "PXL_{}{}{}_235959.jpg", "{}-{}-{}.jpg"]),
)
@example("0001", "01", "01", "+14:00", -62135596800 * 10**9, "Asia/Tokyo", "PXL_{}{}{}_000000.jpg")
@example("9999", "12", "31", "-14:00", 253402300799 * 10**9, "Asia/Tokyo", "PXL_{}{}{}_235959.jpg")
@example("9999", "12", "31", "", 253402300799 * 10**9, "America/Anchorage", "{}-{}-{}.jpg")
def test_there_is_a_time_for_every_photo(year, month, day, offset, mtime_ns, zone, name):
    exif = Exif(
        date_time_original=f"{year}:{month}:{day} 23:59:59",
        offset_time_original=offset,
        create_date=f"{year}:{day}:{month} 00:00:00",
    )

    found = decide(exif, name.format(year, month, day), mtime_ns, ZoneInfo(zone), NOW)

    assert found.wall == (found.at + timedelta(minutes=found.offset_minutes)).replace(tzinfo=None)
    assert found.source == "file_time" or 1825 <= found.at.year <= NOW.year
