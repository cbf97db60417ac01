"""What is wrong with a command's words, in one line.

The parser (tyro) prints a box of several lines and ends the program. Its structured errors are not part of what it
promises to keep, so the line is made from what the box says; a box that is not understood is brought onto one line.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr

from mt2st.errors import suggestion

WRONG_USAGE = 2
"""The exit code that tyro and argparse give wrong words."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_RULE = re.compile(r"[─-]+")
_VALUES = (
    (re.compile(r"invalid literal for int\(\) with base 10: (?P<found>'.*?')(?= -|$)"), "needs a whole number"),
    (re.compile(r"could not convert string to float: (?P<found>'.*?')(?= -|$)"), "needs a number"),
    (re.compile(r"Could not parse arguments \[(?P<found>.*?)\] into"), "cannot be read"),
)


@contextmanager
def in_one_line(program: str, flags: Iterable[str]) -> Iterator[None]:
    """Let tyro's complaint about a command's words come as one line on stderr; the program ends as before.

    Args:
        program: the command, which the line starts with.
        flags: all options, to suggest from: ``"--epochs"``.
    """
    printed = io.StringIO()
    try:
        with redirect_stderr(printed):
            yield
    except SystemExit as end:
        if end.code == WRONG_USAGE and printed.getvalue().strip():
            line = explained(printed.getvalue(), flags)
            end_of_line = "" if line.endswith("?") else "."
            printed = io.StringIO(f"{program}: {line}{end_of_line} See {program} --help\n")
        raise
    finally:
        sys.stderr.write(printed.getvalue())


def explained(box: str, flags: Iterable[str]) -> str:
    """Return in one line what a box of tyro's says.

    Example:
        >>> box = '''╭─ Value error ───────────────────────────────────────────────────────╮
        ... │ Error parsing --epochs: invalid literal for int() with base 10: 'x' │
        ... │ ─────────────────────────────────────────────────────────────────── │
        ... │ For full helptext, see mt2st train --help                           │
        ... ╰─────────────────────────────────────────────────────────────────────╯'''
        >>> explained(box, ["--epochs"])
        "--epochs: needs a whole number, found 'x'"
    """
    blocks = list(_blocks(box))
    text = " ".join(row.strip() for row in blocks[0] if row.strip()) if blocks else ""
    if text.startswith("Missing from"):
        return "; ".join([f"missing: {', '.join(_names(blocks[0]))}", *_unknown(blocks[1:], flags)])
    if text.startswith("Unrecognized options: "):
        return _unknown_word(text.removeprefix("Unrecognized options: ").split(",")[0].strip(), flags)
    if match := re.match(r"Missing value for argument '(\S+)'\. Expected (\d+)", text):
        return f"{match[1]}: needs {'a value' if match[2] == '1' else match[2] + ' values'}"
    if match := re.match(r"invalid choice '(.*)' for argument '(\S+)'\. Expected one of \((.*?),?\)", text):
        return f"{match[2]}: must be one of {match[3]}, found '{match[1]}'"
    if match := re.match(r"Error parsing (\S+): (.*)", text):
        return f"{match[1]}: {_value(match[2])}"
    return text.rstrip(".") or "wrong usage"


def _blocks(box: str) -> Iterator[list[str]]:
    """Yield the rows between the rules of a box, indented as they are there."""
    rows: list[str] = []
    for line in _COLOUR.sub("", box).splitlines():
        if line[:1] in ("╭", "╰", "+"):
            continue
        row = line.removeprefix("│").removeprefix("|").rstrip("│| ")
        if _RULE.fullmatch(row.strip()):
            yield rows
            rows = []
        else:
            rows.append(row.removeprefix(" "))
    yield rows


def _names(rows: Iterable[str]) -> list[str]:
    """Return the arguments in a list of missing ones; what explains them is indented more."""
    return [row.split()[0] for row in rows if re.match(r" {4}\S", row)]


def _unknown(blocks: Iterable[list[str]], flags: Iterable[str]) -> list[str]:
    """Return a complaint about the first word of a list of unknown ones, if there is such a list."""
    return [
        _unknown_word(rows[1].strip(), flags)
        for rows in blocks
        if len(rows) > 1 and rows[0].startswith("Unrecognized options:")
    ]


def _unknown_word(word: str, flags: Iterable[str]) -> str:
    if not word.startswith("-"):
        return f"cannot place '{word}'"
    near = suggestion(word.split("=")[0], flags)
    return f"unknown option {word}" + (f".{near}" if near else "")


def _value(message: str) -> str:
    for pattern, complaint in _VALUES:
        if match := pattern.search(message):
            return f"{complaint}, found {match['found']}"
    return message.split(" Got errors:")[0].rstrip(".")
