"""What tells one unknown error from another, whatever file it struck: where it was raised, and how.

Of the message only the words count, because numbers, names and paths differ from file to file.
"""

from __future__ import annotations

import hashlib
import re
import traceback

from ..wording.facts import MAX_TEXT, text_of

VERSION = 1  # raise it when the recipe changes: fingerprints of two versions are not compared
FRAMES = 5  # the innermost ones
_VARYING = re.compile(r"\S*[/\\]\S*|0x[0-9a-f]+|'[^']*'|\"[^\"]*\"|\d+", re.IGNORECASE)


def fingerprint(error: BaseException) -> str:
    """Stable for equal errors, as `1:` and 12 hexadecimal digits."""
    kind = type(error)
    texts = [text for text in error.args if isinstance(text, str)] or [text_of(error)]
    words = _VARYING.sub("#", " ".join(text[:MAX_TEXT] for text in texts)[:MAX_TEXT])
    parts = [kind.__module__, kind.__qualname__, words, *_frames(error)]
    text = "\n".join(parts).encode("utf-8", "surrogatepass")
    return f"{VERSION}:{hashlib.blake2b(text, digest_size=6).hexdigest()}"


def _frames(error: BaseException) -> list[str]:
    """Functions, without the numbers of lines: those change with every edit above them."""
    frames = list(traceback.walk_tb(error.__traceback__))[-FRAMES:]
    return [
        f"{frame.f_globals.get('__name__', '')}.{frame.f_code.co_qualname}" for frame, _ in frames
    ]
