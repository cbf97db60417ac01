"""A picture of curves, with the name of each at its end in place of a legend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mt2st.study.curves import Curve
from mt2st.study.palette import Style
from mt2st.study.report.svg import element, path, picture
from mt2st.study.scale import Scale, apart, padded, ticks

Form = Callable[[float], str]
"""Writes a value out."""

WIDTH, HEIGHT = 440.0, 270.0
TOP, BOTTOM, LEFT = 14.0, 40.0, 50.0
LINE, LETTER, LONGEST = 15.0, 6.4, 20
"""Distance of two labels, width of a letter, and the longest label."""


@dataclass(frozen=True)
class Mark:
    """A moment that is marked in a picture.

    Attributes:
        x: where.
        label: what happened.
    """

    x: float
    label: str


@dataclass(frozen=True)
class LineChart:
    """Curves over an axis of epochs or seconds.

    Attributes:
        identifier: of the picture in its page.
        title: what it shows.
        curves: at least one, each with a point.
        styles: by the curves' names.
        x_label: what the x axis shows.
        y_form: writes a round value beside the y axis out.
        y_exact: writes any value of it out.
        x_form: likewise of the x axis.
        y_range: bounds that the y axis has at least.
        steps: whether a value holds since the point before, as a weight does.
        marks: moments.
        height: of the picture.
    """

    identifier: str
    title: str
    curves: Sequence[Curve]
    styles: Mapping[str, Style]
    x_label: str
    y_form: Form
    y_exact: Form
    x_form: Form
    y_range: tuple[float, float] | None = None
    steps: bool = False
    marks: Sequence[Mark] = ()
    height: float = HEIGHT

    @property
    def svg(self) -> Markup:
        """The picture."""
        x, y = self._scales()
        content = [
            *self._axes(x, y),
            *(self._band(curve, x, y) for curve in self.curves),
            *(self._line(curve, x, y) for curve in self.curves),
            *self._marks(x, y),
            *self._labels(x, y),
        ]
        return picture(self.identifier, self.title, self.description, WIDTH, self.height, content)

    @property
    def description(self) -> str:
        """What the picture shows, in words."""
        parts = []
        for curve in self.curves:
            first, last = curve.points[0], curve.points[-1]
            least, most = min(curve.points, key=lambda each: each.y), max(curve.points, key=lambda each: each.y)
            parts.append(
                f"{curve.name}: {self.y_exact(first.y)} at {self.x_form(first.x)}, {self.y_exact(last.y)} at "
                f"{self.x_form(last.x)}; least {self.y_exact(least.y)}, most {self.y_exact(most.y)}."
            )
        parts += [f"{mark.label} at {self.x_form(mark.x)}." for mark in self.marks]
        return f"Lines over {self.x_label}. {' '.join(parts)}"

    def _scales(self) -> tuple[Scale, Scale]:
        points = [point for curve in self.curves for point in curve.points]
        low, high = min(point.y for point in points), max(point.y for point in points)
        if self.y_range:
            low, high = min(low, self.y_range[0]), max(high, self.y_range[1])
        longest = max(min(len(curve.name), LONGEST) for curve in self.curves)
        right = WIDTH - LETTER * longest - 24
        first = 0.0 if self.steps else min(0.0, *(point.x for point in points))
        last = max([point.x for point in points] + [mark.x for mark in self.marks])
        bottom = self.height - BOTTOM
        return Scale(first, last or 1.0, LEFT, right), Scale(*padded(low, high), bottom, TOP)

    def _axes(self, x: Scale, y: Scale) -> list[Markup]:
        parts = []
        for value in ticks(y.low, y.high, most=5):
            place = y(value)
            parts.append(element("line", class_="grid", x1=x.start, x2=x.end, y1=place, y2=place))
            parts.append(
                element("text", text=self.y_form(value), class_="tick", x=LEFT - 7, y=place + 4, text_anchor="end")
            )
        for value in ticks(x.low, x.high, most=6):
            parts.append(
                element("text", text=f"{value:g}", class_="tick", x=x(value), y=y.start + 16, text_anchor="middle")
            )
            parts.append(element("line", class_="axis", x1=x(value), x2=x(value), y1=y.start, y2=y.start + 4))
        parts.append(element("line", class_="axis", x1=x.start, x2=x.end, y1=y.start, y2=y.start))
        middle = (x.start + x.end) / 2
        parts.append(
            element("text", text=self.x_label, class_="name", x=middle, y=self.height - 6, text_anchor="middle")
        )
        return parts

    def _marks(self, x: Scale, y: Scale) -> list[Markup]:
        parts = []
        first = y.end + (0.35 * (y.start - y.end) if self.steps else 10)  # weights are mostly high or low
        places = apart([first + 13 * number for number in range(len(self.marks))], 13, y.end + 10, y.start)
        for mark, place in zip(self.marks, places, strict=True):
            at = x(mark.x)
            before = at > (x.start + x.end) / 2
            parts.append(element("line", class_="mark", x1=at, x2=at, y1=y.end, y2=y.start))
            parts.append(
                element(
                    "text",
                    text=_short(mark.label, 30),
                    class_="note",
                    x=at - 5 if before else at + 5,
                    y=place,
                    text_anchor="end" if before else "start",
                )
            )
        return parts

    def _band(self, curve: Curve, x: Scale, y: Scale) -> Markup:
        """Return the 95 % interval, cut where the picture ends."""
        inside = [
            (x(each.x), y(y.inside(each.low)), y(y.inside(each.high)))
            for each in curve.points
            if each.low is not None and each.high is not None
        ]
        if len(inside) < 2 or self.steps:
            return Markup("")
        outline = [(at, high) for at, _, high in inside] + [(at, low) for at, low, _ in reversed(inside)]
        return element("path", class_=f"band s{self.styles[curve.name].slot}", d=f"{path(outline)}Z")

    def _line(self, curve: Curve, x: Scale, y: Scale) -> Markup:
        points = [(x(each.x), y(each.y)) for each in curve.points]
        if self.steps:
            before = [x.start, *(at for at, _ in points[:-1])]
            points = [
                place
                for start, (at, level) in zip(before, points, strict=True)
                for place in ((start, level), (at, level))
            ]
        style = self.styles[curve.name]
        solid = " solid" if len(self.curves) == 1 else ""
        line = element("path", class_=f"line s{style.slot}{solid}", d=path(points))
        at, level = points[-1]
        return Markup("").join([line, element("circle", class_=f"end s{style.slot}", cx=at, cy=level, r=3)])

    def _labels(self, x: Scale, y: Scale) -> list[Markup]:
        ends = [(x(curve.points[-1].x), y(curve.points[-1].y)) for curve in self.curves]
        places = apart([level for _, level in ends], LINE, y.end + 4, y.start - 2)
        parts = []
        for curve, (at, level), place in zip(self.curves, ends, places, strict=True):
            style = self.styles[curve.name]
            line = path([(at + 4, level), (x.end + 8, level), (x.end + 16, place)])
            parts.append(element("path", class_=f"leader s{style.slot}", d=line))
            parts.append(element("text", text=_short(curve.name, LONGEST), class_="label", x=x.end + 19, y=place + 4))
        return parts


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
