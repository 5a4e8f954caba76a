"""Names of files: bytes on the disk, an escaped form on the screen, and the library's own names.

Refuses to guess an encoding: what is not clean UTF-8 is shown as escapes, and the bytes are kept.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import unicodedata
from datetime import datetime

# Zl, Zp: line breaks in disguise; Cc, Cf: control and direction marks; Cs: bytes that were no UTF-8.
_UNSHOWABLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_ESCAPE = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[ntr\\])")
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
_KEPT = (b".incoming/", b"quarantine/")  # parts of the library's directory that hold no media
PREFIX_LENGTHS = (8, 16, 32, 64)  # characters of the SHA-256 in a file name
_OF_AN_ORIGINAL = re.compile(rb"\d{8}_\d{6}_local_([0-9a-f]{8,64})\.[a-z0-9]+$")


def shown(name: bytes) -> str:
    """The name as text that is safe on any screen; a backslash begins an escape."""
    text = name.decode("utf-8", "surrogateescape")
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return "".join(map(_escape, text))


def _escape(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if unicodedata.category(character) not in _UNSHOWABLE:
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return character.encode("unicode_escape").decode("ascii")
    # Not \x85, which is the byte: two names must never look the same.
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def legible(text: str) -> str:
    """Text that is safe on any screen, of which paths were made safe before: their escapes stay."""
    return "".join(c if c == "\\" else _escape(c) for c in text)


def unshown(text: str) -> bytes:
    """The name that is shown so; of a text that no name is shown as, its bytes as they are."""
    name = _ESCAPE.sub(_unescape, text).encode("utf-8", "surrogateescape")
    return name if shown(name) == text else text.encode("utf-8", "surrogateescape")


def _unescape(escape: re.Match[str]) -> str:
    code = escape[1]
    if code[0] in _SHORT:
        return _SHORT[code[0]]
    number = int(code[1:], 16)
    if code[0] == "x":
        return chr(number if number < 0x80 else 0xDC00 + number)
    is_character = number <= sys.maxunicode and not 0xD800 <= number < 0xE000
    return chr(number) if is_character else escape[0]


def digest(path: bytes) -> str:
    """A key of fixed length for a path of any length: an index cannot hold 4,000 bytes.

    It begins with the key of the base name, so that the same index finds a file by its name alone.
    """
    return name_key(os.path.basename(path)) + hashlib.blake2b(path, digest_size=16).hexdigest()


def name_key(name: bytes) -> str:
    """What the digests of all paths with this base name begin with; seldom, those of another too."""
    return hashlib.blake2b(name, digest_size=4).hexdigest()


def destination(wall: datetime, sha256: str, extension: str, prefix_length: int = 8) -> str:
    """The path in the library, relative to it, from the wall-clock time of capture."""
    day, _, time = wall.isoformat(timespec="seconds").partition("T")
    moment = f"{day.replace('-', '')}_{time.replace(':', '')}"
    return f"{day.replace('-', '/')}/{moment}_local_{sha256[:prefix_length]}.{extension}"


def hash_in(path: bytes) -> str:
    """The beginning of the SHA-256 that `destination` put into a name; empty of any other name."""
    found = _OF_AN_ORIGINAL.search(path)
    return found[1].decode() if found and len(found[1]) in PREFIX_LENGTHS else ""


def is_below(path: bytes) -> bool:
    """Whether a path, taken from a tree's root, leads to a place in the tree and nowhere else."""
    return not any(name in (b"", b".", b"..") or b"\0" in name for name in path.split(b"/"))


def is_media_place(path: bytes) -> bool:
    """Whether a path leads to a place in the library where media may stand."""
    return is_below(path) and not path.startswith(_KEPT)


def part(item_id: int, fence: int) -> bytes:
    """The temporary file of one claim of one item; a stale worker can only touch its own."""
    return b".incoming/%d-%d.part" % (item_id, fence)


def claim_of(part: bytes) -> tuple[int, int] | None:
    """Item and fence of a temporary file; None for a file of another name."""
    found = re.fullmatch(rb"\.incoming/(\d+)-(\d+)\.part", part)
    return (int(found[1]), int(found[2])) if found else None
