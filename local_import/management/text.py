"""Sessions, items and problems as text for a terminal. Every name is escaped before it gets here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from .. import sizes
from ..counting import Young
from ..services.progress import patience
from ..troubleshooting import TroubleshootingEngine

SHOWN_FAILURES = 20
_GLYPHS = {"imported": "✔", "failed": "✖", "error": "✖", "canceled": "■", "ready": "○"}


def session(report: Mapping[str, Any]) -> str:
    """The session with its counts and, for each failure, what to do about it."""
    lines = [_headline(report), _counts(report)]
    if report["young"]:
        lines.append(f"  {patience(Young(**report['young']))}")
    if report["left_out"]:
        left = ", ".join(f"{number} {reason}" for reason, number in report["left_out"].items())
        lines.append(f"  left out: {left}")
    if report.get("paused"):
        lines.append(f"  paused: {report['paused']}")
    if report["error"]:
        lines += _failure(report["error"])
    if "undone" in report:
        lines.append(f"  {report['undone']} undone, {len(report['refused'])} could not be")
        for entry in report["refused"][:SHOWN_FAILURES]:
            lines += _failure(entry)
        for other, number in report["handed_over"].items():
            lines.append(
                f"  {number} that session {other} skipped as duplicates are imported there now"
            )
    return "\n".join(lines + _failures(report))


def _failures(report: Mapping[str, Any]) -> list[str]:
    """One for each cause and place, by the example that was seen last; of a dry run, each file."""
    if "incidents" not in report:
        first = islice(report["failures"], SHOWN_FAILURES)
        lines = [line for one in first for line in _failure(one)]
        hidden = len(report["failures"]) - SHOWN_FAILURES
        return lines + ([f"  … and {hidden} more: --json lists them"] if hidden > 0 else [])
    shown = [one for one in report["incidents"] if one["files"]]
    lines = [line for one in shown[:SHOWN_FAILURES] for line in _incident(one)]
    hidden = len(shown) - SHOWN_FAILURES
    more = f"  … and {hidden} more causes: python manage.py import_report {report['session']}"
    return lines + ([more] if hidden > 0 else [])


def _incident(incident: Mapping[str, Any]) -> list[str]:
    actions = [action["text"] for action in incident["actions"]]
    lines = _failure({**incident, "recommended_actions": actions})
    if incident["files"] > 1:
        retry = f"python manage.py import_retry --incident {incident['incident']}"
        lines.append(f"    {incident['files']:,} files fail alike; all of them again: {retry}")
    return lines


def _headline(report: Mapping[str, Any]) -> str:
    state = report["state"]
    name = f"Session {report['session']}" if report["session"] else "Dry run, nothing was changed"
    if state == "ready" and not report["total"]:
        return f"{_GLYPHS['ready']} {name}: nothing to import was found in {report['source']}."
    return f"{_GLYPHS.get(state, '…')} {name}: {state} ({report['source']}, mode {report['mode']})"


def _counts(report: Mapping[str, Any]) -> str:
    terms = [f"{number} {name}" for name, number in report["counts"].items() if number]
    size = f", {sizes.told(report['bytes'])}"
    time = f" in {report['seconds']:.1f} s" if report.get("seconds") else ""
    return f"  {report['total']} found = {' + '.join(terms) or '0'}{size}{time}"


def item(report: Mapping[str, Any]) -> str:
    """One file, and its failure where it has one."""
    state = report["state"]
    lines = [f"{_GLYPHS.get(state, '…')} Item {report['item']}: {state} ({report['path']})"]
    return "\n".join(lines + (_failure(report["failure"]) if report["failure"] else []))


def _failure(entry: Mapping[str, Any]) -> list[str]:
    lines = ["", f"  ✖ {entry['summary']} [{entry['code']}]", f"    {entry['diagnosis']}"]
    lines += [f"    · {line}" for line in entry.get("seen", ())]
    return lines + [f"    → {action}" for action in entry["recommended_actions"]]


def failure(error: Exception) -> dict[str, Any]:
    """A problem with its diagnosis, as plain data."""
    return TroubleshootingEngine().diagnose(error).as_failure()


def problem(found: Mapping[str, Any]) -> str:
    """A failure as text, as `failure` returns it."""
    return "\n".join(_failure(found)).lstrip("\n") + "\n"


def table(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> str:
    """The named columns, tab-separated: for people and for cut(1)."""
    return "\n".join(rows_of(rows, columns))


def rows_of(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> Iterator[str]:
    """The same line by line."""
    names = list(columns)
    yield "\t".join(names)
    for row in rows:
        yield "\t".join(str(row[name]) for name in names)
