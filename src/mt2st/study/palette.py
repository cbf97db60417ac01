"""Colours, dashes and markers of a study's figures: told apart by any eye, on paper without colour too.

Single-task is black and multi-task grey, as the others are compared with them. The colours are those of Okabe and Ito
("Color Universal Design", 2008), darkened on a light page and lightened on a dark one until each has a contrast of at
least 3 to 1 with the page (WCAG 2.2, 1.4.11). Lines of one colour differ in their dashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

INK, QUIET, RULE = "#1d1d1f", "#5e5c63", "#d9d6cf"
"""Colours of text, of axes with their numbers, and of grids."""
PAGE = ("#fffefb", "#16181c")
"""Background of a light and of a dark page."""
DARK = {
    INK: "#f2f0ea",
    QUIET: "#aaa7ae",
    RULE: "#3a3c42",
    "#77757a": "#9b99a0",  # grey
    "#0067a5": "#56b4e9",  # blue
    "#c14d00": "#ff8c42",  # vermilion
    "#3b8fc4": "#9fd3f5",  # sky
    "#9c6500": "#e8b23a",  # ochre
    "#007a58": "#2fc79b",  # green
    "#a04a83": "#dd93c4",  # purple
    "#5b4fa2": "#ada3ea",  # violet
    "#7a5548": "#c8a294",  # brown
}
"""Every colour of a figure on a light page, with its counterpart on a dark page."""


@dataclass(frozen=True)
class Style:
    """How a method's line is drawn.

    Attributes:
        colour: on a light page; one of `DARK`.
        dash: lengths of strokes and gaps in line widths; empty for an unbroken line.
        marker: matplotlib's letter for the marker at the line's end.
    """

    colour: str
    dash: tuple[float, ...]
    marker: str


_OURS = {
    "single-task": Style(INK, (), "o"),
    "multi-task": Style("#77757a", (6.0, 3.0), "s"),
    "diminish": Style("#0067a5", (), "D"),
    "switch": Style("#c14d00", (), "^"),
    "adaptive-diminish": Style("#3b8fc4", (2.0, 2.0), "v"),
    "adaptive-switch": Style("#9c6500", (2.0, 2.0), "<"),
}
_OTHERS = (
    Style("#007a58", (6.0, 2.0, 1.5, 2.0), ">"),
    Style("#a04a83", (6.0, 2.0, 1.5, 2.0), "p"),
    Style("#5b4fa2", (4.0, 1.5), "h"),
    Style("#7a5548", (4.0, 1.5), "P"),
    Style("#0067a5", (8.0, 2.0, 1.0, 2.0, 1.0, 2.0), "*"),
    Style("#c14d00", (8.0, 2.0, 1.0, 2.0, 1.0, 2.0), "X"),
    Style("#007a58", (10.0, 3.0), "d"),
    Style("#a04a83", (10.0, 3.0), "H"),
)
STYLES = (*_OURS.values(), *_OTHERS)


def styles_of(names: Iterable[str]) -> Mapping[str, Style]:
    """Return the style of each name. Our strategies look the same in every figure; other names take the next free one.

    Example:
        >>> styles = styles_of(["switch", "dwa", "single-task"])
        >>> styles["switch"].colour, styles["dwa"].colour
        ('#c14d00', '#007a58')
    """
    distinct = list(dict.fromkeys(names))
    found = {name: _OURS[name] for name in distinct if name in _OURS}
    free = [style for style in (*_OTHERS, *list(_OURS.values())[2:]) if style not in found.values()]
    others = [name for name in distinct if name not in _OURS]
    return found | {name: free[number % len(free)] for number, name in enumerate(others)}
