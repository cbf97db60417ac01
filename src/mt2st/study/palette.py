"""Colours, dashes and markers of a study's figures: told apart by any eye, on paper without colour too.

Single-task is the ink itself, multi-task grey: what the others are compared with. The colours are those of Okabe and
Ito ("Color Universal Design", 2008), darkened on light ground and lightened on dark until each has a contrast of at
least 3 to 1 with the page (WCAG 2.2, 1.4.11); the lines of one figure differ in their dashes besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LIGHT_PAGE, DARK_PAGE = "#fffefb", "#16181c"


@dataclass(frozen=True)
class Style:
    """How a method's line is drawn.

    Attributes:
        slot: number of the style: ``.s0``, ``.s1``, ... in the page.
        light: colour on a light page.
        dark: colour on a dark page.
        dash: lengths of strokes and gaps, in points; empty for an unbroken line.
        marker: matplotlib's letter of the marker at the line's end.
    """

    slot: int
    light: str
    dark: str
    dash: tuple[float, ...]
    marker: str


STYLES = tuple(
    Style(slot, *values)
    for slot, values in enumerate(
        (
            ("#1d1d1f", "#f2f0ea", (), "o"),  # ink
            ("#77757a", "#9b99a0", (6.0, 3.0), "s"),  # grey
            ("#0067a5", "#56b4e9", (), "D"),  # blue
            ("#c14d00", "#ff8c42", (), "^"),  # vermilion
            ("#3b8fc4", "#9fd3f5", (2.0, 2.0), "v"),  # sky
            ("#9c6500", "#e8b23a", (2.0, 2.0), "<"),  # ochre
            ("#007a58", "#2fc79b", (6.0, 2.0, 1.5, 2.0), ">"),  # green
            ("#a04a83", "#dd93c4", (6.0, 2.0, 1.5, 2.0), "p"),  # purple
            ("#5b4fa2", "#ada3ea", (4.0, 1.5), "h"),  # violet
            ("#7a5548", "#c8a294", (4.0, 1.5), "P"),  # brown
            ("#0067a5", "#56b4e9", (8.0, 2.0, 1.0, 2.0, 1.0, 2.0), "*"),  # blue again, and so on
            ("#c14d00", "#ff8c42", (8.0, 2.0, 1.0, 2.0, 1.0, 2.0), "X"),
            ("#007a58", "#2fc79b", (10.0, 3.0), "d"),
            ("#a04a83", "#dd93c4", (10.0, 3.0), "H"),
        )
    )
)
_OF_OURS = {
    "single-task": 0,
    "multi-task": 1,
    "diminish": 2,
    "switch": 3,
    "adaptive-diminish": 4,
    "adaptive-switch": 5,
}
_FIRST_OF_OTHERS = 6


def styles_of(names: Iterable[str]) -> Mapping[str, Style]:
    """Return the style of each name: a strategy of ours has its own in every figure, others take what is left in turn.

    Example:
        >>> {name: style.slot for name, style in styles_of(["switch", "dwa", "single-task", "bloop"]).items()}
        {'switch': 3, 'dwa': 6, 'single-task': 0, 'bloop': 7}
    """
    distinct = list(dict.fromkeys(names))
    others = [name for name in distinct if name not in _OF_OURS]
    taken = {_OF_OURS[name] for name in distinct if name in _OF_OURS}
    free = [slot for slot in (*range(_FIRST_OF_OTHERS, len(STYLES)), *range(2, _FIRST_OF_OTHERS)) if slot not in taken]
    slots = _OF_OURS | {name: free[number % len(free)] for number, name in enumerate(others)}
    return {name: STYLES[slots[name]] for name in distinct}
