"""What a page is made of, before it becomes HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mt2st.study.report.interval_chart import IntervalChart
from mt2st.study.report.line_chart import LineChart
from mt2st.study.tables import Table


@dataclass(frozen=True)
class Paragraph:
    """Some sentences."""

    text: str
    kind: str = "paragraph"


@dataclass(frozen=True)
class Code:
    """A command."""

    text: str
    kind: str = "code"


@dataclass(frozen=True)
class Items:
    """A list of sentences."""

    items: Sequence[str]
    kind: str = "items"


@dataclass(frozen=True)
class Facts:
    """Names with their values."""

    pairs: Sequence[tuple[str, str]]
    kind: str = "facts"


@dataclass(frozen=True)
class Tabular:
    """A table that every reader shall see.

    Attributes:
        table: its fields; the notes stand below it.
        caption: what it shows.
    """

    table: Table
    caption: str
    kind: str = "table"


@dataclass(frozen=True)
class Picture:
    """A picture with its data.

    Attributes:
        chart: what is drawn.
        data: the same in a table, for those who ask for it.
        note: what it shows besides its title.
    """

    chart: LineChart | IntervalChart
    data: Table
    note: str = ""


@dataclass(frozen=True)
class Gallery:
    """Pictures side by side, as many as there is room for."""

    pictures: Sequence[Picture]
    title: str = ""
    kind: str = "gallery"


Block = Paragraph | Code | Items | Facts | Tabular | Gallery


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        title: its heading.
        blocks: what stands in it.
    """

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A report.

    Attributes:
        kicker: what kind of report it is, above the title.
        title: its name.
        verdict: what it says, in one sentence.
        further: other sentences that belong to it.
        cautions: what one must know to judge it.
        sections: the rest.
        version: of the program that wrote it.
    """

    kicker: str
    title: str
    verdict: str
    version: str
    further: Sequence[str] = ()
    cautions: Sequence[str] = ()
    sections: Sequence[Section] = field(default_factory=list)
