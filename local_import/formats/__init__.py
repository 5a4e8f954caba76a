"""What a file is, by its content: kind, size in pixels, EXIF, and whether its structure is whole.

Reads headers and looks at the end; never decodes a pixel, never believes a name, never raises.
A new format plugs in by a reader in READERS.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from django.utils.translation import gettext_noop as _

from ..sayings import say
from . import bmp, gif, isobmff, jpeg, others, png, tiff, webp
from .model import Bytes, Damaged, Exif, Inspection, bounded

Reader = Callable[[Bytes, bytes, Inspection], Inspection]
HEAD_BYTES = 64

# magic number, what it stands for, reader
READERS: tuple[tuple[bytes, Inspection, Reader], ...] = (
    (b"\xff\xd8\xff", Inspection("jpeg", _("a JPEG photo"), "jpg"), jpeg.read),
    (b"\x89PNG\r\n\x1a\n", Inspection("png", _("a PNG picture"), "png"), png.read),
    (b"GIF87a", Inspection("gif", _("a GIF picture"), "gif"), gif.read),
    (b"GIF89a", Inspection("gif", _("a GIF picture"), "gif"), gif.read),
    (b"II*\0", Inspection("tiff", _("a TIFF picture"), "tif"), tiff.read),
    (b"MM\0*", Inspection("tiff", _("a TIFF picture"), "tif"), tiff.read),
    (b"II+\0", Inspection("tiff", _("a BigTIFF picture"), "tif"), tiff.read),
    (b"MM\0+", Inspection("tiff", _("a BigTIFF picture"), "tif"), tiff.read),
    (b"BM", Inspection("bmp", _("a BMP picture"), "bmp"), bmp.read),
)


NAMED = (b".jpg", b".jpeg", b".png", b".gif", b".tif", b".tiff", b".bmp", b".webp", b".avif")


def is_called_photo(name: bytes) -> bool:
    """Whether a file bears the name of a picture that could be imported."""
    return name.lower().endswith(NAMED)


def inspect(data: Bytes) -> Inspection:
    """Look at a file. Only what `read_at` itself raises comes through.

    What is claimed beyond all bounds is not known; the file is none the worse for it.
    """
    return bounded(_look(data))


def _look(data: Bytes) -> Inspection:
    head = data.read_at(0, HEAD_BYTES)
    for magic, base, reader in READERS:
        if head.startswith(magic):
            return _read(reader, data, head, base)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _read(webp.read, data, head, Inspection("webp", _("a WebP picture"), "webp"))
    if head[4:8] == b"ftyp":
        base = isobmff.identify(head)
        return _read(isobmff.read, data, head, base) if base.supported else base
    return others.identify(head, data)


def _read(reader: Reader, data: Bytes, head: bytes, base: Inspection) -> Inspection:
    try:
        found = reader(data, head, base)
    except Damaged as damage:
        return base._replace(damage=damage.sentence)
    except (struct.error, IndexError, ValueError, OverflowError):
        return base._replace(damage=say("header_unclear", description=base.description))
    if found.supported and not found.damage and not (found.width and found.height):
        return found._replace(damage=say("no_size", description=base.description))
    return found


__all__ = ["Bytes", "Exif", "Inspection", "inspect", "is_called_photo"]
