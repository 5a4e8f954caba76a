"""What a directory is, whatever its name: so that another one that got its name is not taken for it."""

from __future__ import annotations

import os
from typing import NamedTuple, Self

from .mounts import mount_of
from .tree import Tree

# Their inodes are numbered anew whenever they are read from the disk, or by the program that serves them.
_WITHOUT_LASTING_INODES = ("vfat", "msdos", "exfat", "fuse")


class Origin(NamedTuple):
    """The device number is left out: it says where a disk is plugged in, or when it was mounted."""

    inode: int  # 0 where the file system has none that last
    filesystem: int  # its own id; 0 where it has none
    mount: str  # the kind of file system, with its address on a network

    @classmethod
    def of(cls, tree: Tree) -> Self:
        found = os.fstat(tree.descriptor)
        mount = mount_of(tree.root)
        kind = mount.kind if mount else ""
        inode = 0 if kind.startswith(_WITHOUT_LASTING_INODES) else found.st_ino
        address = mount.device if mount and _is_address(mount.device) else ""
        return cls(inode, _id_of(tree, found.st_dev), " ".join(filter(None, (kind, address))))

    def __str__(self) -> str:
        return f"{self.inode} {self.filesystem:x} {self.mount}"


def _id_of(tree: Tree, device: int) -> int:
    """Source: statfs(2) and the file systems of Linux: XFS, FAT and others give the number of the device."""
    found = os.fstatvfs(tree.descriptor).f_fsid
    return 0 if found == device else found


def _is_address(device: str) -> bool:
    return ":" in device or device.startswith("//")
