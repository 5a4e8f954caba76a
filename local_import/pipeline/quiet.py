"""The quiet time: a file is left alone until it has been still for so long.

A read lease tells of a writer only to the owner of a file and to root, of none on NFS or SMB, and of
none that closes the file between two pieces. What has not changed for a while is taken for finished.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from ..fsops import Fingerprint
from .work import Work

NS = 1_000_000_000
LONGEST = timedelta(minutes=10)  # for which a file that changes again and again is waited for


def left_s(work: Work, quiet_s: float) -> float:
    """Seconds for which the file must still be left alone; 0.0 when it has been still long enough.

    Its last change counts (ctime); where that lies in the future, by the clock of a NAS that is ahead
    or of a camera, or where the file was seen before as it is now, the time since it was first seen so.
    """
    assert work.fingerprint
    changed_s = (time.time_ns() - work.fingerprint.ctime_ns) / NS
    return max(0.0, quiet_s - max(changed_s, _seen_s(work)))


def _seen_s(work: Work) -> float:
    if (
        work.seen.at is None
        or work.claimed_at is None
        or work.seen.as_text != as_text(work.fingerprint)
    ):
        return 0.0
    return (work.claimed_at - work.seen.at).total_seconds()


def has_changed(work: Work) -> bool:
    """Whether it is not as it was when it was left alone before."""
    return work.seen.at is not None and work.seen.as_text != as_text(work.fingerprint)


def is_hopeless(work: Work) -> bool:
    """Whether it has been waited for as long as may be, and still changes, as a log does."""
    if work.seen.first is None or work.claimed_at is None:
        return False
    return has_changed(work) and work.claimed_at - work.seen.first > LONGEST


def seen_since(work: Work, now: datetime) -> datetime:
    """Since when it has been seen as it is."""
    known = None if has_changed(work) else work.seen.at
    return known or now


def as_text(fingerprint: Fingerprint | None) -> str:
    return ":".join(map(str, fingerprint or ()))
