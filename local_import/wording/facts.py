"""What the texts may speak of: the facts of a case, each short, and safe on a screen and in a shell.

An exception and its context come from strangers: a message may be of any length, a path of any
bytes, and str() may raise.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import Any

from .. import names
from ..errors import ImportProblem
from ..fsops import path_of
from ..sayings import Seen

MAX_TEXT = 500  # characters of a message or a name
MAX_PATH = 4096  # bytes; the system takes no longer one
NUMBERS = ("session", "item", "other_session", "other_item")
_PATHS = ("library", "library_file", "source", "mark")  # facts that are paths as well


def gathered(error: BaseException, context: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of an error and its context: texts, and `raw_…` for paths as bytes."""
    own = error.facts if isinstance(error, ImportProblem) else {}
    known = {"detail": detail_of(error)} | _from_context(context) | _from_context(own)
    if "path" not in known:
        known |= about_path(path_of(error))
    failing = path_of(error) or path_of(error.__cause__)
    if failing is not None and _is_usable(raw(failing)):
        known["raw_failing"] = raw(failing)
    return known


def detail_of(error: BaseException) -> str:
    """What the error says, as a short text."""
    if isinstance(error, OSError) and error.strerror:
        return safe(error.strerror)
    text = text_of(error)
    kind = safe(type(error).__name__)
    return f"{kind}: {safe(text)}" if text else kind


def text_of(error: BaseException) -> str:
    """The message of an error, whole or in part; str() of a stranger may do anything but end us."""
    try:
        return str(error)
    except Exception:
        return "(its message cannot be read)"


def safe(value: Any) -> str:
    """A value as text: short, and escaped like a name."""
    text = value if isinstance(value, str) else text_of(value)
    cut = text[:MAX_TEXT] + ("…" if len(text) > MAX_TEXT else "")
    return names.shown(cut.encode("utf-8", "surrogatepass"))


def _from_context(context: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for name, value in context.items():
        if value is None or not isinstance(name, str) or name.startswith("raw_"):
            continue
        if name in ("path", "file_path"):
            known |= about_path(value)
        elif name in _PATHS:
            known |= about_path(value, name)
        elif name in NUMBERS:
            known |= _number(name, value)
        elif not _is_of_commands(name):
            known[safe(name)] = value if isinstance(value, Seen) else safe(value)
    return known


def _is_of_commands(name: str) -> bool:
    """What goes into a command is quoted here, or found by a look; nobody else may say it."""
    return name.endswith("quoted") or name.startswith("grant")


def _number(name: str, value: Any) -> dict[str, str]:
    """A number of ours, as it stands in commands; 0 is that of a dry run."""
    text = text_of(value)
    return {name: text} if is_number(text) else {}


def is_number(text: str) -> bool:
    return text.isdecimal() and text.isascii() and text != "0"


def about_path(path: Any, name: str = "") -> dict[str, Any]:
    """A path as the facts NAME, NAME_quoted, NAME_directory_quoted and raw_NAME.

    The path that it is all about has no name of its own: path, quoted, directory_quoted, raw_path.
    """
    if path is None:
        return {}
    found = raw(path)
    known: dict[str, Any] = {name or "path": shown(found)}
    if not _is_usable(found):
        return known
    prefix = f"{name}_" if name else ""
    directory = os.path.dirname(found)
    return known | {
        f"raw_{name or 'path'}": found,
        f"{prefix}quoted": quoted(found),
        f"{prefix}directory_quoted": quoted(directory),
        f"{prefix}aside_quoted": quoted(found + b".aside"),
    }


def raw(path: Any) -> bytes:
    """The path as bytes; of what is no path, something to show."""
    try:
        return os.fsencode(path)
    except Exception:  # no path at all, or one that cannot be asked
        return text_of(path).encode("utf-8", "surrogatepass")


def _is_usable(path: bytes) -> bool:
    return path.startswith(b"/") and len(path) <= MAX_PATH and b"\0" not in path


def shown(path: bytes) -> str:
    """The path on a screen, its end kept when it is too long: that is what tells files apart."""
    cut = b"\xe2\x80\xa6" + path[-MAX_PATH:] if len(path) > MAX_PATH else path
    return names.shown(cut)


def quoted(path: bytes) -> str:
    """The path as a shell takes it, byte for byte (bash, ksh, zsh where it has strange bytes)."""
    if names.shown(path).encode() == path:
        return shlex.quote(path.decode())
    return "$'" + "".join(map(_escape, path.decode("utf-8", "surrogateescape"))) + "'"


def _escape(character: str) -> str:
    data = character.encode("utf-8", "surrogateescape")
    if character in "\\'":
        return "\\" + character
    if names.shown(data) == character:
        return character
    return "".join(f"\\x{byte:02x}" for byte in data)
