"""A session followed in the terminal until it is at rest: a live display, or lines where nobody looks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from django.utils.translation import gettext as _
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from .. import sizes
from ..models import ImportSession
from ..services import sessions
from ..services.progress import Progress, progress_of
from ..states import SESSION_AT_REST

LOOK_EVERY_S = 1.0
LINE_EVERY_S = 10.0  # without a terminal
_SILENT = ("rest", "waiting")


def watch(session_id: int) -> ImportSession:
    """Show the session on standard error until it is at rest. Raises ImportProblem when there is none."""
    if not sys.stderr.isatty():
        return _follow(session_id, _print, LINE_EVERY_S)
    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        return _follow(
            session_id, lambda *seen: live.update(_drawn(*seen), refresh=True), LOOK_EVERY_S
        )


def _follow(
    session_id: int, show: Callable[[ImportSession, Progress], object], show_every_s: float
) -> ImportSession:
    shown_at, last = 0.0, ""
    while True:
        session = sessions.get(session_id)
        if session.state in SESSION_AT_REST:
            return session
        progress = progress_of(session)
        now, said = time.monotonic(), line(session, progress)
        if said != last and now - shown_at >= show_every_s:
            show(session, progress)
            shown_at, last = now, said
        time.sleep(LOOK_EVERY_S)


def _print(session: ImportSession, progress: Progress) -> None:
    sys.stderr.write(line(session, progress) + "\n")
    sys.stderr.flush()


def _drawn(session: ImportSession, progress: Progress) -> Group:
    bar = ProgressBar(total=progress.total or 1, completed=progress.done)
    return Group(Text(line(session, progress)), bar)


def line(session: ImportSession, progress: Progress) -> str:
    """How far it is, in the numbers that its page shows."""
    terms = [
        _("%(done)s of %(total)s files (%(percent)d %%)")
        % {
            "done": f"{progress.done:,}",
            "total": f"{progress.total:,}",
            "percent": progress.percent,
        },
        f"{sizes.told(progress.bytes_done)} / {sizes.told(progress.bytes_found)}",
    ]
    if progress.rate:
        rate = {"files": f"{progress.rate.files:,.1f}", "size": sizes.told(progress.rate.bytes)}
        terms.append(_("%(files)s files and %(size)s a second") % rate)
    if progress.unresolved:
        terms.append(_("%(number)s not imported") % {"number": f"{progress.unresolved:,}"})
    if progress.patience:
        terms.append(progress.patience)
    if progress.outlook.code not in _SILENT:
        terms.append(progress.outlook.text)
    head = _("Session %(number)d: %(state)s") % {
        "number": session.pk,
        "state": session.get_state_display(),
    }
    return f"{head}, {', '.join(terms)}"
