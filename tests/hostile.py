"""Small pictures whose headers claim what no database and no calendar takes."""

import struct

from tests.photos import jpeg, picture


def tiff(width, height=100, pixels=b"abcd", *, big=False):
    """A TIFF whose directory claims a size; its one strip is compressed, so that nobody can tell."""
    number = (16, "Q") if big else (4, "I")
    entries = [
        (256, number, width), (257, number, height), (258, (3, "H"), 8), (259, (3, "H"), 5),
        (262, (3, "H"), 1), (273, number, 0), (277, (3, "H"), 1), (279, number, len(pixels)),
    ]  # fmt: skip
    head = b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) if big else b"II*\0" + struct.pack("<I", 8)
    size = len(head) + (8 + 20 * 8 + 8 if big else 2 + 12 * 8 + 4)
    block = struct.pack("<Q" if big else "<H", len(entries))
    for tag, (kind, code), value in entries:
        told = struct.pack("<" + code, size if tag == 273 else value)
        block += struct.pack("<HHQ" if big else "<HHI", tag, kind, 1) + told.ljust(
            8 if big else 4, b"\0"
        )
    return head + block + bytes(8 if big else 4) + pixels


def avif(width, seed=0):
    """An AVIF whose spatial extents claim a width."""
    whole = bytearray(picture("AVIF", seed))
    struct.pack_into(">I", whole, whole.index(b"ispe") + 8, width)
    return bytes(whole)


HUGE = {
    "tiff-2e31": tiff(2**31),
    "tiff-2e32": tiff(2**32 - 1, pixels=b"efgh"),
    "bigtiff-2e63": tiff(2**63, big=True),
    "bigtiff-2e64": tiff(2**64 - 1, 2**64 - 1, pixels=b"efgh", big=True),
    "avif-2e31": avif(2**31 + 64),
}
LATE = {
    f"exif-{taken[:4]}{offset.replace(':', '')}": jpeg(number, taken=taken, offset=offset)
    for number, (taken, offset) in enumerate(
        [
            ("0001:01:01 00:00:00", "+09:00"),
            ("0001:01:01 00:00:00", ""),
            ("9999:12:31 23:59:59", "-12:00"),
            ("9999:12:31 23:59:59", ""),
            ("0000:00:00 00:00:00", "+99:99"),
        ],
        start=1000,
    )
}
HOSTILE = HUGE | LATE
