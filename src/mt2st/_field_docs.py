"""The texts under the fields of a dataclass, from its source: for the command line's help, and for Python's."""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import pairwise


@cache
def field_docs(options: type) -> dict[str, str]:
    """Return the text under each field of a dataclass, on one line."""
    docs = {each.name: each.metadata["help"] for each in fields(options) if "help" in each.metadata}
    for each in reversed([each for each in options.__mro__ if is_dataclass(each)]):
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(each)))
        except OSError:  # made at run time, with its help in the fields' metadata
            continue
        assert isinstance(tree.body[0], ast.ClassDef)
        body = tree.body[0].body
        for statement, below in pairwise(body):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                match below:
                    case ast.Expr(ast.Constant(str() as text)):
                        docs[statement.target.id] = " ".join(text.split())
    return docs


class DocWithFields:
    """A class's docstring, to which its fields and their texts are added when somebody reads it."""

    def __init__(self, text: str | None) -> None:
        self._text = inspect.cleandoc(text or "")

    def __get__(self, instance: object, owner: type) -> str:
        """Return the docstring of a dataclass."""
        lines = (
            textwrap.fill(f"{name}: {text}", 110, initial_indent="    ", subsequent_indent="        ")
            for name, text in field_docs(owner).items()
        )
        return "\n".join([self._text, "", "Args:", *lines])
