"""The report of a session as text, JSON, CSV and HTML, piece by piece: no format holds it whole.

Names, EXIF and messages come from strangers. CSV cells that a spreadsheet would run are defused, and
HTML escapes everything, loads nothing and runs nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import names
from ..reporting.cells import Echo, defused
from .json_pieces import pieces

Report = Mapping[str, Any]
Files = Iterable[Mapping[str, Any]]
COLUMNS = (
    *("item", "path", "outcome", "code", "incident", "summary"),
    *("bytes", "sha256", "library_path", "since"),
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = (
    "body{font:14px sans-serif;margin:2em;max-width:80em}table{border-collapse:collapse}"
    "td,th{border:1px solid #aaa;padding:.2em .5em;text-align:left;vertical-align:top}"
    "code{background:#eee}"
)


def as_text(report: Report, files: Files) -> Iterator[str]:
    for line in _head(report):
        yield names.legible(line) + "\n"
    yield "\n" + _("Every file:") + "\n" + "\t".join(COLUMNS) + "\n"
    for file in files:
        yield "\t".join(names.legible(_cell(file[name])) for name in COLUMNS) + "\n"


def _head(report: Report) -> Iterator[str]:
    yield _headline(report)
    yield f"  {_equation(report)}"
    for reason, number in report["left_out"].items():
        yield "  " + _("left out, {reason}: {number}").format(reason=reason, number=number)
    for incident in report["incidents"]:
        yield from ("", f"✖ {_incident(incident)}", f"  {_told(incident)}")
    if report["actions"]:
        yield from ("", _("What to do, in this order:"))
    for number, action in enumerate(report["actions"], 1):
        yield f"  {number}. {_action(action)}"
    if report["slowest"]:
        yield from ("", _("The slowest files:"))
    for slow in report["slowest"]:
        yield f"  {_slow(slow)}"


def as_json(report: Report, files: Files) -> Iterator[str]:
    """One object; its last key, `files`, has one file on each line."""
    return pieces({**report, "files": iter(files)})


def as_csv(report: Report, files: Files) -> Iterator[str]:
    """The files alone, with a row of headings. Source: RFC 4180."""
    writer = csv.writer(Echo())
    yield writer.writerow(COLUMNS)
    for file in files:
        yield writer.writerow([defused(_cell(file[name])) for name in COLUMNS])


def as_html(report: Report, files: Files) -> Iterator[str]:
    """One page that needs no network and no script."""
    yield "<!DOCTYPE html>\n<html><head><meta charset='utf-8'>"
    yield format_html('<meta http-equiv="Content-Security-Policy" content="{}">', _POLICY)
    yield format_html("<title>{}</title><style>{}</style></head><body>", _headline(report), _STYLE)
    yield format_html("<h1>{}</h1><p>{}</p>\n", _headline(report), _equation(report))
    yield format_html("<h2>{}</h2><ul>", _("Causes"))
    for one in report["incidents"]:
        yield format_html("<li><b>{}</b><br>{}</li>\n", _incident(one), _told(one))
    yield format_html("</ul><h2>{}</h2><ol>", _("What to do, in this order"))
    for action in report["actions"]:
        yield format_html("<li>{}</li>\n", _action(action))
    yield format_html("</ol><h2>{}</h2><ul>", _("The slowest files"))
    for slow in report["slowest"]:
        yield format_html("<li>{}</li>\n", _slow(slow))
    yield format_html("</ul><h2>{}</h2><table><tr>", _("Every file"))
    yield format_html_join("", "<th>{}</th>", ((name,) for name in COLUMNS)) + "</tr>\n"
    for file in files:
        cells = format_html_join("", "<td>{}</td>", ((_cell(file[name]),) for name in COLUMNS))
        yield f"<tr>{cells}</tr>\n"
    yield "</table></body></html>\n"


def _headline(report: Report) -> str:
    severity = report["severity"] or _("nothing is wrong")
    text = _("Session {session} of {source}: {state} ({severity})")
    facts = {"session": report["session_id"], "source": report["source"]}
    return text.format(state=report["state"], severity=severity, **facts)


def _equation(report: Report) -> str:
    """What was found, and what became of it: the terms add up."""
    terms = [
        f"{one['count']} {one['outcome']}" + (f" ({one['code']})" if one["code"] else "")
        for one in report["outcomes"]
    ]
    return f"{report['found']} {_('found')} = {' + '.join(terms) or '0'}"


def _incident(incident: Mapping[str, Any]) -> str:
    text = ngettext(
        "{title}: {files} file (incident {number}, {state})",
        "{title}: {files} files (incident {number}, {state})",
        incident["files"],
    )
    facts = {"files": incident["files"], "number": incident["incident"]}
    return text.format(title=incident["title"], state=incident["state"], **facts)


def _told(incident: Mapping[str, Any]) -> str:
    return f"{incident['summary']} {incident['diagnosis']}"


def _action(action: Mapping[str, Any]) -> str:
    text = str(action["text"])
    shells = [action[name] or "" for name in ("command", "then")]
    return " ".join([text, *(shell for shell in shells if shell not in text)])


def _slow(slow: Mapping[str, Any]) -> str:
    return f"{slow['duration_ms']:,.1f} ms {slow['step']}: {slow['path']}"


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


FORMATS: dict[str, Callable[[Report, Files], Iterator[str]]] = {
    "text": as_text,
    "json": as_json,
    "csv": as_csv,
    "html": as_html,
}
