"""The two kinds of charts, drawn by matplotlib, and their colours: the same for the report's page and for papers.

A chart knows its data, draws itself into axes, and says what it shows in words and in a table. `sheet` puts several on
one figure. The style of all is ``paper.mplstyle``, whatever the user's own matplotlib is set to.

Single-task is black and multi-task grey, as the others are compared with them. The colours are those of Okabe and Ito
("Color Universal Design", 2008), darkened on a light page and lightened on a dark one until each has a contrast of at
least 3 to 1 with the page (WCAG 2.2, 1.4.11). Lines of one colour differ in their dashes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import numpy as np

from mt2st.strategy import LineStyle, known_strategies
from mt2st.study.statistics import UNKNOWN, Interval
from mt2st.study.summary import Curve, Point
from mt2st.study.tables import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

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
WIDTH, HEIGHT, LOW, ROW = 3.5, 2.15, 1.5, 0.34
"""Inches: width of a chart (a column of a paper), heights of a chart of curves and of weights, height of a row."""
SMALL = 6.5
"""Points: size of notes in a chart."""
EPOCHS, SECONDS = "epochs of training", "seconds of training"
FAR = 20.0
"""Ratios beyond this (and below its inverse) are drawn at the edge."""
RATIOS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


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


@dataclass(frozen=True)
class Mark:
    """A moment marked in a chart: its place on the x axis and what happened."""

    x: float
    label: str


@dataclass(frozen=True)
class LineChart:
    """Curves over epochs or seconds, each with a point, and a band for its 95 % interval.

    With ``percent``, values are shares in [0, 1]. With ``steps``, a value holds since the point before, as a weight
    does, and the y axis shows 0 to 1. It includes ``y_range`` at least.
    """

    title: str
    curves: Sequence[Curve]
    styles: Mapping[str, LineStyle]
    x_label: str = EPOCHS
    percent: bool = False
    steps: bool = False
    marks: Sequence[Mark] = ()
    note: str = ""
    y_range: tuple[float, float] | None = None

    @property
    def height(self) -> float:
        """Height in inches."""
        return LOW if self.steps else HEIGHT

    @property
    def description(self) -> str:
        """First, last, least and largest value of each curve."""
        parts = []
        for curve in self.curves:
            values = [self._text(point.y) for point in sorted(curve.points, key=lambda point: point.y)]
            first, last = curve.points[0], curve.points[-1]
            parts.append(
                f"{curve.name}: {self._text(first.y)} at {self._moment(first.x)}, {self._text(last.y)} at "
                f"{self._moment(last.x)}; least {values[0]}, most {values[-1]}."
            )
        parts += [f"{mark.label} at {self._moment(mark.x)}." for mark in self.marks]
        return f"Lines over {self.x_label}. {' '.join(parts)}"

    @property
    def table(self) -> Table:
        """A row an epoch and a column a curve; over seconds a row an evaluation, as each curve has its own times."""
        if self.x_label == SECONDS:
            rows = [[each.name, f"{point.x:.1f}", self._field(point)] for each in self.curves for point in each.points]
            return Table("data", ["", SECONDS, "value"], rows)
        values = [{point.x: point for point in curve.points} for curve in self.curves]
        places = sorted({x for each in values for x in each})
        rows = [[f"{x:.6g}", *(self._field(each[x]) if x in each else UNKNOWN for each in values)] for x in places]
        return Table("data", ["epoch", *(curve.name for curve in self.curves)], rows)

    def draw(self, axes: Axes) -> None:
        """Draw it into empty axes; the legend has the curves in the order of their ends."""
        points = [point for curve in self.curves for point in curve.points]
        values = [point.y for point in points] + list(self.y_range or ()) + [0.0, 1.0] * self.steps
        low, high = _limits(values, 0.06, percent=self.percent)
        right = max([point.x for point in points] + [mark.x for mark in self.marks]) or 1.0
        axes.set(xlabel=self.x_label, xlim=(0, right), ylim=(low, high))
        _ticks(axes.xaxis, "{:g}".format)
        _ticks(axes.yaxis, in_percent if self.percent else "{:.6g}".format)
        lines = [(curve.points[-1].y, self._curve(axes, curve, low, high)) for curve in self.curves]
        top = 0.65 if self.steps else 0.2  # weights are mostly high or low, and a metric is high in the end
        for number, mark in enumerate(self.marks):
            axes.axvline(mark.x, color=QUIET, linewidth=0.6, linestyle=(0, (1, 3)))
            side = -1 if mark.x > right / 2 else 1
            axes.annotate(
                short(mark.label, 32), (mark.x, top - 0.08 * number), (3 * side, 0), fontsize=SMALL, color=QUIET,
                xycoords=axes.get_xaxis_transform(), textcoords="offset points", ha="left" if side > 0 else "right",
            ).set_in_layout(False)  # fmt: skip
        handles = [line for _, line in sorted(lines, key=lambda each: -each[0])]
        legend = axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        for text in legend.get_texts():
            text.set_gid("name")

    def _curve(self, axes: Axes, curve: Curve, low: float, high: float) -> Line2D:
        style = self.styles[curve.name]
        x, y = [point.x for point in curve.points], [point.y for point in curve.points]
        if self.steps:
            x, y = [0.0, *x], [y[0], *y]
        (line,) = axes.plot(
            x, y, color=style.colour, marker=style.marker, markevery=[len(x) - 1], clip_on=False, gid="line",
            label=short(curve.name, 24), drawstyle="steps-pre" if self.steps else "default",
            linestyle=(0, style.dash) if style.dash and len(self.curves) > 1 else "-",
        )  # fmt: skip
        bounds = [(each.x, each.low, each.high) for each in curve.points if each.low is not None]
        if len(bounds) > 1 and not self.steps:  # the band is cut where the axes end
            place, lower, upper = np.array(bounds, dtype=float).T
            band = np.clip([lower, upper], low, high)
            axes.fill_between(place, *band, color=style.colour, alpha=0.12, linewidth=0, gid="band")
        return line

    def _text(self, value: float) -> str:
        return f"{100 * value:.1f} %" if self.percent else f"{value:.4g}"

    def _moment(self, x: float) -> str:
        return f"{x:,.1f} s" if self.x_label == SECONDS else f"epoch {x:.3g}"

    def _field(self, point: Point) -> str:
        text = self._text(point.y)
        if point.low is None or point.high is None:
            return text if point.n == 1 else f"{text} ({point.n})"
        return f"{text} [{self._text(point.low)}, {self._text(point.high)}] ({point.n})"


@dataclass(frozen=True)
class Entry:
    """A row of an `IntervalChart`: its mean and interval, if any, the values of the single seeds, and all in words."""

    label: str
    style: LineStyle
    interval: Interval | None
    values: Sequence[float]
    text: str


@dataclass(frozen=True)
class IntervalChart:
    """Means with 95 % intervals, a row each, at least one, with the single seeds behind them.

    ``form`` writes a value of the axis; ``line`` is a value to compare with. With ``percent``, values are shares in
    [0, 1]; with ``ratios``, the axis is logarithmic.
    """

    title: str
    entries: Sequence[Entry]
    x_label: str
    form: Callable[[float], str]
    table: Table
    percent: bool = False
    line: float | None = None
    ratios: bool = False
    note: str = ""

    @property
    def height(self) -> float:
        """Height in inches."""
        return ROW * len(self.entries) + 0.36

    @property
    def description(self) -> str:
        """The figures of each row."""
        return f"{self.x_label}. " + " ".join(f"{entry.label}: {entry.text}." for entry in self.entries)

    def draw(self, axes: Axes) -> None:
        """Draw it into empty axes."""
        low, high = self._range()
        scale = "log" if self.ratios else "linear"
        axes.set(xlabel=self.x_label, ylim=(len(self.entries), 0), yticks=[], xscale=scale, xlim=(low, high))
        if self.ratios:
            inside = [each for each in RATIOS if low <= each <= high]
            axes.set_xticks(inside, [self.form(each) for each in inside])
            axes.minorticks_off()
        else:
            _ticks(axes.xaxis, self.form)
        axes.grid(axis="x")
        axes.tick_params(axis="x", length=0)
        axes.spines[:].set_visible(False)
        if self.line is not None:  # with gaps where the labels stand
            tops = np.arange(len(self.entries)) + 0.48
            axes.vlines(np.full_like(tops, self.line), tops, tops + 0.5, color=QUIET, linewidth=0.7)
        across = axes.get_yaxis_transform()
        for number, entry in enumerate(self.entries):
            colour, level = entry.style.colour, number + 0.73
            axes.text(0, number + 0.27, short(entry.label, 44), transform=across, va="center", gid="name")
            axes.text(1, number + 0.27, entry.text, transform=across, va="center", ha="right")
            values = np.clip(entry.values, low, high)
            axes.vlines(values, level - 0.15, level + 0.15, color=colour, alpha=0.55, linewidth=0.6)
            if entry.interval is not None:
                mean, *bounds = np.clip([entry.interval.mean, *entry.interval.bounds], low, high)
                axes.plot(bounds, [level] * 2, color=colour, linewidth=1.4, clip_on=False)
                axes.plot([mean], [level], entry.style.marker, color=colour, markersize=4.5, clip_on=False)

    def _range(self) -> tuple[float, float]:
        values = [value for entry in self.entries for value in entry.values]
        values += [bound for entry in self.entries if entry.interval for bound in entry.interval.bounds]
        values += [] if self.line is None else [self.line]
        if self.ratios:
            inside = np.clip(values, 1 / FAR, FAR)
            return min(*inside, 0.8) / 1.1, max(*inside, 1.25) * 1.1
        return _limits(values, 0.04, percent=self.percent)


Chart = LineChart | IntervalChart


def sheet(charts: Sequence[Chart], title: str = "") -> Figure:
    """Return a figure with charts, at least one, in two columns, each below its title; one alone has neither."""
    from matplotlib.figure import Figure

    columns = min(2, len(charts))
    rows = [charts[first : first + columns] for first in range(0, len(charts), columns)]
    heights = [max(chart.height for chart in row) for row in rows]
    room = 0.0 if len(charts) == 1 else 0.2
    size = WIDTH * columns, sum(heights) + room * len(rows) + 0.25 * bool(title)
    figure = Figure(figsize=size, layout="constrained")
    if title:
        figure.suptitle(short(title, 96), x=0, ha="left")
    grid = figure.subplots(len(rows), columns, squeeze=False, height_ratios=heights)
    for axes, chart in zip(grid.flat, charts, strict=False):
        chart.draw(axes)
        if len(charts) > 1:
            axes.set_title(short(chart.title, 64))
    for axes in grid.flat[len(charts) :]:
        axes.remove()
    return figure


@contextmanager
def paper_style() -> Iterator[None]:
    """Draw in the style of papers within a block.

    Example:
        >>> import matplotlib
        >>> with paper_style():
        ...     matplotlib.rcParams["font.size"]
        7.0
    """
    import matplotlib.style

    where = files("mt2st.study").joinpath("paper.mplstyle")
    with as_file(where) as path, matplotlib.style.context(path), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # names may be in letters that the font of the PNG lacks
        yield


def in_percent(share: float) -> str:
    """Return a round share for an axis: ``75 %``."""
    return f"{100 * share:.6g} %"


def short(text: str, most: int) -> str:
    """Return a text in one line, cut to a number of characters.

    Example:
        >>> short("adaptive-diminish", 9), short("a" + chr(7) + "b", 9)
        ('adaptive…', 'a b')
    """
    text = "".join(each if each.isprintable() else " " for each in text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def with_range(charts: Sequence[LineChart]) -> list[LineChart]:
    """Return charts that share the range of their y axes."""
    values = [point.y for chart in charts for curve in chart.curves for point in curve.points]
    return [replace(chart, y_range=(min(values), max(values))) for chart in charts]


def _limits(values: Sequence[float], share: float, *, percent: bool) -> tuple[float, float]:
    """Return bounds a little wider than the values; those of shares stay within 0 and 1."""
    low, high = min(values), max(values)
    room = share * (high - low) or max(abs(high), 1.0) * share
    return (max(0.0, low - room), min(1.0, high + room)) if percent else (low - room, high + room)


def _ticks(axis: object, form: Callable[[float], str]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))  # type: ignore[attr-defined]
    axis.set_major_formatter(FuncFormatter(lambda value, _: form(round(value, 10))))  # type: ignore[attr-defined]
