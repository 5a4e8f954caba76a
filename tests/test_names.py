"""Names are bytes: nothing is lost on the way to the screen, and nothing on the screen is code."""

import re
import unicodedata
from datetime import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local_import import names

# Bytes as disks have them: mostly text, now and then something else.
raw_names = st.binary(max_size=300) | st.text(max_size=100).map(
    lambda text: text.encode("utf-8", "surrogatepass")
)
ESCAPE = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)", re.DOTALL)
SIMPLE = {"\\": b"\\", "n": b"\n", "r": b"\r", "t": b"\t"}


def read_back(shown):
    """What a reader of the escapes would type; the reverse of `shown`."""
    result, at = b"", 0
    for found in ESCAPE.finditer(shown):
        result += shown[at : found.start()].encode() + _read_escape(found[1])
        at = found.end()
    return result + shown[at:].encode()


def _read_escape(text):
    if text in SIMPLE:
        return SIMPLE[text]
    code = int(text[1:], 16)
    return bytes([code]) if text[0] == "x" else chr(code).encode()


@given(raw_names)
@example("\x80".encode())
@example(b"\x80")
@example("\xad \xa0".encode())
@example(b"\\x80")
@example("\U000e0001".encode())
@example(b"\xed\xb2\x80")
def test_nothing_of_a_name_is_lost_when_it_is_shown(name):
    assert read_back(names.shown(name)) == name


@given(raw_names)
def test_what_is_shown_has_no_character_that_controls_the_screen(name):
    categories = {unicodedata.category(character) for character in names.shown(name)}

    assert not categories & {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}


@given(raw_names, raw_names)
def test_two_names_are_never_shown_alike(one, other):
    assert (names.shown(one) == names.shown(other)) == (one == other)


@given(raw_names)
def test_what_is_shown_can_be_stored_and_sent_anywhere(name):
    assert names.shown(name).encode("utf-8").decode("utf-8") == names.shown(name)


@pytest.mark.parametrize(
    "name", ["写真 🎆.jpg", "写真\u3000二.jpg", "plain.jpg", "ümläut.JPG", "quote'\".jpg"]
)
def test_ordinary_names_of_all_languages_are_shown_as_they_are(name):
    assert names.shown(name.encode()) == name


@pytest.mark.parametrize("hostile", ["\x1b[31m", "a\nb", "\u202egpj.exe", "\u2028", "\x85", "\0"])
def test_control_and_direction_marks_are_escaped(hostile):
    assert hostile not in names.shown(hostile.encode())


def test_a_byte_and_the_character_of_its_number_are_told_apart():
    assert (names.shown(b"\x85"), names.shown("\x85".encode())) == (r"\x85", r"\u0085")


@given(raw_names)
def test_a_key_has_40_hexadecimal_digits_whatever_the_path(path):
    assert re.fullmatch(r"[0-9a-f]{40}", names.digest(path))
    assert names.digest(path) == names.digest(bytes(bytearray(path)))


def test_keys_of_paths_that_differ_a_little_differ():
    paths = [b"", b"a", b"A", b"a/", b"a\0", b"a" * 4096, b"a" * 4095, "é".encode(), b"e\xcc\x81"]

    assert len({names.digest(path) for path in paths}) == len(paths)


@given(raw_names)
def test_what_is_shown_leads_back_to_the_name(name):
    assert names.unshown(names.shown(name)) == name


@pytest.mark.parametrize(
    "text", ["\\", "a\\q", r"\x41", r"\xzz", r"\U99999999", r"\ud800", "\udcff", r"\x0"]
)
def test_a_text_that_no_name_is_shown_as_is_taken_as_it_is(text):
    assert names.unshown(text) == text.encode("utf-8", "surrogateescape")


def test_the_keys_of_files_of_one_name_begin_alike():
    keys = {names.digest(path)[:8] for path in (b"a.jpg", b"x/a.jpg", b"x/y/a.jpg")}

    assert keys == {names.name_key(b"a.jpg")}
    assert names.digest(b"b.jpg")[:8] not in keys


def test_the_place_in_the_library_is_the_wall_clock_and_the_hash():
    taken = datetime(2019, 1, 2, 3, 4, 5)

    assert (
        names.destination(taken, "abcdef0123456789" * 4, "jpg")
        == "2019/01/02/20190102_030405_local_abcdef01.jpg"
    )


def test_the_longest_prefix_makes_the_place_unique_by_content():
    content = "abcdef0123456789" * 4

    place = names.destination(datetime(9, 1, 2), content, "heic", names.PREFIX_LENGTHS[-1])

    assert place == f"0009/01/02/00090102_000000_local_{content}.heic"
    assert len(place) <= 255


def test_the_temporary_file_belongs_to_one_claim_of_one_item():
    parts = {names.part(item, fence) for item in (1, 11, 111) for fence in (1, 11, 111)}

    assert len(parts) == 9
    assert names.part(7, 2) == b".incoming/7-2.part"


@given(raw_names)
def test_a_name_is_found_again_from_what_was_shown(name):
    assert names.unshown(names.shown(name)) == name
