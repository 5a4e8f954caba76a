"""Made-up photos for trying the desk: one for each way that a file can go."""

from __future__ import annotations

import colorsys
import io
from collections.abc import Iterator

from PIL import Image, ImageDraw, ImageFont

SIZE = (800, 600)


def sample_files() -> Iterator[tuple[bytes, bytes]]:
    """(path, content) of every file of the sample inbox."""
    photos = [photo(number) for number in range(8)]
    for number, content in enumerate(photos):
        yield b"camera/IMG_%04d.jpg" % (number + 1), content
    for kind, extension in (
        ("PNG", b"png"),
        ("WEBP", b"webp"),
        ("TIFF", b"tif"),
        ("AVIF", b"avif"),
    ):
        yield b"formats/picture." + extension, photo(20 + len(kind), kind)
    yield "家族 と 花火 🎆.jpg".encode(), photo(30)
    yield b'odd "quoted" name \xff.jpg', photo(31)
    yield b"again/same-bytes-as-IMG_0001.jpg", photos[0]
    yield b"broken/cut-in-the-middle.jpg", photo(32)[: len(photo(32)) // 2]
    yield b"broken/empty.jpg", b""
    yield b"other/text-called.jpg", b"This is a text, whatever it is called.\n"
    yield b"other/letter.pdf", b"%PDF-1.4\n% not a photo\n"
    yield b".DS_Store", b"left out"
    yield b"@eaDir/thumbnail.jpg", photos[1]


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
    exif[0x010F], exif[0x0110] = "Photonest", "Sample"
    taken = exif.get_ifd(0x8769)
    taken[0x9003] = f"2024:0{number % 9 + 1}:1{number % 10} 1{number % 10}:20:30"
    if number % 2:
        taken[0x9011] = "+09:00"
    buffer = io.BytesIO()
    image.save(buffer, kind, exif=exif)
    return buffer.getvalue()
