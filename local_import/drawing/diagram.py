"""A state machine drawn as SVG: the states there are, the way that was taken, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 118, 44  # of a state
STEP_X, STEP_Y = 142, 96  # from one to the next


@dataclass(frozen=True, slots=True)
class Node:
    """`column` and `row` place it; `note` stands below its word, such as a time."""

    state: str
    word: object
    column: int
    row: int
    note: str = ""
    is_passed: bool = False
    is_here: bool = False

    @property
    def x(self) -> int:
        return self.column * STEP_X + 6

    @property
    def y(self) -> int:
        return self.row * STEP_Y + 6


def diagram(
    nodes: Iterable[Node],
    usual: Iterable[tuple[str, str]],
    taken: Iterable[tuple[str, str]],
    label: str,
) -> SafeString:
    """`usual` are the arrows that are always drawn, `taken` those of the way; `label` tells it in words."""
    places = {node.state: node for node in nodes}
    way = [pair for pair in taken if set(pair) <= places.keys()]
    arrows = [*((pair, "usual") for pair in usual if pair not in way)]
    arrows += [*((pair, "taken") for pair in dict.fromkeys(way))]
    drawn = format_html_join(
        "",
        '<path d="{}" class="arrow arrow-{}" marker-end="url(#arrow-{})"/>',
        ((_line(places, pair), kind, kind) for pair, kind in arrows),
    )
    width = max(node.x for node in places.values()) + WIDTH + 6
    height = max(node.y for node in places.values()) + HEIGHT + 6
    return format_html(
        '<svg class="diagram" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>',
        *(width, height, label, _heads(), drawn, format_html_join("", "{}", _boxes(places))),
    )


def _heads() -> SafeString:
    return format_html_join(
        "",
        '<marker id="arrow-{}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 8 4 0 8z" class="head-{}"/></marker>',
        ((kind, kind) for kind in ("usual", "taken")),
    )


def _boxes(places: Mapping[str, Node]) -> Iterable[tuple[SafeString]]:
    for node in places.values():
        kind = "here" if node.is_here else "passed" if node.is_passed else "ahead"
        middle = node.x + WIDTH / 2
        yield (
            format_html(
                '<g class="node node-{} is-{}"><rect x="{}" y="{}" width="{}" height="{}" rx="8"/>'
                '<text x="{}" y="{}" class="node-word">{}</text><text x="{}" y="{}">{}</text></g>',
                *(kind, node.state, node.x, node.y, WIDTH, HEIGHT),
                *(middle, node.y + (19 if node.note else 27), node.word),
                *(middle, node.y + 36, node.note),
            ),
        )


def _line(places: Mapping[str, Node], pair: tuple[str, str]) -> str:
    start, end = places[pair[0]], places[pair[1]]
    if start.row == end.row:
        return _along(start, end)
    down = end.row > start.row
    x, y = start.x + WIDTH / 2, start.y + (HEIGHT if down else 0)
    to_x, to_y = end.x + WIDTH / 2, end.y + (0 if down else HEIGHT)
    if start.column == end.column:  # there and back again must not lie on each other
        x, to_x = (x - 10, to_x - 10) if down else (x + 10, to_x + 10)
    bend = (y + to_y) / 2
    return f"M{x:g} {y:g}C{x:g} {bend:g} {to_x:g} {bend:g} {to_x:g} {to_y:g}"


def _along(start: Node, end: Node) -> str:
    """To the neighbour straight; over others, or back, in a bow below."""
    if end.column == start.column + 1:
        y = start.y + HEIGHT / 2
        return f"M{start.x + WIDTH:g} {y:g}L{end.x:g} {y:g}"
    y = start.y + HEIGHT
    x, to_x = start.x + WIDTH / 2 + 14, end.x + WIDTH / 2 - 14
    return f"M{x:g} {y:g}C{x:g} {y + 30:g} {to_x:g} {y + 30:g} {to_x:g} {y:g}"
