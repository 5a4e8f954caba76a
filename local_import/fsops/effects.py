"""Writing: every effect that changes a disk, each preceded by a fault point.

A fault point does nothing; the fault laboratory replaces it to fail or to kill just there.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
from collections.abc import Callable

from .problems import CannotRename, DestinationTaken, OneFile, SourceChanged
from .reach import require_in_place
from .reading import BLOCK_BYTES, Fingerprint, Source, open_source, refuse_writer
from .tree import Tree
from .walking import walk

INCOMING = b".incoming/"
QUARANTINE = b"quarantine/"
_NOREPLACE = 1  # Source: renameat2(2), RENAME_NOREPLACE
_libc = ctypes.CDLL(None, use_errno=True)
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_UNNAMED = os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC
_NO_UNNAMED = frozenset({errno.EOPNOTSUPP, errno.EISDIR})  # of a filesystem, as NFS, that has none
# What a filesystem says that does not work any more; other refusals are those of one that does.
_DEAD = frozenset(
    {errno.EIO, errno.EROFS, errno.ESHUTDOWN, errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM}
    | {errno.ESTALE, errno.ENOTCONN, errno.EUCLEAN}
)


def _nothing(effect: str, path: bytes) -> None:
    """The fault point of ordinary life."""


fault_point: Callable[[str, bytes], None] = _nothing


def move(
    source: Tree, path: bytes, fingerprint: Fingerprint, library: Tree, destination: bytes
) -> None:
    """Rename a file into the library; bytes do not move.

    Raises SourceChanged, DestinationTaken, or CannotRename when it must be copied instead: another
    filesystem, or a second name through which the bytes could still be changed.
    """
    found = source.stat(path)
    if Fingerprint.of(found) != fingerprint:
        raise SourceChanged(source.full(path))
    if found.st_nlink != 1 or found.st_dev != library.device:
        raise CannotRename(source.full(path))
    _rename(source, path, library, destination)
    landed = library.stat(destination)
    if (landed.st_ino, landed.st_size, landed.st_mtime_ns) != fingerprint[1:4]:
        _rename(library, destination, source, path)
        raise SourceChanged(source.full(path))


def _rename(source: Tree, path: bytes, target: Tree, destination: bytes) -> None:
    """Rename without overwriting; missing parents of the destination are made."""
    fault_point("rename", destination)

    def into(new_fd: int, new: bytes) -> None:
        source.at(
            path,
            lambda old_fd, old: _renameat2(old_fd, old, new_fd, new, target.full(destination)),
        )

    # The target outermost: where a directory is gone, both ends are looked up anew, in one tree too.
    target.at(destination, into, parents=True)


def _renameat2(old_fd: int, old: bytes, new_fd: int, new: bytes, shown: bytes) -> None:
    if _libc.renameat2(old_fd, old, new_fd, new, _NOREPLACE) == 0:
        return
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS):  # a filesystem that does not know the flag
        _link_and_unlink(old_fd, old, new_fd, new, shown)
    elif number == errno.EEXIST:
        raise DestinationTaken(shown)
    elif number == errno.EXDEV:
        raise CannotRename(shown)
    else:
        raise OSError(number, os.strerror(number), shown)


def _link_and_unlink(old_fd: int, old: bytes, new_fd: int, new: bytes, shown: bytes) -> None:
    try:
        os.link(old, new, src_dir_fd=old_fd, dst_dir_fd=new_fd, follow_symlinks=False)
    except FileExistsError as error:
        raise DestinationTaken(shown) from error
    os.unlink(old, dir_fd=old_fd)


def copy(
    source: Tree, path: bytes, fingerprint: Fingerprint, sha256: str, library: Tree, part: bytes
) -> None:
    """Copy into a temporary file below .incoming/, comparing the hash on the way.

    Raises SourceChanged or OSError; then the temporary file is gone.
    """
    discard(library, part)
    with open_source(source, path) as file:
        if file.fingerprint != fingerprint:
            raise SourceChanged(file.path)
        fault_point("create", part)
        make = library.at(
            part, lambda fd, name: os.open(name, _NEW, 0o644, dir_fd=fd), parents=True
        )
        try:
            _fill(file, make, sha256, library, part)
        except BaseException:
            discard(library, part)
            raise
        finally:
            os.close(make)


def _fill(file: Source, target: int, sha256: str, library: Tree, part: bytes) -> None:
    hasher, offset = hashlib.sha256(), 0
    while block := file.read_at(offset, BLOCK_BYTES):
        hasher.update(block)
        _write_all(library, target, block, part)
        offset += len(block)
    if hasher.hexdigest() != sha256 or Fingerprint.of(os.fstat(file.fd)) != file.fingerprint:
        raise SourceChanged(file.path)
    os.utime(target, ns=(file.fingerprint.mtime_ns, file.fingerprint.mtime_ns))


def _write_all(tree: Tree, target: int, block: bytes, path: bytes) -> None:
    left = memoryview(block)
    try:
        while left:
            fault_point("write", path)
            left = left[os.write(target, left) :]
    except OSError as error:
        error.filename = tree.full(path)
        raise


def publish(library: Tree, part: bytes, destination: bytes) -> None:
    """Give a whole copy its name. Raises DestinationTaken; then the copy stays where it is."""
    _rename(library, part, library, destination)


def discard(library: Tree, part: bytes) -> None:
    """Remove a temporary file; missing is fine. Refuses everything outside .incoming/."""
    if not part.startswith(INCOMING) or b".." in part:
        raise ValueError(f"not a temporary file: {part!r}")
    try:
        fault_point("discard", part)
        library.at(part, lambda fd, name: os.unlink(name, dir_fd=fd))
    except FileNotFoundError:
        pass


def parts(tree: Tree) -> list[bytes]:
    """The temporary files that are there now."""
    return [entry.path for entry in walk(tree, INCOMING.rstrip(b"/"))]


def sync(tree: Tree) -> None:
    """Make everything durable that was written to the tree's filesystem.

    Raises OSError when the kernel could not write something back; then what was written since the
    last sync must not be believed, and a second try proves nothing. Source: syncfs(2).
    """
    fault_point("sync", tree.root)
    if _libc.syncfs(tree.descriptor) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), tree.root)
    _prove_alive(tree)


def _prove_alive(tree: Tree) -> None:
    """Raises OSError where the tree was removed, or its filesystem takes nothing new; Displaced where
    its path does not lead to it any more.

    One that has failed is shut down or made read-only. To Linux 6.1, for one, it has nothing to sync
    then, and every sync succeeds. Source: fs/sync.c, sync_filesystem; fs/ext4/super.c, ext4_sync_fs.
    """
    fault_point("probe", tree.root)
    if os.fstat(tree.descriptor).st_nlink == 0:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), tree.root)
    require_in_place(tree)
    try:
        os.close(os.open(b".", _UNNAMED, 0o600, dir_fd=tree.descriptor))
    except OSError as error:
        if error.errno in _DEAD:
            error.filename = tree.root
            raise


def is_alive(tree: Tree) -> bool:
    """Whether the tree is still there, at its path, and its filesystem takes something new."""
    try:
        _prove_alive(tree)
    except OSError:
        return False
    return True


def release(
    source: Tree,
    path: bytes,
    fingerprint: Fingerprint | None,
    sha256: str,
    library: Tree,
    copy: bytes,
) -> None:
    """Remove a source whose copy is durable; without a fingerprint its bytes are compared.

    Raises SourceChanged when it is not the file that was copied, OneFile when it is the copy itself
    under another name, and StillOpenForWriting where another process has it open for writing: what
    that writes would be lost. Then it stays.
    """
    known = fingerprint or _read_again(source, path, sha256)
    refuse_writer(source, path)
    fault_point("unlink", path)
    kept = Fingerprint.of(library.stat(copy))
    source.at(path, lambda fd, name: _unlink(fd, name, known, kept, source.full(path)))


def _read_again(source: Tree, path: bytes, sha256: str) -> Fingerprint:
    """Twice, where need be: what one reading says may be a bit that flipped on the way."""
    for _ in range(2):
        with open_source(source, path, refuse_writers=False, afresh=True) as file:
            if file.sha256() == sha256:
                return file.fingerprint
    raise SourceChanged(source.full(path))


def _unlink(fd: int, name: bytes, known: Fingerprint, kept: Fingerprint, shown: bytes) -> None:
    """Nothing but a system call is between the last look and the removal."""
    found = Fingerprint.of(os.stat(name, dir_fd=fd, follow_symlinks=False))
    if found != known:
        raise SourceChanged(shown)
    if found.is_one_file_with(kept):
        raise OneFile(shown)
    os.unlink(name, dir_fd=fd)


def quarantine(library: Tree, path: bytes, destination: bytes) -> None:
    """Set a file aside inside the library's tree, never overwriting."""
    if not destination.startswith(QUARANTINE):
        raise ValueError(f"not below quarantine/: {destination!r}")
    _rename(library, path, library, destination)


def tidy(tree: Tree) -> None:
    """Remove .incoming/ where nothing is in it any more."""
    try:
        tree.at(INCOMING.rstrip(b"/"), lambda fd, name: os.rmdir(name, dir_fd=fd))
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTEMPTY):
            raise


def create(tree: Tree, path: bytes, content: bytes) -> None:
    """Write a new file. Raises FileExistsError when there is one."""
    fault_point("create", path)
    fd = tree.at(path, lambda parent, name: os.open(name, _NEW, 0o644, dir_fd=parent), parents=True)
    try:
        _write_all(tree, fd, content, path)
    finally:
        os.close(fd)


def free_bytes(tree: Tree) -> int:
    """Bytes that this process may still write to the tree's filesystem."""
    found = os.fstatvfs(tree.descriptor)
    return found.f_bavail * found.f_frsize


def writable(tree: Tree) -> None:
    """Prove that files can be made below .incoming/; raises OSError when not.

    The probe has no name, so that a process that is killed just here leaves nothing behind.
    """
    probe = INCOMING + b"probe-%d.part" % os.getpid()
    fault_point("create", probe)
    try:
        fd = tree.at(probe, lambda parent, _: os.open(b".", _UNNAMED, dir_fd=parent), parents=True)
    except OSError as error:
        if error.errno not in _NO_UNNAMED:
            raise
        _probe_by_name(tree, probe)
        return
    try:
        _write_all(tree, fd, b"probe", probe)
    finally:
        os.close(fd)


def _probe_by_name(tree: Tree, probe: bytes) -> None:
    discard(tree, probe)
    create(tree, probe, b"probe")
    discard(tree, probe)


def make_directory(path: bytes) -> None:
    """A directory with all its parents; fine when it is there."""
    os.makedirs(path, 0o755, exist_ok=True)


def create_unreadable(tree: Tree, path: bytes) -> None:
    """Something that cannot be read as a file: mode 000, or a pipe for root, who may read all."""
    fault_point("create", path)
    if os.geteuid() == 0:
        tree.at(path, lambda fd, name: os.mkfifo(name, dir_fd=fd), parents=True)
        return
    create(tree, path, b"nobody may read this")
    tree.at(path, lambda fd, name: os.chmod(name, 0, dir_fd=fd))
