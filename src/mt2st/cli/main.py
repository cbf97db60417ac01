"""``mt2st``: finds the command, runs it, and turns what happened into an exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from mt2st import __version__
from mt2st.errors import InputError, suggestion

OK, FAULT, WRONG_INPUT = 0, 1, 2

COMMANDS = {
    "demo": "the four strategies side by side on packaged news articles",
    "train": "train a text classifier: model folder, metrics, report",
    "predict": "labels and probabilities from a trained model",
    "compare": "several strategies and seeds on the same data, with a table",
    "vectors": "word vectors alone: train, neighbours",
}

USAGE = """usage: mt2st COMMAND ...

Task-specific word embeddings and small classifiers from few labels, trained from many tasks to one (MT2ST).

commands:
{commands}

  mt2st COMMAND --help   explains a command
  mt2st --version        prints the version
"""


class Command(Protocol):
    """What a module of a command has."""

    def run(self, arguments: Sequence[str]) -> int:
        """Run the command with the arguments behind its name and return the exit code."""


class Interrupted(BaseException):
    """The user or the system asked the program to end.

    Attributes:
        signal: the signal's number; the exit code is 128 more.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: the words behind the program's name; those of the process by default.

    Returns:
        0 done, 2 the user's input is wrong, 1 a fault of ours, 130 or 143 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return _dispatch(words)
    except InputError as error:
        print(f"mt2st: {error}", file=sys.stderr)
        return WRONG_INPUT
    except KeyboardInterrupt:
        print("mt2st: interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    except Interrupted as end:
        print(f"mt2st: ended by signal {end.signal}", file=sys.stderr)
        return 128 + end.signal
    except BrokenPipeError:
        # Whoever read our output has gone; Python must not fail once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


def _dispatch(words: list[str]) -> int:
    listing = "\n".join(f"  {name:<10} {what}" for name, what in COMMANDS.items())
    usage = USAGE.format(commands=listing)
    if not words:
        print(usage, end="", file=sys.stderr)
        return WRONG_INPUT
    name, *rest = words
    if name in ("-h", "--help"):
        print(usage, end="")
        return OK
    if name == "--version":
        print(f"mt2st {__version__}")
        return OK
    if name not in COMMANDS:
        raise InputError(f"unknown command '{name}'.{suggestion(name, COMMANDS)} See mt2st --help")
    command = cast("Command", import_module(f"mt2st.cli.{name}"))
    return command.run(rest)


def _terminate(number: int, frame: object) -> None:  # noqa: ARG001  # a signal handler's arguments
    raise Interrupted(number)
