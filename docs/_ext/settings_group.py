"""The directive ``settings-group``: a table of the settings of a group, from its fields and their docstrings."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

from docutils import nodes
from docutils.statemachine import StringList
from pydantic.fields import FieldInfo
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

import mt2st

NAMES = {bool: "yes or no", int: "whole number", float: "number", str: "text", NoneType: "none"}
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def values(annotation: Any) -> str:
    """Return in words which values an annotation allows."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(map(str, arguments))
    if origin is Annotated:
        bounds = [
            f"{sign} {getattr(each, name):g}"
            for extra in arguments[1:]
            for each in (extra.metadata if isinstance(extra, FieldInfo) else [extra])
            for name, sign in SIGNS.items()
            if hasattr(each, name)
        ]
        return f"{values(arguments[0])} {', '.join(bounds)}".strip()
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(values(each) for each in arguments if each is not NoneType))
    if origin is tuple:
        return "several of: " + values(arguments[0]) if arguments[-1] is Ellipsis else f"{len(arguments)} numbers"
    if origin is dict:
        return "by group of parameters"
    return NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)))


def rows(group: type) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, values, default and docstring of each setting."""
    docs = ModuleAnalyzer.for_module(group.__module__).find_attr_docs()
    hints = get_type_hints(group, vars(sys.modules[group.__module__]), include_extras=True)
    for each in fields(group):
        default = each.default if each.default is not MISSING else each.default_factory()  # type: ignore[misc]
        text = " ".join(docs.get((group.__name__, each.name), [])).strip()
        yield each.name, values(hints[each.name]), _shown(default), text


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, tuple):
        return ", ".join(map(str, default)) or "none"
    return "" if default is None else str(default)


class SettingsGroup(SphinxDirective):
    """The argument is a group that ``mt2st`` exports: ``Context``."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        table = nodes.table(classes=["settings"])
        tgroup = nodes.tgroup(cols=4)
        tgroup += [nodes.colspec(colwidth=width) for width in (18, 20, 10, 52)]
        head, body = nodes.thead(), nodes.tbody()
        head += self._row([nodes.Text(name) for name in ("setting", "values", "default", "meaning")])
        for name, allowed, default, text in rows(getattr(mt2st, self.arguments[0])):
            meaning = nodes.container()
            self.state.nested_parse(StringList([text], source=self.arguments[0]), 0, meaning)
            shown = nodes.literal(text=default) if default else nodes.Text("")
            body += self._row([nodes.literal(text=name), nodes.Text(allowed), shown, *meaning.children[:1]])
        tgroup += [head, body]
        table += tgroup
        return [table]

    def _row(self, cells: list[nodes.Node]) -> nodes.row:
        row = nodes.row()
        for cell in cells:
            row += nodes.entry("", cell if isinstance(cell, nodes.paragraph) else nodes.paragraph("", "", cell))
        return row


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("settings-group", SettingsGroup)
    return {"parallel_read_safe": True}
