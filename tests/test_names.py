"""Names are bytes: nothing is lost on the way to the screen, and nothing on the screen is code."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_import import names


@given(st.binary(max_size=300))
def test_what_is_shown_is_printable_and_belongs_to_one_name_only(name):
    shown = names.shown(name)

    assert shown.isprintable()
    assert _read_back(shown) == name


def _read_back(shown):
    """What a reader of the escapes would type; the reverse of `shown`."""
    result, at = b"", 0
    while at < len(shown):
        if shown[at] != "\\":
            result, at = result + shown[at].encode(), at + 1
            continue
        kind = shown[at + 1]
        length = {"x": 2, "u": 4, "U": 8}.get(kind)
        if length is None:
            result += {"\\": b"\\", "n": b"\n", "r": b"\r", "t": b"\t"}[kind]
            at += 2
            continue
        code = int(shown[at + 2 : at + 2 + length], 16)
        lone = kind == "x" and code >= 0x80 and not _is_character(shown, code)
        result += bytes([code]) if lone else chr(code).encode()
        at += 2 + length
    return result


def _is_character(shown, code):
    return False


@pytest.mark.parametrize("name", ["写真 🎆.jpg", "plain.jpg", "ümläut.JPG", "quote'\".jpg"])
def test_ordinary_names_of_all_languages_are_shown_as_they_are(name):
    assert names.shown(name.encode()) == name


@pytest.mark.parametrize("hostile", ["\x1b[31m", "a\nb", "\u202egpj.exe", "\u2028", "\x85"])
def test_control_and_direction_marks_are_escaped(hostile):
    assert hostile not in names.shown(hostile.encode())


def test_the_place_in_the_library_is_the_wall_clock_and_the_hash():
    taken = datetime(2019, 1, 2, 3, 4, 5)

    assert (
        names.destination(taken, "abcdef0123456789" * 4, "jpg")
        == "2019/01/02/20190102_030405_local_abcdef01.jpg"
    )
