"""What the system does to a worker: refuses a call, takes away what it needs, kills it.

A call is refused by strace, for the photo alone or for all; the program knows no difference.
"""

from __future__ import annotations

from tests.photos import jpeg

from .fault import Fault
from .scene import Scene


def injected(scene: Scene, what: str, *, everywhere: bool = False) -> tuple[str, ...]:
    """strace in front of a command: system calls that reach the photo end as `what` says."""
    where = () if everywhere else ("-P", str(scene.photo))
    return ("strace", "-f", "-qq", "-o", "/dev/null", *where, "-e", f"inject={what}")


def a_card_that_cannot_be_read(scene: Scene) -> None:
    scene.put()
    scene.start(through=injected(scene, "read,pread64:error=EIO"))


def a_share_that_was_replaced(scene: Scene) -> None:
    scene.put()
    scene.start(through=injected(scene, "read,pread64:error=ESTALE"))


def a_share_of_which_the_program_died(scene: Scene) -> None:
    scene.put()
    scene.start(through=injected(scene, "read,pread64:error=ENOTCONN"))


def a_quota_that_is_used_up(scene: Scene) -> None:
    scene.put()
    scene.start(through=injected(scene, "mkdirat:error=EDQUOT", everywhere=True))


def a_worker_without_memory(scene: Scene) -> None:
    scene.put()
    scene.start(through=injected(scene, "read,pread64:error=ENOMEM"))


def a_file_that_kills_its_workers(scene: Scene) -> None:
    scene.put()
    scene.start(through=injected(scene, "read,pread64:signal=SIGKILL"))


def workers_that_all_die(scene: Scene) -> None:
    """Each file kills its worker, and there are more deaths than workers are replaced."""
    scene.put()
    others = [("-P", str(scene.put(name=f"{number}.jpg"))) for number in range(6)]
    kill = injected(scene, "read,pread64:signal=SIGKILL")
    scene.start(through=(*kill, *(word for pair in others for word in pair)))


def a_limit_for_the_size_of_a_file(scene: Scene) -> None:
    scene.put(jpeg(5) + bytes(6_000_000))
    scene.start(through=("prlimit", "--fsize=5000000"))


def too_few_open_files(scene: Scene) -> None:
    scene.put()
    scene.limits = ("prlimit", "--nofile=256:4096")
    scene.start(through=(*scene.limits, *injected(scene, "read,pread64:error=EMFILE")))


def nothing(scene: Scene) -> None:
    """The limit was the first command's own."""


FAULTS = (
    Fault("io_error", a_card_that_cannot_be_read),
    Fault("stale_handle", a_share_that_was_replaced, {"mount_again": nothing}, fleeting=True),
    Fault("no_answer", a_share_of_which_the_program_died, {"revive_mount": nothing}, fleeting=True),
    Fault("quota_exceeded", a_quota_that_is_used_up, {"raise_quota": nothing}),
    Fault("memory_exhausted", a_worker_without_memory),
    Fault("poison", a_file_that_kills_its_workers),
    Fault("worker_died", workers_that_all_die),
    Fault("file_too_large", a_limit_for_the_size_of_a_file, {"raise_limit": nothing}),
    Fault("too_many_open_files", too_few_open_files),
)
