"""Which time a photo gets, and how sure it is."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_import.capture_time import decide
from local_import.formats import Exif

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TOKYO = ZoneInfo("Asia/Tokyo")
MTIME = 1_500_000_000 * 10**9  # 2017-07-14 02:40:00 UTC


def taken(exif=None, name="x.jpg", mtime=MTIME, zone=TOKYO):
    found = decide(exif or Exif(), name, mtime, zone, NOW)
    return str(found.wall), found.offset_minutes, found.source, found.confidence


def test_the_original_time_with_its_offset_is_certain():
    exif = Exif(date_time_original="2019:01:02 03:04:05", offset_time_original="-05:30")
    assert taken(exif) == ("2019-01-02 03:04:05", -330, "exif_original", "certain")


def test_without_an_offset_the_wall_clock_stands_and_the_zone_is_assumed():
    exif = Exif(date_time_original="2019:01:02 03:04:05")
    assert taken(exif) == ("2019-01-02 03:04:05", 540, "exif_original", "likely")


@pytest.mark.parametrize(
    "unbelievable",
    ["0000:00:00 00:00:00", "    :  :     :  :  ", "2019:02:30 00:00:00", "1700:01:01 00:00:00",
     "2099:01:01 00:00:00", "9999:99:99 99:99:99", "yesterday", "\uff12\uff10\uff11\uff19:01:01 00:00:00"],
)  # fmt: skip
def test_an_unbelievable_time_gives_way_to_the_next(unbelievable):
    exif = Exif(date_time_original=unbelievable, create_date="2018:05:06 07:08:09")
    assert taken(exif)[::2] == ("2018-05-06 07:08:09", "exif_digitized")


@pytest.mark.parametrize(
    ("name", "wall", "confidence"),
    [
        ("IMG_20190102_030405.jpg", "2019-01-02 03:04:05", "likely"),
        ("2019-01-02 03.04.05.jpg", "2019-01-02 03:04:05", "likely"),
        ("Screenshot_2019-01-02-03-04-05.png", "2019-01-02 03:04:05", "likely"),
        ("signal-2019-01-02-030405.jpg", "2019-01-02 03:04:05", "likely"),
        ("PXL_20190102_030405123.jpg", "2019-01-02 12:04:05", "likely"),
        ("IMG-20190102-WA0001.jpg", "2019-01-02 12:00:00", "guess"),
    ],
)
def test_a_time_in_the_name_is_taken(name, wall, confidence):
    assert taken(name=name) == (wall, 540, "file_name", confidence)


@pytest.mark.parametrize("name", ["DSC_12345678901234.jpg", "IMG_20191399_030405.jpg", "1.jpg"])
def test_digits_that_are_no_date_are_not(name):
    assert taken(name=name) == ("2017-07-14 11:40:00", 540, "file_time", "guess")


@given(
    st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.integers(-(2**70), 2**70)
)
def test_nothing_makes_it_raise(text, offset, name, mtime):
    exif = Exif(date_time_original=text, offset_time_original=offset, sub_sec_time_original=text)
    assert decide(exif, name, mtime, TOKYO, NOW).wall
