"""A page: what it is made of, and how it becomes one HTML file that needs nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO
from itertools import count
from xml.etree import ElementTree

from markupsafe import Markup

from mt2st.errors import MissingExtraError
from mt2st.study.charts import Chart, paper_style, sheet
from mt2st.study.palette import PAGE, dark_colours
from mt2st.study.tables import Table

SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"


@dataclass(frozen=True)
class Paragraph:
    """Some sentences."""

    text: str


@dataclass(frozen=True)
class Code:
    """A command."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list of sentences."""

    items: Sequence[str]


@dataclass(frozen=True)
class Facts:
    """Names with their values."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Tabular:
    """A table with a caption; its notes stand below it."""

    table: Table
    caption: str


@dataclass(frozen=True)
class Gallery:
    """Charts side by side, as many as there is room for, each with its data in a table."""

    charts: Sequence[Chart]
    title: str = ""


Block = Paragraph | Code | Items | Facts | Tabular | Gallery


@dataclass(frozen=True)
class Section:
    """A part of a page. One without any content but empty lists and galleries is left out."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A report: its kind and name, what it says, first in one sentence, and what one must know to judge it."""

    kicker: str
    title: str
    verdict: str
    version: str
    further: Sequence[str] = ()
    cautions: Sequence[str] = ()
    sections: Sequence[Section] = ()


def render(page: Page) -> str:
    """Return a page as HTML: style and charts inline, no script, nothing from elsewhere, all its text escaped.

    Raises:
        MissingExtraError: when jinja2 or matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise MissingExtraError("the report", "report") from error
    environment = Environment(
        loader=PackageLoader("mt2st.study.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    numbers = count(1)
    environment.filters["kind"] = lambda block: type(block).__name__.lower()
    environment.filters["svg"] = lambda chart: inline_svg(chart, f"figure-{next(numbers)}")
    sections = [
        section
        for section in page.sections
        if any(getattr(block, "charts", getattr(block, "items", True)) for block in section.blocks)
    ]
    style = Markup(_style())  # our own
    return environment.get_template("report.html").render(page=page, sections=sections, style=style)


def _style() -> str:
    """Return the style sheet, with the colours of the palette as variables for a light and a dark page."""
    sheet = files("mt2st.study.report").joinpath("templates", "report.css").read_text(encoding="utf-8")
    counterparts = dark_colours()
    light, dark = (
        "; ".join([f"--page: {page}", *(f"--c{name[1:]}: {colour}" for name, colour in colours)])
        for page, colours in zip(PAGE, ([(each, each) for each in counterparts], counterparts.items()), strict=True)
    )
    return f":root {{ {light} }}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n{sheet}"


CLASSES = {"line", "band", "name"}
"""The marks (``gid``) of a chart that become classes in the page."""
DEFAULTS = ("font-family", "stroke-dashoffset: 0", "stroke-linejoin", "stroke-linecap: square", "text-anchor: start")
"""Beginnings of what a page does not need of an element's style."""


def inline_svg(chart: Chart, identifier: str) -> Markup:
    """Return a chart as an SVG element, with the title and description that a screen reader says in its place.

    Every colour becomes a variable of the page, ``var(--c0067a5)`` for ``#0067a5``: dark mode is then a matter of CSS.
    The identifiers inside begin with that of the picture.
    """
    buffer = BytesIO()
    with paper_style():
        figure = sheet([chart])
        for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
            patch.set_visible(False)
        figure.savefig(buffer, format="svg")
    drawn = ElementTree.fromstring(buffer.getvalue())  # matplotlib's own output, every text escaped
    parts = {"title": chart.title, "desc": chart.description}
    labelled = " ".join(f"{identifier}-{part}" for part in parts)
    svg = ElementTree.Element("svg", {"viewBox": drawn.attrib["viewBox"], "role": "img", "aria-labelledby": labelled})
    for part, text in parts.items():
        ElementTree.SubElement(svg, part, {"id": f"{identifier}-{part}"}).text = text
    inside = ElementTree.SubElement(svg, "g", {"aria-hidden": "true"})
    inside.extend(each for each in drawn if each.tag == f"{SVG}g")
    for element in inside.iter():
        _clean(element, f"{identifier}-")
    return Markup(ElementTree.tostring(svg, encoding="unicode"))  # ElementTree escapes


def _clean(element: ElementTree.Element, prefix: str) -> None:
    """Make an element of matplotlib's one of the page: no namespaces, the page's font and colours, shorter numbers."""
    element.tag = element.tag.removeprefix(SVG)
    element.tail = None
    if element.tag != "text":
        element.text = None
    attributes = dict(element.attrib)
    element.attrib.clear()
    for key, value in attributes.items():
        if key == "id" and value in CLASSES:
            element.set("class", value)
        elif key == "id" and element.tag != "g":
            element.set(key, prefix + value)
        elif key == LINK:
            element.set("href", f"#{prefix}{value[1:]}")
        elif key == "style":
            style = re.sub(r"font: ([\d.]+px)[^;]*", r"font-size: \1", value)
            kept = "; ".join(each for each in style.split("; ") if not each.startswith(DEFAULTS))
            element.set(key, re.sub(r"#([0-9a-f]{6})", r"var(--c\1)", kept))
        elif key not in ("id", "clip-path"):  # charts cut what is beyond their axes
            value = re.sub(r"-?\d+\.\d+", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), value)
            element.set(key, " ".join(value.split()))
