"""The decoder, a process of its own: a picture on standard input, its thumbnail on standard output.

It is told no path, imports nothing of ours, and limits itself before it reads the first byte. The output is
a line of JSON (`code`, `detail`; empty when all is well), then the thumbnail as WebP, where there is one.
"""

from __future__ import annotations

import json
import resource
import sys
import warnings
from io import BytesIO
from typing import BinaryIO

from PIL import (  # the formats that are imported, and no other plugin is asked
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

SIDE = 640  # pixels, the longer one
MOST_PIXELS = 200_000_000
MEMORY_BYTES = 1536 << 20  # of address space, the interpreter and its libraries included
CPU_S = 8
OUTPUT_BYTES = 2 << 20
FORMATS = tuple(
    plugin.format
    for plugin in (
        JpegImagePlugin.JpegImageFile,
        PngImagePlugin.PngImageFile,
        GifImagePlugin.GifImageFile,
        TiffImagePlugin.TiffImageFile,
        BmpImagePlugin.BmpImageFile,
        WebPImagePlugin.WebPImageFile,
        AvifImagePlugin.AvifImageFile,
    )
)
LIMITS = {
    resource.RLIMIT_AS: MEMORY_BYTES,
    resource.RLIMIT_CPU: CPU_S,
    resource.RLIMIT_FSIZE: OUTPUT_BYTES,
    resource.RLIMIT_CORE: 0,
}
_SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L")


def confine() -> None:
    for what, limit in LIMITS.items():
        # Of processor time a little more is left, so that SIGXCPU comes first and says why it ended.
        more = 2 if what == resource.RLIMIT_CPU else 0
        resource.setrlimit(what, (limit, limit + more))
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # each would take its share of the address space


def run(source: BinaryIO, target: BinaryIO) -> None:
    small: Image.Image | None
    try:
        small = _small(source)
        problem = ("", "")
    except Exception as error:
        problem = _problem(error)
        small = _rest_of(source) if problem[0] == "damaged" else None
    told = {"code": problem[0], "detail": problem[1][:500]}
    target.write(json.dumps(told).encode() + b"\n")
    if small is not None:
        small.save(target, "WEBP", quality=80)


def _small(source: BinaryIO) -> Image.Image:
    with Image.open(source, formats=FORMATS) as image:
        profile = image.info.get("icc_profile")
        image.draft("RGB", (SIDE, SIDE))  # a JPEG is decoded no larger than needed
        image.thumbnail((SIDE, SIDE), reducing_gap=2.0)
        return _bare(_in_web_colors(ImageOps.exif_transpose(image), profile))


def _in_web_colors(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode in _SIXTEEN_BITS:
        image = image.point(lambda value: value * (1 / 256)).convert("L")
    alpha = image.has_transparency_data
    if profile and image.mode in ("RGB", "CMYK"):
        try:
            return _converted(image, profile)
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a profile that is none: the colors are taken as they are
    return image.convert("RGBA" if alpha else "RGB")


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    theirs = ImageCms.ImageCmsProfile(BytesIO(profile))
    ours = ImageCms.createProfile("sRGB")
    found = ImageCms.profileToProfile(image, theirs, ours, outputMode="RGB")
    return image.convert("RGB") if found is None else found


def _bare(image: Image.Image) -> Image.Image:
    """The pixels alone: no EXIF, no place, no comment comes along."""
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    return bare


def _rest_of(source: BinaryIO) -> Image.Image | None:
    """What can be seen of a picture that ends too early."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        return _small(source)
    except Exception:
        return None


def _problem(error: Exception) -> tuple[str, str]:
    """The error code of local_import.errors, and the decoder's own words."""
    words = f"{type(error).__name__}: {error}"
    if isinstance(
        error, Image.DecompressionBombError | Image.DecompressionBombWarning | MemoryError
    ):
        return "image_too_large", words
    if isinstance(error, UnidentifiedImageError):
        return "unsupported", ""  # its words tell nothing
    return "damaged", words


if __name__ == "__main__":
    confine()
    run(sys.stdin.buffer, sys.stdout.buffer)
