"""Files of word pairs: synonyms, antonyms, bilingual dictionaries."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from mt2st.errors import InputError
from mt2st.tasks.relations import Pair
from mt2st.text.lines import read_lines


def read_pairs(path: str | PathLike[str]) -> list[Pair]:
    """Read word pairs from a text file (also ``.gz``), UTF-8: two words a line, separated by a tab or by spaces.

    Empty lines and lines that start with ``#`` are passed over. An entry of several words, as bilingual dictionaries
    have, needs the tab; no vocabulary of single words holds it, and it shows in the coverage.

    Raises:
        InputError: the file cannot be read, or is no text; a line with another number of columns; no pair at all.
            Names file and line.
    """
    path = Path(path)
    pairs: list[Pair] = []
    for number, line in enumerate(read_lines(path), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        columns = [column.strip() for column in text.split("\t")] if "\t" in text else text.split()
        if len(columns) != 2 or not all(columns):
            shown = f"{text[:60]}..." if len(text) > 60 else text
            raise InputError(
                f"{path}, line {number}: a pair has two words, separated by a tab or by spaces; found {len(columns)} "
                f"columns: {shown!r}"
            )
        pairs.append((columns[0], columns[1]))
    if not pairs:
        raise InputError(f"{path}: has no word pairs; give lines of two words")
    return pairs
