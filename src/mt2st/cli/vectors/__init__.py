"""``mt2st vectors``: word vectors alone, one module a command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from mt2st.errors import InputError, suggestion

COMMANDS = {
    "train": "train word vectors on a corpus",
    "evaluate": "analogy and similarity tests",
    "neighbours": "the words nearest to a word",
    "convert": "from one file format to another",
}


def run(arguments: Sequence[str]) -> int:
    """Run the command that the first argument names."""
    if not arguments or arguments[0] in ("-h", "--help"):
        listing = "\n".join(f"  {name:<11} {what}" for name, what in COMMANDS.items())
        print(f"usage: mt2st vectors COMMAND ...\n\ncommands:\n{listing}", file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    name, *rest = arguments
    if name not in COMMANDS:
        raise InputError(f"unknown command 'vectors {name}'.{suggestion(name, COMMANDS)} See mt2st vectors --help")
    code: int = import_module(f"mt2st.cli.vectors.{name}").run(rest)
    return code
