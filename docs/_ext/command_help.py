"""The directive ``command-help``: what a command of ``mt2st`` prints for ``--help``, as a literal block."""

from __future__ import annotations

import contextlib
import io
import os
import re
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

from mt2st.cli.main import main

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class CommandHelp(Directive):
    """The arguments are a command line without the program: ``train --help-all``."""

    required_arguments: ClassVar[int] = 1
    final_argument_whitespace: ClassVar[bool] = True

    def run(self) -> list[nodes.Node]:
        """Return the printed help."""
        printed = io.StringIO()
        before = {name: os.environ.get(name) for name in ("COLUMNS", "NO_COLOR", "TERM")}
        os.environ.update(COLUMNS="100", NO_COLOR="1", TERM="dumb")
        try:
            with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
                main(self.arguments[0].split())
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
        text = _COLOURS.sub("", printed.getvalue()).rstrip()
        if not text:
            raise self.error(f"mt2st {self.arguments[0]} printed nothing")
        return [nodes.literal_block(text, text, language="text")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}
