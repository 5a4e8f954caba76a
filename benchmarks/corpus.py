"""Photos to measure with: real JPEGs with EXIF, each with bytes of its own, dates over 20 years."""

from __future__ import annotations

import io
import os
import random
import time
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from PIL import Image

from local_import.fsops.reading import RACY_NS

BASES = 24
DAYS = 7300


def make(directory: Path, number: int, size_bytes: int, seed: int = 1) -> None:
    """Write `number` JPEGs of about `size_bytes` bytes, a hundred to a folder."""
    bases = _bases(size_bytes, seed)
    randomness = random.Random(seed)
    for index in range(number):
        folder = directory / f"{index // 100:04}"
        folder.mkdir(parents=True, exist_ok=True)
        day = date(2005, 1, 1) + timedelta(randomness.randrange(DAYS))
        moment = f"{day:%Y:%m:%d} {index % 24:02}:{index // 24 % 60:02}:{index % 60:02}"
        (folder / f"IMG_{index:06}.jpg").write_bytes(_unique(bases[index % BASES], moment, index))


@cache
def _bases(size_bytes: int, seed: int) -> list[bytes]:
    randomness = random.Random(seed)
    return [_encoded(size_bytes, randomness) for _ in range(BASES)]


def _encoded(size_bytes: int, randomness: random.Random) -> bytes:
    """A JPEG that comes out near the wanted size, by the amount of noise in it."""
    side = (640, 480) if size_bytes < 500_000 else (4000, 3000)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0132] = "Canon", "EOS R5", "DATETIME-PLACEHOLD!"
    exif.get_ifd(0x8769)[0x9003] = "DATETIME-PLACEHOLD!"
    for quality in range(92, 5, -4):
        noise = Image.effect_noise((side[0] // 2, side[1] // 2), randomness.randint(30, 60))
        picture = Image.merge("RGB", (noise, noise.rotate(90).resize(noise.size), noise)).resize(
            side
        )
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality, exif=exif)
        if buffer.tell() <= size_bytes:
            break
    return buffer.getvalue()


def _unique(base: bytes, moment: str, index: int) -> bytes:
    """Dated, and with a comment segment of its own before the first scan."""
    comment = b"\xff\xfe\x00\x16" + f"{index:020}".encode()
    dated = base.replace(b"DATETIME-PLACEHOLD!", moment.encode())
    at = dated.index(b"\xff\xdb")
    return dated[:at] + comment + dated[at:]


def settle_disk() -> None:
    """What was just written must not be flushed at the expense of what is measured."""
    os.sync()
    time.sleep(RACY_NS / 1e9)  # a younger file is read twice, as its times cannot tell a change
