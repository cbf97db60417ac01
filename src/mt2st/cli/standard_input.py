"""Standard input in place of a file, by the word ``-``; other pipes and devices are refused before they can hang."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

STDIN = "-"
NAME = "standard input"
_HEAD = 1 << 12
"""Bytes by which the format is found."""
_CONLLU = re.compile(rb"# (?:sent_id|text|newdoc|newpar)\b|1\t(?:[^\t]*\t){8}[^\t]*$")
_WRITTEN = ("--output", "--log")
"""Options that name a place to write to."""
_NO_FILE = (*_WRITTEN, "--delimiter", "--encoding", "--keep", "--label", "--label-separator", "--tag", "--text")
"""Options after which ``-`` is not standard input."""


@contextmanager
def standard_input(command: str, words: Sequence[str]) -> Iterator[list[str]]:
    """Give a command's words, with a temporary file in place of ``-``.

    Files are read more than once, so standard input is copied first. ``mt2st predict MODEL -`` alone reads a text a
    line as they come, unless an option says that they are the rows of a table.
    """
    _check(words)
    words = list(_split(words))
    places = [at for at, word in enumerate(words) if word == STDIN and (at == 0 or words[at - 1] not in _NO_FILE)]
    if not places or (command == "predict" and not _in_rows(words)):
        yield words
        return
    from mt2st._files import scratch_folder
    from mt2st.cli.launched import processes_started
    from mt2st.errors import InputError

    if len(places) > 1:
        raise InputError("- stands for standard input, which can be read once: give it once")
    if processes_started() > 1:
        raise InputError("- stands for standard input, which several processes cannot share: give a file")
    with scratch_folder("stdin") as folder:
        head = sys.stdin.buffer.read(_HEAD)
        path = folder / f"standard-input{_ending(command, words, head)}"
        try:
            with path.open("wb") as file:
                file.write(head)
                shutil.copyfileobj(sys.stdin.buffer, file)
        except OSError as error:
            raise InputError(
                f"{NAME} cannot be copied to {folder}: {error.strerror or error}; make room there, or set TMPDIR to "
                "another place"
            ) from error
        given = [*words]
        given[places[0]] = str(path)
        if command == "predict" and words[places[0] - 1] != "--file":
            given.insert(places[0], "--file")
        try:
            yield given
        except InputError as error:
            if str(path) not in str(error):
                raise
            raise InputError(str(error).replace(str(path), NAME)) from error


def lines_of_texts(encoding: str | None) -> Iterator[str]:
    """Yield the lines of standard input as they come: UTF-8 as files are, whatever the terminal's encoding."""
    from mt2st.text.lines import lines_of

    stream = getattr(sys.stdin, "buffer", None)  # a program that calls this one may have put a text stream there
    lines = sys.stdin if stream is None else lines_of(stream, Path(NAME), encoding)
    return (line.rstrip("\r\n") for line in lines)


def _check(words: Sequence[str]) -> None:
    from mt2st.errors import InputError
    from mt2st.text.lines import check_regular

    for before, word in zip(("", *words), words, strict=False):
        value = word.partition("=")[2] if word.startswith("--") else word
        if not word and before.startswith("--") and "=" not in before:
            raise InputError(f"{before} is empty: give it a value, or leave it out")
        if before not in _WRITTEN and not word.startswith(_WRITTEN) and value:
            check_regular(Path(value))


def _split(words: Sequence[str]) -> Iterator[str]:
    """Yield the words, with ``--option=-`` as two where the option may name a file to read."""
    for word in words:
        option, _, value = word.partition("=")
        if value == STDIN and option.startswith("--") and option not in _NO_FILE:
            yield from (option, value)
        else:
            yield word


def _in_rows(words: Sequence[str]) -> bool:
    """Return whether an option says that the texts are in the rows of a table."""
    return any(word.split("=")[0] in ("--text", "--delimiter") for word in words)


def _ending(command: str, words: Sequence[str], head: bytes) -> str:
    """Return the ending of a file's name that tells the format of what begins so."""
    line = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0]
    if head.startswith(b"PAR1"):
        return ".parquet"
    if head.startswith(b"\x1f\x8b"):
        return f"{_ending(command, words, _unpacked(head))}.gz"
    if _CONLLU.match(line):
        return ".conllu"
    if _is_tagged(command, words):
        return ".conll"
    if line.lstrip().startswith(b"{"):
        return ".jsonl"
    if command == "vectors" and words[:1] != ["train"]:
        return ""  # of vectors, whose content tells
    if line.startswith(b"__label__") or (command in ("vectors", "predict") and not _in_rows(words)):
        return ".txt"
    return ".tsv" if b"\t" in line else ".csv"


def _is_tagged(command: str, words: Sequence[str]) -> bool:
    """Return whether what is read are tagged sentences: a command says so, or the model that is to be measured."""
    if command != "evaluate":
        return any(word.removeprefix("--task=") == "tagging" for word in words)
    from mt2st.cli.data_options import saved_config

    return any(saved_config(Path(word)).get("problem_type") == "tagging" for word in words)


def _unpacked(head: bytes) -> bytes:
    import zlib

    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head)
    except zlib.error:
        return b""
