"""A page: what it is made of, and how it becomes one HTML file that needs nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import count
from typing import ClassVar

from markupsafe import Markup

from mt2st.errors import MissingExtraError
from mt2st.study.charts import Chart
from mt2st.study.palette import PAGE, dark_colours
from mt2st.study.report.inline_svg import inline_svg
from mt2st.study.tables import Table

NO_BREAK = "\u00a0"


@dataclass(frozen=True)
class Paragraph:
    """Some sentences."""

    kind: ClassVar = "paragraph"
    text: str


@dataclass(frozen=True)
class Code:
    """A command."""

    kind: ClassVar = "code"
    text: str


@dataclass(frozen=True)
class Items:
    """A list of sentences."""

    kind: ClassVar = "items"
    items: Sequence[str]


@dataclass(frozen=True)
class Facts:
    """Names with their values."""

    kind: ClassVar = "facts"
    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Tabular:
    """A table with a caption; its notes stand below it."""

    kind: ClassVar = "table"
    table: Table
    caption: str


@dataclass(frozen=True)
class Gallery:
    """Charts side by side, as many as there is room for, each with its data in a table."""

    kind: ClassVar = "gallery"
    charts: Sequence[Chart]
    title: str = ""


Block = Paragraph | Code | Items | Facts | Tabular | Gallery


@dataclass(frozen=True)
class Section:
    """A part of a page. One without any content is left out."""

    title: str
    blocks: Sequence[Block]

    @property
    def has_content(self) -> bool:
        """Whether anything stands in it but empty lists and galleries."""
        return any(getattr(block, "charts", getattr(block, "items", True)) for block in self.blocks)


@dataclass(frozen=True)
class Page:
    """A report.

    Attributes:
        kicker: what kind of report it is, above the title.
        title: its name.
        verdict: what it says, in one sentence.
        version: of the program that wrote it.
        further: other sentences that belong to the verdict.
        cautions: what one must know to judge it.
        sections: the rest.
    """

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
    environment.filters["tight"] = tight
    environment.filters["svg"] = lambda chart: inline_svg(chart, f"figure-{next(numbers)}")
    sections = [section for section in page.sections if section.has_content]
    style = Markup(_style())  # our own
    return environment.get_template("report.html").render(page=page, sections=sections, style=style)


def tight(text: str) -> str:
    """Return a text whose figures are not torn apart at the end of a line.

    Example:
        >>> tight("in 0.53 [0.48, 0.58], +2.9 ± 0.4 points").replace("\u00a0", "_")
        'in 0.53 [0.48,_0.58], +2.9_±_0.4_points'
    """
    text = re.sub(
        r"(?<=\d) (?=%|±|points?\b|seeds?\b)|(?<=[±<=]) (?=\d)|(?<=\bp) (?=[<=])|(?<=\bn) (?=\d)", NO_BREAK, text
    )
    return re.sub(r"\[[^]\s]+ [^]\s]+\]", lambda found: found[0].replace(" ", NO_BREAK), text)


def _style() -> str:
    """Return the style sheet, with the colours of the palette as variables for a light and a dark page."""
    sheet = files("mt2st.study.report").joinpath("templates", "report.css").read_text(encoding="utf-8")
    counterparts = dark_colours()
    light, dark = (
        "; ".join([f"--page: {page}", *(f"--c{name[1:]}: {colour}" for name, colour in colours)])
        for page, colours in zip(PAGE, ([(each, each) for each in counterparts], counterparts.items()), strict=True)
    )
    return f":root {{ {light} }}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n{sheet}"
