"""Tagged sentences in CoNLL and CoNLL-U files: one word a line, a blank line between sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mt2st.errors import InputError, listed, suggestion
from mt2st.text.lines import read_lines
from mt2st.text.readers import check_exists

CONLLU = (".conllu", ".conllu.gz")
CONLLU_COLUMNS = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
DOCUMENT_START = "-DOCSTART-"
LONGEST_SENTENCE = 100_000
"""Words. A longer one is a file without blank lines, which would be read into memory whole."""

_WORD_ID, _OTHER_ID = re.compile(r"[1-9][0-9]*"), re.compile(r"[0-9]+-[0-9]+|[0-9]+\.[0-9]+")


class TaggedSentence(NamedTuple):
    """One sentence of a tagged source.

    Attributes:
        words: its words, at least one, none of them empty.
        tags: the tag of each.
        line: the line of the first word, from 1.

    Example:
        >>> TaggedSentence(("Show", "All"), ("VERB", "PRON"), 4).tags
        ('VERB', 'PRON')
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]
    line: int


def read_conll(source: str | Path, *, tag: str | int | None = None, word: int = 1) -> Iterator[TaggedSentence]:
    r"""Stream the sentences of a tagged file, plain or ``.gz``, one at a time.

    - **CoNLL-U** (the name ends in ``.conllu``): ten columns between tabs. Multiword tokens (``1-2``), empty nodes
      (``8.1``) and comments are passed over. An underscore, the format's sign for "no value", is a tag as any other.
    - **CoNLL** (any other name): columns between tabs or, in a line without a tab, white space. Lines of
      ``-DOCSTART-`` are passed over, and so are comments: lines that begin with ``#`` and have not as many columns as
      the rows of words (a hashtag is a word).

    Args:
        source: the file.
        tag: the column of the tags: in CoNLL-U its name (``upos``, ``xpos``, ...; None for ``upos``), else its number
            from 1, or from -1 backwards (None for the last).
        word: the column of the words in CoNLL, a number likewise.

    Raises:
        InputError: a missing or empty file, an unknown column, or a row that does not fit, with file and line. A
            missing file and an unknown column are reported by the call, all else by the iteration.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "entities.conll"
        ...     _ = path.write_text("Empire\tB-place\nState\tI-place\n\nPretty\tO\n", encoding="utf-8")
        ...     for sentence in read_conll(path):
        ...         print(sentence)
        TaggedSentence(words=('Empire', 'State'), tags=('B-place', 'I-place'), line=1)
        TaggedSentence(words=('Pretty',), tags=('O',), line=4)
    """
    path = Path(source)
    check_exists(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give a CoNLL or CoNLL-U file")
    if path.name.lower().endswith(CONLLU):
        return _sentences(path, _conllu_rows(path, _conllu_column(path, tag)))
    if tag is not None and not str(tag).removeprefix("-").isdecimal():
        raise InputError(
            f"{path}: the column of the tags is a number there, found '{tag}'; only a file of the name .conllu has "
            f"columns with names"
        )
    return _sentences(path, _conll_rows(path, word, -1 if tag is None else int(tag)))


def read_words(source: str | Path, *, word: int = 1) -> Iterator[tuple[str, ...]]:
    r"""Stream the words of the sentences of a file as `read_conll` reads it, with tags or without.

    Args:
        source: the file. One of another name than ``.conllu`` may have a single column.
        word: the column of the words in CoNLL.

    Raises:
        InputError: as `read_conll`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "words.conll"
        ...     _ = path.write_text("Show\nall\n\nYes\n", encoding="utf-8")
        ...     print(list(read_words(path)))
        [('Show', 'all'), ('Yes',)]
    """
    path = Path(source)
    check_exists(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give a CoNLL or CoNLL-U file")
    conllu = path.name.lower().endswith(CONLLU)
    rows = _conllu_rows(path, CONLLU_COLUMNS.index("ID")) if conllu else _conll_rows(path, word, None)
    return (sentence.words for sentence in _sentences(path, rows))


def is_tagged(source: str | Path, *, tag: str | int | None = None, word: int = 1) -> bool:
    """Return whether the first sentence of a file has tags where `read_conll` would read them.

    In CoNLL-U, a column of underscores has none; in CoNLL, a file of one column.

    Raises:
        InputError: as `read_conll`.
    """
    path = Path(source)
    check_exists(path)
    if not path.is_dir() and not path.name.lower().endswith(CONLLU):
        first = next((line for line in read_lines(path) if line.strip()), "")
        if len(first.split()) == 1:
            return False
    sentence = next(read_conll(path, tag=tag, word=word))
    return set(sentence.tags) != {"_"}


_Row = tuple[int, str, str] | None
"""A line of a word: its number, the word, the tag. None: the end of a sentence."""


def _sentences(path: Path, rows: Iterator[_Row]) -> Iterator[TaggedSentence]:
    words: list[str] = []
    tags: list[str] = []
    first, found = 0, False
    for row in rows:
        if row is None:
            if words:
                yield TaggedSentence(tuple(words), tuple(tags), first)
                words, tags = [], []
            continue
        line, word, tag = row
        for what, value in (("word", word), ("tag", tag)):
            if not value:
                raise InputError(f"{path}, line {line}: the column of the {what}s is empty; give a {what}")
        if not words:
            first, found = line, True
        elif len(words) == LONGEST_SENTENCE:
            raise InputError(
                f"{path}, line {first}: a sentence of more than {LONGEST_SENTENCE:,} words begins here; "
                f"put a blank line between sentences"
            )
        words.append(word)
        tags.append(tag)
    if words:
        yield TaggedSentence(tuple(words), tuple(tags), first)
    if not found:
        raise InputError(f"{path}: holds no sentence; give one word a line, and a blank line between sentences")


def _conllu_column(path: Path, tag: str | int | None) -> int:
    name = "UPOS" if tag is None else str(tag).upper()
    if name not in CONLLU_COLUMNS:
        raise InputError(
            f"{path}: CoNLL-U has no column '{tag}'.{suggestion(name, CONLLU_COLUMNS)} "
            f"Its columns are {listed(CONLLU_COLUMNS)}"
        )
    return CONLLU_COLUMNS.index(name)


def _conllu_rows(path: Path, tag: int) -> Iterator[_Row]:
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            yield None
        elif not line.startswith("#"):
            columns = line.rstrip("\r\n").split("\t")
            if len(columns) != len(CONLLU_COLUMNS):
                raise InputError(
                    f"{path}, line {number}: a word has {len(CONLLU_COLUMNS)} columns between tabs in CoNLL-U, "
                    f"found {len(columns)}"
                )
            if _WORD_ID.fullmatch(columns[0]):
                yield number, columns[1].strip(), columns[tag].strip()
            elif not _OTHER_ID.fullmatch(columns[0]):
                raise InputError(
                    f"{path}, line {number}: the first column numbers the word (3, 3-4 or 3.1), found '{columns[0]}'"
                )


def _conll_rows(path: Path, word: int, tag: int | None) -> Iterator[_Row]:
    width, width_line = 0, 0
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            yield None
            continue
        columns = [column.strip() for column in line.split("\t")] if "\t" in line else line.split()
        if columns[0] == DOCUMENT_START:
            yield None
            continue
        if line.startswith("#") and (len(columns) != width if width else line.startswith("# ") and "\t" not in line):
            continue
        if not width:
            width, width_line = len(columns), number
            _check_columns(path, number, width, word=word, tag=tag)
        if len(columns) != width:
            raise InputError(
                f"{path}, line {number}: expected {width} columns, as line {width_line} has, found {len(columns)}"
            )
        yield number, columns[_index(word)], columns[_index(word if tag is None else tag)]


def _index(column: int) -> int:
    return column - 1 if column > 0 else column


def _check_columns(path: Path, line: int, width: int, *, word: int, tag: int | None) -> None:
    if width < 2 and tag is not None:
        raise InputError(f"{path}, line {line}: a word needs a tag behind it, in a second column; found one column")
    for what, column in (("words", word), ("tags", word if tag is None else tag)):
        if not 1 <= abs(column) <= width:
            raise InputError(
                f"{path}, line {line}: has {width} columns, so the column of the {what} is a number from 1 to {width} "
                f"(or -1 to -{width} backwards), found {column}"
            )
    if tag is not None and _index(word) % width == _index(tag) % width:
        raise InputError(f"{path}, line {line}: words and tags are both read from column {word}; choose another")
