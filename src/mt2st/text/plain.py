"""Plain text files: one text per line, no labels."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path

from mt2st.errors import InputError
from mt2st.text.lines import decoded, opened
from mt2st.text.record import Record

LONGEST_TEXT = 1 << 20
"""Bytes (1 MiB). A longer line comes as several texts, so that a corpus on one line (text8) reads in flat memory."""


def read_plain(path: Path) -> Iterator[Record]:
    """Yield each line of a text file as a record without a label; an empty line is a record with an empty text.

    A line longer than `LONGEST_TEXT` bytes comes as several records of the same line number, cut at a space where it
    has one.

    Raises:
        InputError: an empty or damaged file, or bytes that are not UTF-8 (with file, line and byte).
    """
    with opened(path) as stream:
        number, before = 1, 0
        raw = stream.readline(LONGEST_TEXT).removeprefix(BOM_UTF8)
        if not raw:
            raise InputError(f"{path}: is empty; give a file with one text per line")
        while raw:
            if raw.endswith(b"\n") or len(raw) < LONGEST_TEXT:
                yield Record(decoded(raw, path, number, before).rstrip("\r\n"), None, number)
                number, before = number + 1, 0
                raw = stream.readline(LONGEST_TEXT)
                continue
            cut = _cut(raw)
            yield Record(decoded(raw[:cut], path, number, before), None, number)
            before += cut
            raw = raw[cut:] + stream.readline(LONGEST_TEXT - len(raw) + cut)


def _cut(raw: bytes) -> int:
    """Where to cut a long line: after its last space, else before the last character, which may be incomplete."""
    space = raw.rfind(b" ")
    # A cut inside "<br />" would leave its halves standing as text.
    while space > 0 and raw[:space].lower().endswith(b"<br"):
        space = raw.rfind(b" ", 0, space)
    if space > 0:
        return space + 1
    cut = len(raw) - 1
    while cut > len(raw) - 4 and raw[cut] & 0b1100_0000 == 0b1000_0000:  # a continuation byte of UTF-8
        cut -= 1
    return cut
