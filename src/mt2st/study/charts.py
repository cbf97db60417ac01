"""The two kinds of charts, drawn by matplotlib: the same for the report's page and for papers.

A chart knows its data, draws itself into axes, and says what it shows in words and in a table. `sheet` puts several on
one figure. The style of all is ``paper.mplstyle``, whatever the user's own matplotlib is set to.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import isotonic_regression

from mt2st.strategy import LineStyle
from mt2st.study.curves import Curve, Point
from mt2st.study.palette import INK, QUIET, RULE
from mt2st.study.statistics import Interval
from mt2st.study.tables import Table
from mt2st.study.wording import UNKNOWN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT, LOW, ROW = 3.5, 2.15, 1.5, 0.34
"""Inches: width of a chart (a column of a paper), heights of a chart of curves and of weights, height of a row."""
SMALL = 6.5
"""Points: size of the numbers and notes; `LINE` is the least distance of two names."""
LINE = 8.6
EPOCHS, SECONDS = "epochs of training", "seconds of training"
FAR = 20.0
"""Ratios beyond this (and below its inverse) are drawn at the edge."""
RATIOS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


@dataclass(frozen=True)
class Mark:
    """A moment marked in a chart: its place on the x axis and what happened."""

    x: float
    label: str


@dataclass(frozen=True)
class LineChart:
    """Curves over epochs or seconds, each with a point, its name at its end and a band for its 95 % interval.

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
            values = [point.y for point in curve.points]
            first, last = curve.points[0], curve.points[-1]
            parts.append(
                f"{curve.name}: {self._text(first.y)} at {self._moment(first.x)}, {self._text(last.y)} at "
                f"{self._moment(last.x)}; least {self._text(min(values))}, most {self._text(max(values))}."
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
        """Draw it into empty axes."""
        points = [point for curve in self.curves for point in curve.points]
        values = [point.y for point in points] + list(self.y_range or ()) + [0.0, 1.0] * self.steps
        low, high = _limits(values, 0.06, percent=self.percent)
        last = max([point.x for point in points] + [mark.x for mark in self.marks])
        axes.set(xlabel=self.x_label, xlim=(0, last or 1.0), ylim=(low, high))
        _ticks(axes.xaxis, 6, "{:g}".format)
        _ticks(axes.yaxis, 6, in_percent if self.percent else "{:.6g}".format)
        for curve in self.curves:
            self._curve(axes, curve, low, high)
        self._marks(axes)
        self._names(axes, low, high)

    def _curve(self, axes: Axes, curve: Curve, low: float, high: float) -> None:
        style = self.styles[curve.name]
        x, y = [point.x for point in curve.points], [point.y for point in curve.points]
        if self.steps:
            x, y = [0.0, *x], [y[0], *y]
        axes.plot(
            x,
            y,
            color=style.colour,
            linestyle=(0, style.dash) if style.dash and len(self.curves) > 1 else "-",
            marker=style.marker,
            markevery=[len(x) - 1],
            drawstyle="steps-pre" if self.steps else "default",
            clip_on=False,
            gid="line",
        )
        bounds = [(each.x, each.low, each.high) for each in curve.points if each.low is not None]
        if len(bounds) > 1 and not self.steps:  # the band is cut where the axes end
            place, lower, upper = np.clip(
                np.array(bounds, dtype=float).T, [[0.0], [low], [low]], [[np.inf], [high], [high]]
            )
            outline = np.append(place, place[::-1]), np.clip(np.append(lower, upper[::-1]), low, high)
            axes.fill(*outline, color=style.colour, alpha=0.12, linewidth=0, gid="band")

    def _marks(self, axes: Axes) -> None:
        right, height = axes.get_xlim()[1], _height(axes)
        top = 0.35 if self.steps else 0.8  # weights are mostly high or low, and a metric is high in the end
        for number, mark in enumerate(self.marks):
            before = mark.x > right / 2
            axes.axvline(mark.x, color=QUIET, linewidth=0.6, linestyle=(0, (1, 3)))
            axes.annotate(
                short(mark.label, 32),
                (mark.x, 1 - top - number * LINE / height),
                (-3 if before else 3, 0),
                xycoords=axes.get_xaxis_transform(),
                textcoords="offset points",
                ha="right" if before else "left",
                va="center",
                fontsize=SMALL,
                color=QUIET,
            ).set_in_layout(False)

    def _names(self, axes: Axes, low: float, high: float) -> None:
        """Write the curves' names at the right, each as near to the height of its line's end as the others allow."""
        height = _height(axes)
        ends = [curve.points[-1] for curve in self.curves]
        places = apart([(end.y - low) / (high - low) * height for end in ends], LINE, 2.0, height - 2.0)
        right = axes.get_xlim()[1]
        for curve, end, place in zip(self.curves, ends, places, strict=True):
            level = low + place / height * (high - low)
            leader = [end.x, 1.015 * right, 1.045 * right], [end.y, end.y, level]
            colour = self.styles[curve.name].colour
            axes.plot(*leader, color=colour, linewidth=0.5, linestyle=(0, (1, 3)), clip_on=False)
            axes.text(1.055 * right, level, short(curve.name, 24), va="center", color=INK, gid="name")

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
        rows = len(self.entries)
        axes.set(xlabel=self.x_label, ylim=(rows, 0), yticks=[])
        if self.ratios:
            axes.set_xscale("log")
        axes.set_xlim(low, high)
        if self.ratios:
            inside = [each for each in RATIOS if low <= each <= high]
            axes.set_xticks(inside, [self.form(each) for each in inside])
            axes.minorticks_off()
        else:
            _ticks(axes.xaxis, 6, self.form)
        axes.tick_params(axis="x", length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        tops = np.arange(rows) + 0.48  # upright lines have gaps where the labels stand
        for tick in axes.get_xticks():
            if low <= tick <= high:
                axes.vlines([tick] * rows, tops, tops + 0.5, color=RULE, linewidth=0.5)
        if self.line is not None:
            axes.vlines([self.line] * rows, tops, tops + 0.5, color=QUIET, linewidth=0.7)
        for number, entry in enumerate(self.entries):
            self._row(axes, number, entry, low, high)

    def _row(self, axes: Axes, number: int, entry: Entry, low: float, high: float) -> None:
        colour, level = entry.style.colour, number + 0.73
        across = axes.get_yaxis_transform()
        axes.text(0, number + 0.27, short(entry.label, 44), transform=across, va="center", color=INK, gid="name")
        axes.text(1, number + 0.27, entry.text, transform=across, va="center", ha="right", color=INK)
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


def apart(places: Sequence[float], distance: float, low: float, high: float) -> list[float]:
    """Return places moved as little as possible (least squares) to be a distance apart, within bounds if they fit.

    Example:
        >>> apart([10.0, 11.0, 40.0], 10.0, 0.0, 100.0)
        [5.5, 15.5, 40.0]
    """
    order = np.lexsort((-np.arange(len(places)), np.asarray(places)))  # of equal places, the first one is on top
    offsets = distance * np.arange(len(places))
    fitted = isotonic_regression(np.asarray(places, dtype=float)[order] - offsets).x
    found = np.empty(len(places))
    found[order] = np.clip(fitted, low, max(low, high - offsets[-1])) + offsets
    return [float(each) for each in found]


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


def _ticks(axis: object, most: int, form: Callable[[float], str]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10]))  # type: ignore[attr-defined]
    axis.set_major_formatter(FuncFormatter(lambda value, _: form(round(value, 10))))  # type: ignore[attr-defined]


def _height(axes: Axes) -> float:
    """Return the height of axes in points, before the layout: a little less than what they get."""
    return 72 * axes.get_position().height * axes.get_figure(root=True).get_figheight()  # type: ignore[union-attr]
