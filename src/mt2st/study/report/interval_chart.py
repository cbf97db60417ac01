"""A picture of means with their intervals, a row each, and the single values behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mt2st.study.palette import Style
from mt2st.study.report.svg import element, picture
from mt2st.study.scale import Scale, padded, ratio_ticks, ticks
from mt2st.study.statistics import Interval

WIDTH, ROW, TOP, BOTTOM, MARGIN = 440.0, 42.0, 2.0, 42.0, 0.0
LABEL, LEVEL = 20.0, 31.0
"""Where in a row its label ends, and where its values stand."""
LONGEST, FAR = 44, 20.0
"""The longest label; and the ratio beyond which an axis of ratios does not go."""


@dataclass(frozen=True)
class Entry:
    """A row of the picture.

    Attributes:
        label: what it is about.
        style: how it is drawn.
        interval: mean and bounds; None where there is nothing to draw.
        values: of the single seeds.
        text: what stands at the right.
    """

    label: str
    style: Style
    interval: Interval | None
    values: Sequence[float]
    text: str


@dataclass(frozen=True)
class IntervalChart:
    """Means with intervals.

    Attributes:
        identifier: of the picture in its page.
        title: what it shows.
        entries: the rows, at least one.
        x_label: what the axis shows.
        form: writes a value of the axis out.
        line: value of a line to compare with.
        ratios: whether the values are ratios, whose axis is logarithmic.
    """

    identifier: str
    title: str
    entries: Sequence[Entry]
    x_label: str
    form: Callable[[float], str]
    line: float | None = None
    ratios: bool = False

    @property
    def height(self) -> float:
        """Height of the picture."""
        return TOP + ROW * len(self.entries) + BOTTOM

    @property
    def svg(self) -> Markup:
        """The picture."""
        scale = self._scale()
        bottom = self.height - BOTTOM
        content = []
        found = ratio_ticks(scale.low, scale.high) if self.ratios else ticks(scale.low, scale.high, most=6)
        for value in found:
            at = scale(value)
            content += self._line("grid", at)
            content.append(
                element("text", text=self.form(value), class_="tick", x=at, y=bottom + 16, text_anchor="middle")
            )
        if self.line is not None:
            content += self._line("zero", scale(self.line))
        content.append(
            element("text", text=self.x_label, class_="name", x=WIDTH / 2, y=self.height - 6, text_anchor="middle")
        )
        content += [self._row(entry, TOP + ROW * number, scale) for number, entry in enumerate(self.entries)]
        return picture(self.identifier, self.title, self.description, WIDTH, self.height, content)

    @property
    def description(self) -> str:
        """What the picture shows, in words."""
        return f"{self.x_label}. " + " ".join(f"{entry.label}: {entry.text}." for entry in self.entries)

    def _scale(self) -> Scale:
        values = [value for entry in self.entries for value in entry.values]
        for entry in self.entries:
            if entry.interval is not None:
                values += _bounds(entry.interval)
        if self.line is not None:
            values.append(self.line)
        start, end = MARGIN + 8, WIDTH - MARGIN - 8
        if self.ratios:
            values = [min(max(value, 1 / FAR), FAR) for value in values]
            low, high = min(*values, 0.8), max(*values, 1.25)
            return Scale(low / 1.1, high * 1.1, start, end, logarithmic=True)
        return Scale(*padded(min(values), max(values), 0.04), start, end)

    def _line(self, kind: str, at: float) -> list[Markup]:
        """Return an upright line, with gaps where the rows' labels stand."""
        tops = [TOP + ROW * number for number in range(len(self.entries))]
        return [element("line", class_=kind, x1=at, x2=at, y1=top + LABEL, y2=top + ROW) for top in tops]

    def _row(self, entry: Entry, top: float, scale: Scale) -> Markup:
        level = top + LEVEL
        slot = f"s{entry.style.slot}"
        parts = [
            element("text", text=_short(entry.label), class_="label", x=MARGIN, y=top + 14),
            element("text", text=entry.text, class_="value", x=WIDTH - MARGIN, y=top + 14, text_anchor="end"),
        ]
        for value in entry.values:
            at = scale(scale.inside(value))
            parts.append(element("line", class_=f"seed {slot}", x1=at, x2=at, y1=level - 6, y2=level + 6))
        if entry.interval is not None:
            low, high = (scale(scale.inside(bound)) for bound in _bounds(entry.interval))
            at = scale(scale.inside(entry.interval.mean))
            parts.append(element("line", class_=f"interval {slot}", x1=low, x2=high, y1=level, y2=level))
            parts.append(element("circle", class_=f"mean {slot}", cx=at, cy=level, r=4.5))
        return element("g", *parts)


def _bounds(interval: Interval) -> tuple[float, float]:
    low, high = interval.low, interval.high
    return interval.mean if low is None else low, interval.mean if high is None else high


def _short(label: str) -> str:
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…"
