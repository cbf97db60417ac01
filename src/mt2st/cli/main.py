"""``mt2st``: finds the command, runs it, and turns what happened into an exit code."""

from __future__ import annotations

import errno
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from mt2st._version import __version__
from mt2st.cli.interruption import Interrupted, Stopped
from mt2st.cli.standard_input import standard_input
from mt2st.cli.terminal import say, warn
from mt2st.errors import InputError, suggestion

OK, FAULT, WRONG_INPUT = 0, 1, 2
_OF_THE_SYSTEM = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ELOOP, errno.ENAMETOOLONG,
    errno.EFBIG, errno.ESTALE, errno.ENODEV, errno.ENOTCONN, errno.ENOSPC, errno.EDQUOT,
}  # fmt: skip
"""Errors of disks and permissions, which are no fault of ours."""

COMMANDS = {
    "demo": "a classifier from ten labels a class, next to a linear model",
    "train": "train a text classifier or tagger: model folder, metrics, report",
    "predict": "labels and probabilities, or tags, from a trained model",
    "evaluate": "metrics of a trained model on labelled data",
    "export": "a trained model for other programs: onnx, numpy, word vectors",
    "compare": "several strategies and seeds on the same data, with a table",
    "reproduce": "the paper's tables, figures and claims about time, run again",
    "report": "the report of a study or a run, rebuilt from its folder",
    "vectors": "word vectors alone: train, evaluate, neighbours, convert",
}

USAGE = """usage: mt2st COMMAND ...

Task-specific word embeddings and small classifiers from few labels, trained from many tasks to one (MT2ST).

commands:
{commands}

  mt2st COMMAND --help   explains a command
  mt2st --version        prints the version
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: the words behind the program's name; those of the process by default.

    Returns:
        0 done, 2 the user's input is wrong, 1 a fault of ours, 130 or 143 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    _open_streams()
    signal.signal(signal.SIGTERM, _terminate)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # as the files are, wherever a label's characters come from
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning  # type: ignore[assignment]  # takes what it needs
            code = _dispatch(words)
        sys.stdout.flush()
        return code  # noqa: TRY300  # what the flush raises is answered below
    except InputError as error:
        say(f"mt2st: {error}")
        return WRONG_INPUT
    except KeyboardInterrupt:
        say("mt2st: interrupted")
        return 128 + signal.SIGINT
    except Interrupted as end:
        if not isinstance(end, Stopped):
            say(f"mt2st: ended by signal {end.signal}")
        return 128 + end.signal
    except BrokenPipeError:  # whoever read our output has gone
        _flush_or_drop()
        return OK
    except OSError as error:
        if error.errno == errno.ENOENT and not _is_somewhere():
            say("mt2st: the current folder is gone: change to another one")
        elif error.errno in _OF_THE_SYSTEM:
            what = os.fsdecode(error.filename) if error.filename else "cannot write"
            say(f"mt2st: {what}: {error.strerror}")
        else:
            raise
        _flush_or_drop()
        return WRONG_INPUT


def _is_somewhere() -> bool:
    try:
        return bool(Path.cwd())
    except OSError:
        return False


def _open_streams() -> None:
    """Put the null device in place of standard streams that the caller has closed.

    Otherwise the first files that are opened would take their numbers, and get what is printed.
    """
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115  # to the end


def _show_warning(message: Warning | str, *_: Any) -> None:
    """Print what a warning says, without the place in our code that Python would add."""
    warn(str(message))


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
    with standard_input(name, rest) as given:
        code: int = import_module(f"mt2st.cli.{name}").run(given)
    return code


def _flush_or_drop() -> None:
    """Write what is buffered; drop it if standard output fails, so that Python does not fail at exit once more."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _terminate(number: int, frame: object) -> None:  # noqa: ARG001  # a signal handler's arguments
    raise Interrupted(number)
