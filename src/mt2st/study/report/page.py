"""A page: what it is made of, and how it becomes one HTML file that needs nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from io import StringIO
from itertools import count

from markupsafe import Markup, escape

from mt2st.errors import MissingExtraError
from mt2st.study.charts import PAGE, Chart, dark_colours, paper_style, sheet
from mt2st.study.tables import Table


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
    """Return a page as HTML: style and charts inline, no script, nothing from elsewhere, all its text escaped."""
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


def inline_svg(chart: Chart, identifier: str) -> Markup:
    """Return a chart as an SVG element, with the title and description that a screen reader says in its place.

    Every colour becomes a variable of the page, ``var(--c0067a5)`` for ``#0067a5``: dark mode is then a matter of CSS.
    The identifiers inside begin with that of the picture.
    """
    buffer = StringIO()
    with paper_style():
        figure = sheet([chart])
        for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
            patch.set_visible(False)
        figure.savefig(buffer, format="svg")
    drawn = buffer.getvalue()  # matplotlib's own output, every text escaped
    box = re.search(r'viewBox="[^"]*"', drawn)
    inside = " ".join(drawn[drawn.index("<g id=") : drawn.rindex("</g>") + len("</g>")].split())
    for pattern, replacement in (
        (r' clip-path="[^"]*"', ""),  # charts cut what is beyond their axes
        (r'<g id="(line|band|name)"', r'<g class="\1"'),
        (r'<g id="[^"]*"', "<g"),
        (r'<path id="', f'<path id="{identifier}-'),
        (r' xlink:href="#', f' href="#{identifier}-'),
    ):
        inside = re.sub(pattern, replacement, inside)
    inside = re.sub(r' style="[^"]*"', lambda found: _style_of_page(found[0]), inside)
    return Markup(
        f'<svg {box[0] if box else ""} role="img" aria-labelledby="{identifier}-title {identifier}-desc">'
        f'<title id="{identifier}-title">{escape(chart.title)}</title>'
        f'<desc id="{identifier}-desc">{escape(chart.description)}</desc><g aria-hidden="true">{inside}</g></svg>'
    )


def _style_of_page(style: str) -> str:
    """Return an element's style in the font and the colours of the page."""
    style = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1", re.sub(r"font-family: [^;\"]*; ", "", style))
    return re.sub(r"#([0-9a-f]{6})", r"var(--c\1)", style)
