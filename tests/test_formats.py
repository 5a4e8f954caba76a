"""What a file is, by its bytes; and whether it is whole."""

import io
import struct
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from local_import.formats import inspect
from tests.photos import jpeg, picture

KINDS = {
    "JPEG": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "TIFF": "tif",
    "GIF": "gif",
    "BMP": "bmp",
    "AVIF": "avif",
}


class Bytes:
    def __init__(self, content):
        self.content, self.size = content, len(content)

    def read_at(self, offset, length):
        assert offset >= 0 and length >= 0
        return self.content[offset : offset + length]


def look(content):
    return inspect(Bytes(content))


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_picture_is_known_with_its_size(kind):
    found = look(picture(kind, 3, size=(70, 50)))

    assert (found.extension, found.width, found.height, found.damage) == (KINDS[kind], 70, 50, "")


@pytest.mark.parametrize("kind", KINDS)
def test_every_cut_of_a_picture_is_damage_or_no_picture(kind):
    whole = picture(kind, 3)
    # What a TIFF of Pillow carries behind its pixels is its directory, and is needed too.
    for length in range(12, len(whole) - 2):
        found = look(whole[:length])
        assert found.damage or not found.supported, (kind, length, len(whole))


@pytest.mark.parametrize("more", [b"\0" * 10, b"trailing video" * 5000])
def test_what_follows_the_end_of_a_photo_does_no_harm(more):
    assert look(jpeg(1) + more).damage == ""


def test_an_end_mark_inside_a_thumbnail_is_not_the_end_of_the_photo():
    thumbnail = b"\xff\xe2\x00\x10" + b"x" * 10 + b"\xff\xd9" + b"xx"
    whole = jpeg(1)
    with_thumbnail = whole[:2] + thumbnail + whole[2:]

    assert look(with_thumbnail).damage == ""
    assert "never ends" in look(with_thumbnail[:-2]).damage


@pytest.mark.parametrize("length", [*range(3900, 4200, 3), 40_000, 65_533])
def test_a_photo_is_known_however_long_the_segments_before_its_size_are(length):
    whole = jpeg(1, taken="2019:01:02 03:04:05", size=(70, 50))
    segment = b"\xff\xe3" + length.to_bytes(2, "big") + b"\xff" * (length - 2)

    found = look(whole[:2] + segment * 3 + whole[2:])

    assert (found.width, found.height, found.damage) == (70, 50, "")
    assert found.exif.date_time_original == "2019:01:02 03:04:05"


def test_exif_is_read_wherever_a_format_keeps_it():
    exif = Image.Exif()
    exif[0x0110] = "Camera"
    exif.get_ifd(0x8769)[0x9003] = "2019:01:02 03:04:05"
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8)).save(buffer, kind, exif=exif)
        found = look(buffer.getvalue()).exif
        assert found.model == "Camera", kind
        # Pillow leaves the EXIF directory out of a TIFF that it writes.
        assert kind == "TIFF" or found.date_time_original == "2019:01:02 03:04:05", kind


def test_a_damaged_photo_keeps_what_its_header_tells():
    found = look(jpeg(1, taken="2019:01:02 03:04:05")[:-2])

    assert found.damage and found.exif.date_time_original == "2019:01:02 03:04:05"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"hello\n", "text"),
        (b"%PDF-1.4", "pdf"),
        (b"PK\x03\x04xx", "zip"),
        (b"<svg xmlns=''>", "svg"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heic"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomavc1", "video"),
        (b"II*\0\x10\0\0\0CR\x02\0", "raw"),
        (b"BMerry Christmas to all of you, dear friends", "unknown"),
        (b"\x01\x02\x03\xff", "unknown"),
        (b"", "unknown"),
    ],
)
def test_what_cannot_be_imported_is_named(content, kind):
    found = look(content)

    assert (found.kind, found.supported) == (kind, False)


def test_a_header_that_claims_more_pixels_than_its_data_holds_is_damage():
    whole = bytearray(picture("PNG", 1))
    whole[16:24] = (65535).to_bytes(4, "big") * 2

    assert "claims 65535 x 65535 pixels" in look(bytes(whole)).damage


@given(st.binary(max_size=400))
def test_no_bytes_at_all_make_it_raise(content):
    look(content)


@cache
def with_exif(kind):
    exif = Image.Exif()
    exif[0x0110] = "Camera"
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(
        buffer, kind, **({} if kind in ("GIF", "BMP") else {"exif": exif})
    )
    return buffer.getvalue()


@settings(max_examples=300)
@given(st.sampled_from(sorted(KINDS)), st.data())
def test_no_mutation_of_a_picture_makes_it_raise(kind, data):
    content = bytearray(with_exif(kind))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    look(bytes(content))


@pytest.mark.parametrize("length", [2, 7])
def test_a_segment_that_is_shorter_than_its_own_name_is_broken_where_it_ends(length):
    whole = bytearray(jpeg(1))
    at = whole.index(b"Exif\0\0") - 2
    struct.pack_into(">H", whole, at, length)

    assert look(bytes(whole)).damage == f"The JPEG header is broken at byte {at + length}."


def test_items_of_thousands_of_parts_without_any_bytes_are_passed_by():
    """Counted one by one they would take this test, and a worker, an hour."""
    items = b"".join(struct.pack(">HHH", number, 0, 0xFFFF) for number in range(2, 10_000))
    iloc = bytes(6) + struct.pack(">H", 9998) + items
    infe = b"\2\0\0\0" + struct.pack(">HH", 1, 0) + b"Exif\0"
    iinf = bytes(4) + struct.pack(">H", 1) + box(b"infe", infe)
    meta = (
        bytes(4)
        + box(b"iinf", iinf)
        + box(b"iloc", iloc)
        + box(b"ispe", struct.pack(">4xII", 8, 8))
    )

    found = look(box(b"ftyp", b"avif\0\0\0\0") + box(b"meta", meta) + box(b"mdat", b"x"))

    assert (found.extension, found.width, found.exif.make, found.damage) == ("avif", 8, "", "")


def box(name, body):
    return struct.pack(">I4s", 8 + len(body), name) + body
