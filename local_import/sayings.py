"""Sentences of fact: what was seen, and the detail of a diagnosis.

Each has a stable code, so that it can be told again later in the language of who reads it: what is
stored beside the text is the code and the facts.
"""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from . import names

SEEN: dict[str, str | Promise] = {
    "is_there": _("{path} is there now."),
    "is_there_empty": _("{path} is there and is empty."),
    "does_not_exist": _("{path} does not exist."),
    "not_seen": _("{path} could not be looked at: {detail}."),
    "exists": _("{path} exists."),
    "exists_empty": _("{path} exists and is empty."),
    "lies_on": _("{path} lies on {device} ({kind}), mounted at {point}."),
    "lies_on_read_only": _("{path} lies on {device} ({kind}), mounted read-only at {point}."),
    "awaited_mount": _("/etc/fstab lists {point}, and it is not mounted."),
    "owner": _("{path} is owned by {uid}:{gid} with mode {mode}; the worker runs as {own}."),
    "owner_groups": _(
        "{path} is owned by {uid}:{gid} with mode {mode}; the worker runs as {own} (groups {groups})."
    ),
    "may_not_read": _("It may not read it."),
    "may_not_write": _("It may not write it."),
    "may_not_enter": _("It may not enter it."),
    "changed": _("{path} has {size:,} bytes, and was last changed {age:.1f} s before this look."),
    "size": _("{path} has {size:,} bytes."),
    "writer": _("Process {pid} ({name}) has it open for writing."),
    "flag": _("{path} is marked immutable or append-only (lsattr shows i or a)."),
    "room": _("{point} has {free:,} of {size:,} bytes free."),
    "inodes": _("It has {free:,} of {number:,} files (inodes) free."),
    "symbolic_link": _("{path} is a symbolic link."),
    "directory": _("{path} is a directory."),
    "pipe": _("{path} is a pipe."),
    "socket": _("{path} is a socket."),
    "device": _("{path} is a device."),
    "disk": _("{path} is a disk."),
    "regular_file": _("{path} is a regular file."),
    "library_mark": _("{path} is the mark of a library."),
    "overlap": _("The source is {path}; PHOTONEST_LIBRARY is {library}."),
    "longest_name": _("Its longest name has {count} bytes; most file systems take {limit}."),
    "head": _("It begins with the bytes {head}."),
    "other_bytes": _("{file} is there, with other bytes."),
    "not_there": _("{file} is not there."),
    "mounted_inside": _("{device} ({kind}) is mounted at {point}, inside the library."),
    "may_write": _("This process may write files of {limit:,} bytes."),
    "may_open": _("This process may have {limit} files open."),
    "database_here": _("The database is {kind}, {name} at this machine."),
    "database_there": _("The database is {kind}, {name} at {where}."),
    "sqlstate": _("It reported SQLSTATE {state}."),
    "moved_by_session": _("Session {session} moves files of this source into the library."),
    "duplicates_of_it": _("Session {session} skipped so many files as duplicates of it: {number}."),
    "rule_of_kind": _("The rule that was about to be broken: {kind} {name}."),
    "rule": _("The rule that was about to be broken: {name}."),
    "database_said": _("{text}"),
    "holder": _("{kind} {number} holds {values}."),
    "memory": _("The machine has {free:,} of {total:,} bytes of memory free."),
    "heard_of": _("The worker {name} was last heard of {age:.0f} s ago."),
    "no_worker": _("No worker of the session is alive."),
    "no_answer": _("{mount} did not answer within {limit} s."),
    "neighbour": _("Seen at {path}, in the same directory:"),
    # Of contents that are damaged, or none of a photo.
    "avif_ends": _("The AVIF breaks off at byte {size}: a part of it is missing."),
    "avif_header_large": _("The AVIF has a header that is too large."),
    "avif_announces": _(
        "The AVIF breaks off: bytes up to {end} are announced, the file has {size}."
    ),
    "bmp_announces": _("The BMP breaks off: {end} bytes are announced, the file has {size}."),
    "gif_broken": _("The GIF is broken at byte {at}."),
    "gif_ends": _("The GIF breaks off at byte {size}: its end is missing."),
    "jpeg_header_ends": _("The JPEG header breaks off: the file stops at byte {size}."),
    "jpeg_header_broken": _("The JPEG header is broken at byte {at}."),
    "jpeg_no_data": _("The JPEG header is broken at byte {at}: no image data follows."),
    "jpeg_segments": _("The JPEG header has too many segments."),
    "jpeg_never_ends": _(
        "The JPEG data never ends: no end marker after byte {at}; the file stops at byte {size}."
    ),
    "png_header": _("The PNG does not begin with its header (IHDR)."),
    "png_ends": _("The PNG breaks off at byte {size}: its end (IEND) is missing."),
    "tiff_no_directory": _("The TIFF has no directory at byte {at}; the file has {size} bytes."),
    "tiff_names": _("The TIFF breaks off: bytes up to {end} are named, the file has {size}."),
    "tiff_pixels_end": _("The TIFF breaks off: its pixels end at byte {end}, the file at {size}."),
    "webp_ends": _("The WebP breaks off: it says {end} bytes, the file has {size}."),
    "webp_no_frame": _("The WebP has no frame that can be read."),
    "webp_broken": _("The WebP is broken at byte {at}: a part is longer than the file."),
    "pixels_claimed": _(
        "The {kind} header claims {width} x {height} pixels, more than {size} bytes can hold."
    ),
    "header_unclear": _("The header of {description} cannot be understood."),
    "no_size": _("The header of {description} gives no size in pixels."),
    "called_photo": _("It is called a photo, and its content is {description}."),
    # Of the library, and of who works.
    "grew": _(
        "The first {size:,} of its {whole:,} bytes are {path}, which was imported as its beginning on {day}."
    ),
    "not_as_imported": _("{path} does not hold the bytes that were imported."),
    "not_as_published": _("{path} does not hold the bytes that were published there."),
    "listed_otherwise": _("The library lists the same bytes as {path}, but that file is {held}."),
    "value_refused": _("The column {column} does not take {value}, which the file says."),
    "listed_and_gone": _("The library lists the same bytes as {path}, but no file stands there."),
    "listed_and_no_file": _(
        "The library lists the same bytes as {path}, but no regular file stands there."
    ),
    "while_comparing": _("{error}, when it was to be compared with {path}."),
    "place_taken": _("{path} is taken in the library."),
    "bytes_needed": _("{size} bytes are needed, {free} are free."),
    "only_copy_of": _(
        "Session {session} skipped {path} as a duplicate of it, and that file is no longer in its source."
    ),
    "session_stopped": _("Session {session} is paused, stopped or being undone: resume it first."),
    "perhaps_only_copy_of": _(
        "Session {session} skipped {path} as a duplicate of it, and whether that file is still in its "
        "source could not be read: {error}."
    ),
    "processes_died": _("Several worker processes died one after the other."),
    "source_is_another": _(
        "The session recorded {recorded} there, and now it is {found} (inode, file system, its kind)."
    ),
    "link_on_the_way": _("{path} is a link now; links are not followed."),
    "permissions_needed": _("Reading and entering the directory needs the permissions r and x."),
}


class Seen(str):
    """A sentence that remembers its code and its facts."""

    __slots__ = ("code", "facts")
    code: str
    facts: dict[str, Any]

    @property
    def told(self) -> list[Any]:
        """As JSON."""
        return [self.code, self.facts]


def say(code: str, /, **facts: Any) -> Seen:
    """Raises KeyError or ValueError when the facts do not fit the sentence."""
    description = facts.get("description")  # of a kind of file, as formats/ has it
    translated = {"description": gettext(description)} if description else {}
    seen = Seen(str(SEEN[code]).format_map(facts | translated))
    seen.code, seen.facts = code, facts
    return seen


def say_again(told: Any, text: str) -> str:
    """A sentence that was stored; the stored text where it cannot be told anew."""
    try:
        code, facts = told
        return say(code, **{name: _legible(value) for name, value in facts.items()})
    except (TypeError, ValueError, KeyError, AttributeError):
        return text


def _legible(value: Any) -> Any:
    return names.legible(value) if isinstance(value, str) else value
