"""Data drawn as HTML and SVG: functions of plain values, without a query and without a style attribute."""

from .badge import GLYPHS, badge
from .bar import bar
from .columns import columns
from .diagram import Node, diagram
from .placeholder import placeholder

__all__ = ["GLYPHS", "Node", "badge", "bar", "columns", "diagram", "placeholder"]
