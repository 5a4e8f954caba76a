"""Small pictures of files, before they are imported too: made on first sight, kept in a cache.

A file is a stranger's: it is decoded in a process of its own, whose memory and time are limited, and
whatever happens there is an outcome with a code. No page waits for a decoder.
"""

from .making import Thumbnail, thumbnail
from .pictures import Picture, picture_of_item, picture_of_media
from .words import why

__all__ = [
    "Picture",
    "Thumbnail",
    "picture_of_item",
    "picture_of_media",
    "thumbnail",
    "why",
]
