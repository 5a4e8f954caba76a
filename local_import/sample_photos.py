"""Made-up photos for trying the desk: one for each way that a file can go."""

from __future__ import annotations

import colorsys
import io
from collections.abc import Iterator

from PIL import Image, ImageDraw, ImageFont

SIZE = (800, 600)
CAMERAS = (("Photonest", "Pocket 1"), ("Photonest", "Studio 4K"), ("Kitsune Optics", "K-70"))
OFFSETS = ("", "+09:00", "-03:30")  # EXIF OffsetTimeOriginal; most cameras write none
FORMATS = (("PNG", b"png"), ("WEBP", b"webp"), ("TIFF", b"tif"), ("AVIF", b"avif"))
FORMATS_WITHOUT_EXIF = (("GIF", b"gif"), ("BMP", b"bmp"))


def sample_files() -> Iterator[tuple[bytes, bytes]]:
    """(path, content) of every file of the sample inbox."""
    photos = [photo(number) for number in range(6)]
    for number, content in enumerate(photos, 1):
        yield b"camera/IMG_%04d.jpg" % number, content
    for number, (kind, extension) in enumerate((*FORMATS, *FORMATS_WITHOUT_EXIF), 20):
        yield b"formats/picture." + extension, photo(number, kind)
    yield "家族 と 花火 🎆.jpg".encode(), photo(30)
    yield b'odd "quoted" name \xff.jpg', photo(31)
    yield b"again/same-bytes-as-IMG_0001.jpg", photos[0]
    yield from _troubles()
    yield b".DS_Store", b"left out"
    yield b"@eaDir/thumbnail.jpg", photos[1]


def _troubles() -> Iterator[tuple[bytes, bytes]]:
    """Files that are not imported."""
    whole = photo(32)
    yield b"broken/cut-in-the-middle.jpg", whole[: len(whole) // 2]
    yield b"broken/empty.jpg", b""
    yield b"other/text-called.jpg", b"This is a text, whatever it is called.\n"
    yield b"other/letter.pdf", b"%PDF-1.4\n% not a photo\n"
    yield b"other/clip.mov", b"\0\0\0\x14ftypqt  \0\0\2\0qt  \0\0\0\x08mdat"


def photo(number: int, kind: str = "JPEG") -> bytes:
    """A sunset of its own colour with its number, in the given format of Pillow."""
    hue = number * 0.137 % 1
    image = Image.new("RGB", SIZE)
    draw = ImageDraw.Draw(image)
    for row in range(SIZE[1]):
        red, green, blue = colorsys.hsv_to_rgb(
            hue + row / SIZE[1] / 6, 0.7, 1 - row / SIZE[1] / 1.5
        )
        draw.line((0, row, SIZE[0], row), (int(red * 255), int(green * 255), int(blue * 255)))
    draw.ellipse((520, 90, 660, 230), fill=(255, 240, 200))
    draw.text((60, 400), f"No. {number + 1}", font=ImageFont.load_default(120), fill="white")
    return _encoded(image, kind, number)


def _encoded(image: Image.Image, kind: str, number: int) -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = CAMERAS[number % len(CAMERAS)]  # Make, Model
    taken = exif.get_ifd(0x8769)  # the EXIF directory
    taken[0x9003] = f"2024:0{number % 9 + 1}:1{number % 10} 1{number % 10}:20:30"
    if offset := OFFSETS[number % len(OFFSETS)]:
        taken[0x9011] = offset
    buffer = io.BytesIO()
    image.save(buffer, kind, exif=exif)
    return buffer.getvalue()
