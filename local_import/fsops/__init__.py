"""The one room that touches files; the rest of the code cannot name an open or a rename.

Linux only. Names are bytes. Nothing below a tree is reached through a symbolic link, nothing is
ever overwritten, and a source is removed only after its content was compared.
"""

from .comparing import Answer, Comparison, compare
from .effects import (
    QUARANTINE,
    copy,
    create,
    create_unreadable,
    discard,
    free_bytes,
    is_alive,
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
from .keeping import keep, kept
from .mounts import Mount, is_below, mount_of, mounts_below
from .origin import Origin
from .probing import READ, WRITE, Identity, Part, Room, Sight, probe
from .problems import (
    CannotRename,
    DestinationTaken,
    Displaced,
    FileEffectError,
    LibraryFound,
    LinkOnTheWay,
    NotRegularFile,
    OneFile,
    SourceChanged,
    StillOpenForWriting,
    path_of,
)
from .reach import out_of_reach, require_in_place
from .reading import Fingerprint, Source, digest_of_first, open_source
from .spool import Spool
from .tree import Tree
from .turns import turn
from .walking import Found, Glance, find, glance, is_empty, listing, walk

__all__ = [
    "QUARANTINE",
    "READ",
    "WRITE",
    "Answer",
    "CannotRename",
    "Comparison",
    "DestinationTaken",
    "Displaced",
    "FileEffectError",
    "Fingerprint",
    "Found",
    "Glance",
    "Identity",
    "LibraryFound",
    "LinkOnTheWay",
    "Mount",
    "NotRegularFile",
    "OneFile",
    "Origin",
    "Part",
    "Room",
    "Sight",
    "Source",
    "SourceChanged",
    "Spool",
    "StillOpenForWriting",
    "Tree",
    "compare",
    "copy",
    "create",
    "create_unreadable",
    "digest_of_first",
    "discard",
    "find",
    "free_bytes",
    "glance",
    "is_alive",
    "is_below",
    "is_empty",
    "keep",
    "kept",
    "listing",
    "make_directory",
    "mount_of",
    "mounts_below",
    "move",
    "open_source",
    "out_of_reach",
    "parts",
    "path_of",
    "probe",
    "publish",
    "quarantine",
    "release",
    "require_in_place",
    "sync",
    "tidy",
    "turn",
    "walk",
    "writable",
]
