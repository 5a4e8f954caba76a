"""The one room that touches files; the rest of the code cannot name an open or a rename.

Linux only. Names are bytes. Nothing below a tree is reached through a symbolic link, nothing is
ever overwritten, and a source is removed only after its content was compared.
"""

from .effects import (
    copy,
    create,
    create_unreadable,
    discard,
    free_bytes,
    make_directory,
    move,
    parts,
    publish,
    quarantine,
    release,
    sync,
    tidy,
    writable,
)
from .problems import (
    CannotRename,
    DestinationTaken,
    FileEffectError,
    NotRegularFile,
    SourceChanged,
    StillOpenForWriting,
)
from .reading import Fingerprint, Source, digest, is_racy, open_source
from .tree import Tree
from .turns import turn
from .walking import Found, find, is_empty, walk

__all__ = [
    "CannotRename",
    "DestinationTaken",
    "FileEffectError",
    "Fingerprint",
    "Found",
    "NotRegularFile",
    "Source",
    "SourceChanged",
    "StillOpenForWriting",
    "Tree",
    "copy",
    "create",
    "create_unreadable",
    "digest",
    "discard",
    "find",
    "free_bytes",
    "is_empty",
    "is_racy",
    "make_directory",
    "move",
    "open_source",
    "parts",
    "publish",
    "quarantine",
    "release",
    "sync",
    "tidy",
    "turn",
    "walk",
    "writable",
]
