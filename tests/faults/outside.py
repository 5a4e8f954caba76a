"""Faults from outside the process: strace between it and the kernel, and a disk that loses power."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .child import Child, Ending

_SHUTDOWN = 0x8004587D  # Source: linux/fs/ext4/ext4.h, EXT4_IOC_SHUTDOWN
_NO_LOG_FLUSH = struct.pack("I", 2)  # EXT4_GOING_FLAGS_NOLOGFLUSH
PATIENCE_S = 10.0
# System calls that reach a file, a directory or the database's server.
REACHING = (
    *("openat", "read", "pread64", "preadv", "write", "pwrite64", "close", "fsync", "fdatasync"),
    *("syncfs", "renameat2", "linkat", "unlinkat", "unlink", "mkdirat", "mkdir", "utimensat"),
    *("newfstatat", "fstat", "fstatfs", "getdents64", "fcntl", "flock", "ftruncate"),
    *("sendto", "recvfrom", "poll", "connect", "socket", "mmap", "lseek"),
)
# Those of them that can fail for a file.
FAILING = (
    *("openat", "read", "pread64", "write", "syncfs", "renameat2", "unlinkat", "mkdirat"),
    *("utimensat", "newfstatat", "getdents64"),
)


def missing_for_strace() -> str:
    """What strace would need here, in words; empty when it works."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    try:
        traced = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True)
    except OSError as error:
        return f"strace cannot be run: {error}"
    return f"strace may not trace: {traced.stderr.decode().strip()}" if traced.returncode else ""


def missing_for_power() -> str:
    """What a disk that loses power would need here, in words; empty when it works."""
    if os.geteuid() != 0:
        return "mounting a disk needs root"
    if shutil.which("mkfs.ext4") is None:
        return "mkfs.ext4 is not installed (package e2fsprogs)"
    try:
        with Disk.made() as disk:
            disk.cut_power()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no ext4 can be mounted here: {_said(error)}"
    return ""


def missing_for_memory() -> str:
    """What a full disk would need here, in words; empty when it works."""
    if os.geteuid() != 0:
        return "mounting a disk needs root"
    try:
        with Memory.made():
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no tmpfs can be mounted here: {_said(error)}"


def _said(error: Exception) -> str:
    stderr = getattr(error, "stderr", b"") or b""
    return stderr.decode().strip() or str(error)


class Traced:
    """A stopped child with strace attached, which goes on when the block is left."""

    def __init__(self, child: Child, *options: str, output: str = "/dev/null") -> None:
        assert child.until_stopped()
        self._child = child
        self._strace = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", output, "-p", str(child.pid), *options],
            stderr=subprocess.DEVNULL,
        )
        self._wait_for_tracer()

    def _wait_for_tracer(self) -> None:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            status = Path(f"/proc/{self._child.pid}/status").read_text()
            if "TracerPid:\t0\n" not in status:
                return
            time.sleep(0.002)
        raise TimeoutError("strace did not attach")

    def end(self) -> Ending:
        self._child.go_on()
        ending = self._child.end()
        self._strace.wait(PATIENCE_S)
        return ending


def system_calls(child: Child) -> Counter[str]:
    """How often the child makes each system call of REACHING, from where it stands to its end."""
    with tempfile.NamedTemporaryFile() as trace:
        names = ",".join(f"?{name}" for name in REACHING)
        Traced(child, "-e", f"trace={names}", output=trace.name).end()
        found = re.findall(r"^\d+ +(\w+)\(", Path(trace.name).read_text("utf-8", "replace"), re.M)
    return Counter(found)


def killed_by_strace(child: Child, name: str, when: int) -> Ending:
    """SIGKILL on entry of the system call; it is not made."""
    return Traced(child, "-e", f"inject={name}:signal=SIGKILL:when={when}").end()


def refused_by_strace(child: Child, name: str, when: int, number: int, for_good: bool) -> Ending:
    """The system call is not made and returns the error; `for_good`: so do all later ones."""
    which = f"{when}+" if for_good else f"{when}"
    error = errno.errorcode[number]
    return Traced(child, "-e", f"inject={name}:error={error}:when={which}").end()


class Disk:
    """An ext4 in a file, which can lose everything that was not made durable."""

    def __init__(self, root: Path) -> None:
        self._image, self.path = root / "disk.img", root / "disk"
        self.path.mkdir()
        with self._image.open("wb") as image:
            image.truncate(48 * 1024 * 1024)
        _run("mkfs.ext4", "-qF", str(self._image))

    @classmethod
    @contextmanager
    def made(cls) -> Iterator[Disk]:
        root = Path(tempfile.mkdtemp(prefix="disk-", dir="/dev/shm"))
        try:
            disk = cls(root)
            disk.mount()
            try:
                yield disk
            finally:
                disk.unmount()
        finally:
            shutil.rmtree(root)

    def mount(self) -> None:
        # With this interval the journal is written when somebody asks for it, never by itself.
        _run("mount", "-o", "loop,commit=300", str(self._image), str(self.path))

    def unmount(self) -> None:
        _run("umount", str(self.path))

    def settle(self) -> None:
        """Make durable what was prepared."""
        _run("sync", "-f", str(self.path))

    def cut_power(self, *pids: int) -> None:
        """Lose what was not made durable, end the processes, and switch the disk on again."""
        self.die()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        self.switch_on()

    def die(self) -> None:
        """Lose what was not made durable, and fail in all that is asked of it from now on."""
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, _SHUTDOWN, _NO_LOG_FLUSH)
        finally:
            os.close(fd)

    def switch_on(self) -> None:
        self.unmount()
        self.mount()


class Memory:
    """A small filesystem in memory, which can be full."""

    def __init__(self, path: Path) -> None:
        self.path, self._ballast = path, path / "ballast"

    @classmethod
    @contextmanager
    def made(cls) -> Iterator[Memory]:
        with tempfile.TemporaryDirectory(prefix="memory-") as path:
            _run("mount", "-t", "tmpfs", "-o", "size=8m,nr_inodes=64", "tmpfs", path)
            try:
                yield cls(Path(path))
            finally:
                _run("umount", path)

    def fill(self, files_left: int | None, bytes_left: int) -> None:
        """Leave room for so many files (None: for enough) and so many bytes."""
        self._ballast.mkdir()
        if files_left is not None:
            for number in range(os.statvfs(self.path).f_favail - files_left):
                (self._ballast / str(number)).touch()
            return
        found = os.statvfs(self.path)
        size = found.f_bavail * found.f_frsize - bytes_left
        with (self._ballast / "bytes").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)

    def make_room(self) -> None:
        shutil.rmtree(self._ballast)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
