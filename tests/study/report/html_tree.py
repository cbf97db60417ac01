"""A strict reading of a page: every element is closed in its order, and no identifier occurs twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}
NO_BREAK = "\u00a0"


@dataclass
class Node:
    name: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        parts = (child if isinstance(child, str) else child.text for child in self.children)
        return "".join(parts).replace(NO_BREAK, " ").strip()

    def all(self, name: str) -> list[Node]:
        inside = [child for child in self.children if isinstance(child, Node)]
        return [found for child in inside for found in ([child] * (child.name == name) + child.all(name))]

    def tables(self) -> dict[str, list[list[str]]]:
        """Return the fields of each table, its header first, by its caption."""
        return {
            table.all("caption")[0].text: [
                [cell.text for cell in row.children if isinstance(cell, Node)] for row in table.all("tr")
            ]
            for table in self.all("table")
        }


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Node("page")]
        self.identifiers: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert len(dict(attributes)) == len(attributes), f"<{tag}> has an attribute twice"
        node = Node(tag, dict(attributes))
        identifier = node.attributes.get("id")
        assert identifier not in self.identifiers, f"the identifier {identifier} occurs twice"
        if identifier is not None:
            self.identifiers.add(identifier)
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].name == tag, f"</{tag}> closes <{self.open[-1].name}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read(html: str) -> Node:
    """Return the root of a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert len(reader.open) == 1, f"<{reader.open[-1].name}> is not closed"
    return reader.open[0]
