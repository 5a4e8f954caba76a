"""Small pictures of files, before they are imported too: made on first sight, kept in a cache.

A file is a stranger's: it is decoded in a process of its own, whose memory and time are limited, and
whatever happens there is an outcome with a code. No page waits for a decoder.
"""

from .facts import Facts, facts_of, recorded
from .making import Thumbnail, thumbnail
from .original import Original
from .pictures import Picture, Unreachable, picture_of_item, picture_of_media
from .words import why

__all__ = [
    "Facts",
    "Original",
    "Picture",
    "Thumbnail",
    "Unreachable",
    "facts_of",
    "picture_of_item",
    "picture_of_media",
    "recorded",
    "thumbnail",
    "why",
]
