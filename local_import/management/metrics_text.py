"""Metrics as text for a terminal. Every name is escaped before it gets here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from .. import sizes

Entry = Mapping[str, Any]


def text(found: Entry) -> str:
    return "\n".join([*_head(found), *_steps(found), *_errors(found), *_slowest(found)])


def _head(found: Entry) -> Iterator[str]:
    files = found["files"]
    since = _("Since {since}:").format(since=found["since"][:16].replace("T", " "))
    if not files["count"]:
        yield f"{since} {_('no file came to rest.')}"
    else:
        told = _("{count:,} files came to rest, {failed:,} of them failed ({share:.1%}).")
        share = {"share": files["error_rate"]}
        yield f"{since} {told.format(count=files['count'], failed=files['failed'], **share)}"
        yield _speed(files)
    told = _("Inconsistencies found: {count} ({per_day:.1f} a day).")
    yield told.format(count=found["findings"]["count"], per_day=found["findings"]["per_day"] or 0)


def _speed(files: Entry) -> str:
    told = _("While at work, a worker brings {files:,.1f} files or {size} to rest a second.")
    size = sizes.told(files["bytes_per_busy_s"] or 0)
    return told.format(files=files["files_per_busy_s"] or 0, size=size)


def _steps(found: Entry) -> Iterator[str]:
    measured = [step for step in found["steps"] if step["count"]]
    if not measured:
        return
    yield ""
    yield f"{'':8} {'':8} {_('count'):>9} {_('mean'):>10} {'p50':>10} {'p95':>10}  ms"
    for step in measured:
        times = " ".join(f"{step[name]:>10,.2f}" for name in ("mean_ms", "p50_ms", "p95_ms"))
        form = _("all") if step["format"] is None else step["format"] or "?"
        yield f"{step['step']:8} {form:8} {step['count']:>9,} {times}"


def _errors(found: Entry) -> Iterator[str]:
    if found["errors"]:
        yield from ("", _("Files failed by:"))
    for error in found["errors"]:
        yield f"{error['failed']:>9,}  {error['code']}"


def _slowest(found: Entry) -> Iterator[str]:
    if found["slowest"]:
        yield from ("", _("The slowest files:"))
    for slow in found["slowest"]:
        yield f"{slow['duration_ms']:>9,.1f} ms  {slow['path']}"
