"""Colours, dashes and markers of a study's figures: told apart by any eye, on paper without colour too.

Single-task is black and multi-task grey, as the others are compared with them. The colours are those of Okabe and Ito
("Color Universal Design", 2008), darkened on a light page and lightened on a dark one until each has a contrast of at
least 3 to 1 with the page (WCAG 2.2, 1.4.11). Lines of one colour differ in their dashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mt2st.strategy import LineStyle, known_strategies

INK, QUIET, RULE = "#1d1d1f", "#5e5c63", "#d9d6cf"
"""Colours of text, of axes with their numbers, and of grids."""
PAGE = ("#fffefb", "#16181c")
"""Background of a light and of a dark page."""
BASELINES = ("single-task", "multi-task")
"""Their black and grey are for nothing else."""
_DARK = {INK: "#f2f0ea", QUIET: "#aaa7ae", RULE: "#3a3c42"}
_FREE = (
    LineStyle("#007a58", "#2fc79b", (6.0, 2.0, 1.5, 2.0), ">"),  # green
    LineStyle("#a04a83", "#dd93c4", (6.0, 2.0, 1.5, 2.0), "p"),  # purple
    LineStyle("#5b4fa2", "#ada3ea", (4.0, 1.5), "h"),  # violet
    LineStyle("#7a5548", "#c8a294", (4.0, 1.5), "P"),  # brown
    LineStyle("#0067a5", "#56b4e9", (8.0, 2.0, 1.0, 2.0, 1.0, 2.0), "*"),  # blue again, and so on
    LineStyle("#c14d00", "#ff8c42", (8.0, 2.0, 1.0, 2.0, 1.0, 2.0), "X"),
    LineStyle("#007a58", "#2fc79b", (10.0, 3.0), "d"),
    LineStyle("#a04a83", "#dd93c4", (10.0, 3.0), "H"),
)
"""Styles of lines that have none of their own, in the order in which they are taken."""


def known_styles() -> tuple[LineStyle, ...]:
    """Return all styles: those of the strategies, and the free ones."""
    return (*_own_styles().values(), *_FREE)


def dark_colours() -> dict[str, str]:
    """Return every colour of a figure on a light page, with its counterpart on a dark page."""
    return _DARK | {style.colour: style.dark for style in known_styles()}


def styles_of(names: Iterable[str]) -> Mapping[str, LineStyle]:
    """Return the style of each name: the strategy's own in every figure, or the next free one.

    Example:
        >>> styles = styles_of(["switch", "dwa", "single-task"])
        >>> styles["switch"].colour, styles["dwa"].colour
        ('#c14d00', '#007a58')
    """
    distinct, own = list(dict.fromkeys(names)), _own_styles()
    found = {name: own[name] for name in distinct if name in own}
    spare = [style for name, style in own.items() if name not in BASELINES]
    free = [style for style in (*_FREE, *spare) if style not in found.values()]
    others = [name for name in distinct if name not in own]
    return found | {name: free[number % len(free)] for number, name in enumerate(others)}


def _own_styles() -> dict[str, LineStyle]:
    return {name: each.style for name, each in known_strategies().items() if each.style is not None}
