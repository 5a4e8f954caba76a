"""Mutants of small pictures: flipped bits and bytes in their headers, and extreme numbers anywhere."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests import hostile
from tests.photos import jpeg, picture

KINDS = ("PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF")
HEADER_BYTES = 512
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF)
EXTREMES += (2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)


def pictures() -> list[bytes]:
    found = [picture(kind, 3, size=(24, 16)) for kind in KINDS]
    found += [jpeg(3, offset="+09:00", size=(24, 16)), jpeg(4, taken="9999:12:31 23:59:59")]
    found += [hostile.tiff(640), hostile.tiff(640, big=True)]
    return [*found, *hostile.HOSTILE.values()]  # these claim too much before a bit is flipped


def mutants(seed: str, number: int) -> Iterator[bytes]:
    """Each with bytes of its own, the same for the same seed."""
    chance, bases = random.Random(seed), pictures()
    seen = set(bases)
    while number:
        made = _mutated(chance, bytearray(chance.choice(bases)))
        if made not in seen:
            seen.add(made)
            number -= 1
            yield made


def _mutated(chance: random.Random, content: bytearray) -> bytes:
    reach = min(len(content), HEADER_BYTES) if chance.random() < 0.8 else len(content)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(reach)
        match chance.randrange(4):
            case 0:
                content[at] ^= 1 << chance.randrange(8)
            case 1:
                content[at] = chance.randrange(256)
            case 2:
                _write_number(chance, content, at)
            case 3:
                _write_digits(chance, content)
    return bytes(content)


def _write_number(chance: random.Random, content: bytearray, at: int) -> None:
    width = chance.choice((1, 2, 4, 8))
    extreme = chance.choice(EXTREMES) % 256**width
    content[at : at + width] = extreme.to_bytes(width, chance.choice(("big", "little")))


def _write_digits(chance: random.Random, content: bytearray) -> None:
    """In one of the texts of the header, which are dates, other digits."""
    digits = [at for at, byte in enumerate(content[:HEADER_BYTES]) if 48 <= byte <= 57]
    for at in digits[: chance.randrange(1, 20)]:
        content[at] = chance.choice(b"0019")
