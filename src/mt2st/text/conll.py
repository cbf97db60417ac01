"""Tagged sentences in CoNLL and CoNLL-U files: one word a line, a blank line between sentences.

What is a row and what a comment is decided by the dialect (`_Dialect`), not by the number of columns alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from mt2st.errors import InputError, listed, suggestion
from mt2st.text.lines import read_lines
from mt2st.text.readers import check_exists

CONLLU = (".conllu", ".conllu.gz")
TAGGED = (".conllu", ".conll", ".conllup", ".cupt", ".iob", ".bio", ".iob2")
"""Endings of files of words, one a line; each may be followed by ``.gz``."""
CONLLU_COLUMNS = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
DOCUMENT_START = "-DOCSTART-"
LONGEST_SENTENCE = 100_000
"""Words. A longer one is a file without blank lines, which would be read into memory whole."""

_GLOBAL_COLUMNS, _DOCUMENT = "# global.columns =", ("#begin document", "#end document")
_LINES_TRIED = 1000
"""Lines by which it is found whether the first column numbers the words."""
_BLANKS = re.compile(r"[ \t]+")
_BRACKETS = re.compile(r"\*\)?|\(([^()*]+)(?:\*|\*?\))")
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


def read_conll(
    source: str | Path, *, tag: str | int | None = None, word: int = 1, first_lines: dict[str, int] | None = None
) -> Iterator[TaggedSentence]:
    r"""Stream the sentences of a tagged file, plain or ``.gz``, one at a time.

    - **CoNLL-U** (the name ends in ``.conllu``): ten columns between tabs. Multiword tokens (``1-2``), empty nodes
      (``8.1``) and comments are passed over. An underscore, the format's sign for "no value", is a tag as any other.
    - **CoNLL-U Plus** and **.cupt** (the first line is ``# global.columns = ...``): the same with those columns.
    - **CoNLL** (all else): columns between tabs if the first row has one, else between spaces and tabs. Lines of
      ``-DOCSTART-`` are passed over, and so are comments. Where the first column numbers the words (CoNLL-X, -2009) or
      names the document (OntoNotes), every line that begins with ``#`` is one, and each sentence may have a number of
      columns of its own; else only one that stands before a sentence and is no row (a hashtag is a word). Entities
      in OntoNotes' brackets, ``(PERSON*``, become IOB2 tags.

    Args:
        source: the file.
        tag: the column of the tags: in CoNLL-U its name (``upos``, ``xpos``, ...; None for ``upos``, or the last if
            there is none), else its number from 1, or from -1 backwards (None for the last).
        word: the column of the words in CoNLL, a number likewise.
        first_lines: filled with the line on which each tag comes first.

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
    path = _checked(source)
    names = _column_names(path)
    if names is not None:
        return _sentences(path, _named_rows(path, names, _named_column(path, names, tag)), first_lines)
    if tag is not None and not str(tag).removeprefix("-").isdecimal():
        raise InputError(
            f"{path}: the column of the tags is a number there, found '{tag}'; only a file of the name .conllu has "
            f"columns with names"
        )
    return _sentences(path, _conll_rows(path, word, -1 if tag is None else int(tag)), first_lines)


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
    path = _checked(source)
    names = _column_names(path)
    rows = _conll_rows(path, word, None) if names is None else _named_rows(path, names, names.index("ID"))
    return (sentence.words for sentence in _sentences(path, rows))


def has_names(source: str | Path) -> bool:
    """Return whether the columns of a file have names: those of CoNLL-U and of CoNLL-U Plus."""
    return _column_names(_checked(source)) is not None


def is_tagged(source: str | Path, *, tag: str | int | None = None, word: int = 1) -> bool:
    """Return whether the first sentence of a file has tags where `read_conll` would read them.

    In CoNLL-U, a column of underscores has none; in CoNLL, a file of one column.

    Raises:
        InputError: as `read_conll`.
    """
    path = _checked(source)
    if _column_names(path) is None and _Dialect.of(path, word).width == 1:
        return False
    sentence = next(read_conll(path, tag=tag, word=word))
    return set(sentence.tags) != {"_"}


def _checked(source: str | Path) -> Path:
    """Return the path of a file."""
    path = Path(source)
    check_exists(source)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give a CoNLL or CoNLL-U file")
    return path


_Row = tuple[int, str, str] | None
"""A line of a word: its number, the word, the tag. None: the end of a sentence."""


def _sentences(path: Path, rows: Iterator[_Row], first_lines: dict[str, int] | None = None) -> Iterator[TaggedSentence]:
    words: list[str] = []
    tags: list[str] = []
    first, found = 0, False
    for row in rows:
        if row is None:
            if words:
                yield TaggedSentence(tuple(words), _without_brackets(tags), first)
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
        if first_lines is not None:
            first_lines.setdefault(tag, line)
    if words:
        yield TaggedSentence(tuple(words), _without_brackets(tags), first)
    if not found:
        raise InputError(f"{path}: holds no sentence; give one word a line, and a blank line between sentences")


def _without_brackets(tags: list[str]) -> tuple[str, ...]:
    """Return tags with OntoNotes' brackets, ``(ORG*  *  *)``, as IOB2 tags, and all others as they are.

    Example:
        >>> _without_brackets(["(ORG*", "*)", "*", "(DATE)"]), _without_brackets(["*", "NN"])
        (('B-ORG', 'I-ORG', 'O', 'B-DATE'), ('*', 'NN'))
    """
    found = [_BRACKETS.fullmatch(tag) for tag in tags] if tags[0][0] in "*(" else []
    if not found or not all(found) or not any("*" in tag for tag in tags):
        return tuple(tags)
    result, kind = [], ""
    for tag, match in zip(tags, found, strict=True):
        assert match is not None
        if match[1]:
            kind = match[1]
            result.append(f"B-{kind}")
        else:
            result.append(f"I-{kind}" if kind else "O")
        kind = "" if tag.endswith(")") else kind
    return tuple(result)


def _column_names(path: Path) -> tuple[str, ...] | None:
    """Return the names of the columns of CoNLL-U and CoNLL-U Plus, None for a file of another kind."""
    first = next(read_lines(path), "")
    if first.startswith(_GLOBAL_COLUMNS):
        names = tuple(first.removeprefix(_GLOBAL_COLUMNS).upper().split())
        if "ID" not in names or "FORM" not in names:
            raise InputError(f"{path}, line 1: needs the columns ID and FORM, found {listed(names)}")
        return names
    return CONLLU_COLUMNS if path.name.lower().endswith(CONLLU) else None


def _named_column(path: Path, names: tuple[str, ...], tag: str | int | None) -> int:
    if tag is None:
        return names.index("UPOS") if "UPOS" in names else len(names) - 1
    name = str(tag).upper()
    if name not in names:
        raise InputError(
            f"{path}: CoNLL-U has no column '{tag}'.{suggestion(name, names)} Its columns are {listed(names)}"
        )
    return names.index(name)


def _named_rows(path: Path, names: tuple[str, ...], tag: int) -> Iterator[_Row]:
    at, form = names.index("ID"), names.index("FORM")
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            yield None
        elif not line.startswith("#"):
            columns = line.rstrip("\r\n").split("\t")
            if len(columns) != len(names):
                raise InputError(
                    f"{path}, line {number}: a word has {len(names)} columns between tabs in CoNLL-U, "
                    f"found {len(columns)}"
                )
            if _is_word(columns[at], path, number):
                yield number, columns[form].strip(), columns[tag].strip()


def _is_word(found: str, path: Path, line: int) -> bool:
    """Return whether the number of a row is that of a word, not of a multiword token or an empty node."""
    if _WORD_ID.fullmatch(found):
        return True
    if _OTHER_ID.fullmatch(found):
        return False
    raise InputError(f"{path}, line {line}: the first column numbers the word (3, 3-4 or 3.1), found '{found}'")


@dataclass(frozen=True)
class _Dialect:
    """What distinguishes the rows of a CoNLL file from its other lines.

    Attributes:
        path: the file.
        word: column of the words.
        tabs: columns are cut at tabs, else at runs of spaces and tabs.
        width: columns of the first row, on the line ``line``.
        numbered: the first column numbers the words of a sentence.
        documents: lines of ``#begin document`` stand between documents (OntoNotes).
    """

    path: Path
    word: int
    tabs: bool
    width: int
    line: int
    numbered: bool
    documents: bool

    @classmethod
    def of(cls, path: Path, word: int) -> _Dialect:
        """Find the dialect by the first lines; without a row the width is 0."""
        first: tuple[int, str] | None = None
        documents, position, several, numbered = False, 0, False, True
        for number, line in enumerate(read_lines(path), 1):
            documents |= line.startswith(_DOCUMENT)
            if line.startswith(DOCUMENT_START) or not line.strip() or _may_be_comment(line, first):
                position = 0 if not line.startswith("#") else position
                continue
            first = first or (number, line)
            columns = _columns(line, tabs="\t" in first[1])
            if not _OTHER_ID.fullmatch(columns[0]):
                position += 1
                numbered &= len(columns) > 2 and columns[0] == str(position)
                several |= position > 1
            if not numbered or number > _LINES_TRIED:
                break
        number, line = first or next(
            ((number, line) for number, line in enumerate(read_lines(path), 1) if _is_hashtag(line)), (0, "")
        )
        tabs = "\t" in line
        width = len(_columns(line, tabs=tabs)) if number else 0
        return cls(path, word, tabs, width, number, numbered and several, documents)

    def columns(self, line: str) -> list[str]:
        """Return the columns of a row."""
        return _columns(line, tabs=self.tabs)

    def is_comment(self, columns: list[str], tag: int, *, first: bool) -> bool:
        """Return whether a line that begins with ``#`` is a comment; ``first``: it may begin a sentence."""
        if self.numbered or self.documents:
            return True
        if len(columns) != self.width:
            return first or columns[0] == "#" or columns[0].startswith("# ")
        if self.tabs:
            return columns[0].startswith("# ")
        return first and self.width > 1 and columns[tag] not in self._tags_of_rows(tag)

    def _tags_of_rows(self, tag: int) -> frozenset[str]:
        if tag not in self._known:
            self._known[tag] = frozenset(self._read_tags(tag))
        return self._known[tag]

    @cached_property
    def _known(self) -> dict[int, frozenset[str]]:
        return {}

    def _read_tags(self, tag: int) -> Iterator[str]:
        """Yield the tags of the lines that are rows without doubt: they begin with no ``#``, or go on a sentence."""
        first = True
        for line in read_lines(self.path):
            columns = self.columns(line) if line.strip() else []
            if columns and columns[0] != DOCUMENT_START and not (first and line.startswith("#")):
                first = False
                if len(columns) == self.width:
                    yield columns[tag]
            elif not line.startswith("#"):
                first = True


def _columns(line: str, *, tabs: bool) -> list[str]:
    """Return the columns of a line; Unicode's other white space belongs to the words."""
    line = line.rstrip("\r\n")
    return [column.strip(" ") for column in line.split("\t")] if tabs else _BLANKS.split(line.strip(" \t"))


def _is_hashtag(line: str) -> bool:
    return line.startswith("#") and not line.startswith(("# ", *_DOCUMENT)) and bool(_BLANKS.search(line.strip()))


def _may_be_comment(line: str, first: tuple[int, str] | None) -> bool:
    return line.startswith("#") and (first is None or line.startswith("# "))


def _conll_rows(path: Path, word: int, tag: int | None) -> Iterator[_Row]:
    dialect = _Dialect.of(path, word)
    width, width_line = dialect.width, dialect.line
    free = dialect.numbered or dialect.documents
    word_at, tag_at = _index(word), _index(word if tag is None else tag)
    if width:
        _check_columns(path, width_line, width, word=word, tag=tag)
    if dialect.numbered and word_at == 0:
        raise InputError(
            f"{path}, line {width_line}: the first column numbers the words; name the column that holds them: "
            f"--word 2 (word=2). If this is CoNLL-U, let its name end in .conllu"
        )
    first, document = True, ""
    for number, line in enumerate(read_lines(path), 1):
        columns = dialect.columns(line)
        marked = line.startswith("#")
        if not line.strip() or columns[0] == DOCUMENT_START or (marked and line.startswith(_DOCUMENT)):
            document = line if marked else document
            yield None
            first = True
            continue
        if marked and dialect.is_comment(columns, -1 if tag is None else tag_at, first=first):
            continue
        if free and first and len(columns) != width and min(word, tag or word) > 0:
            width, width_line = len(columns), number
            _check_columns(path, number, width, word=word, tag=tag)
        if len(columns) != width:
            raise InputError(
                f"{path}, line {number}: expected {width} columns, as line {width_line} has, found {len(columns)}"
                + _one_sentence_a_line(columns)
            )
        if first and word_at == 0 and f"({columns[0]})" in document:
            raise InputError(
                f"{path}, line {number}: the first column is the name of the document, as in OntoNotes; name the "
                f"column that holds the words: --word 4 (word=4)"
            )
        first = False
        if not dialect.numbered or _is_word(columns[0], path, number):
            yield number, columns[word_at], columns[tag_at]


def _one_sentence_a_line(columns: list[str]) -> str:
    """Return what to do about spaCy's form of a sentence, ``word|tag word|tag``, or an empty text."""
    if not all("|" in column.strip("|") for column in columns):
        return ""
    return "; this looks like one sentence a line: write one word a line, with its tag behind it"


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
