"""Small real photos for tests, each with bytes of its own."""

import io

from PIL import Image


def jpeg(seed=0, taken="2019:01:02 03:04:05", offset="", size=(64, 48)):
    """The bytes of a JPEG with a capture time."""
    exif = Image.Exif()
    if taken:
        exif.get_ifd(0x8769)[0x9003] = taken
    if offset:
        exif.get_ifd(0x8769)[0x9011] = offset
    return _saved("JPEG", seed, size, exif=exif)


def picture(kind, seed=0, size=(64, 48)):
    """The bytes of a picture in a format that Pillow names so."""
    return _saved(kind, seed, size)


def _saved(kind, seed, size, **options):
    colour = (seed * 37 % 256, seed * 59 % 256, seed // 7 % 256)
    image = Image.new("RGB", size, colour)
    for x in range(min(size[0], 32)):
        image.putpixel((x, seed % size[1]), ((seed >> (x % 16) & 1) * 255, x * 8, seed % 256))
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
