"""Analogy questions: what they are, their files, and how tables of pairs make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from os import PathLike
from pathlib import Path
from typing import Literal

from mt2st.errors import InputError, shortened
from mt2st.text.lines import read_lines

Kind = Literal["semantic", "syntactic"]
Question = tuple[str, str, str, str]
Pair = tuple[str, str]

PARTNERS = 20
"""Pairs of its table that each pair is asked with: questions grow with the table, not with its square."""
SYNTACTIC = "gram"
"""How the name of a syntactic section starts, as in the questions of Mikolov et al. (2013)."""
_ENDINGS = (".gz", ".txt", ".tsv", ".csv", ".tab")


@dataclass(frozen=True)
class AnalogySection:
    """Questions of one relation.

    Attributes:
        name: of the relation; one that starts with ``gram`` is syntactic.
        questions: ``(a, b, c, d)``: a is to b as c is to d; d is asked for.
    """

    name: str
    questions: tuple[Question, ...]

    @property
    def kind(self) -> Kind:
        """Semantic or syntactic."""
        return "syntactic" if self.name.lower().startswith(SYNTACTIC) else "semantic"


def questions_of_pairs(pairs: Sequence[Pair], partners: int = PARTNERS) -> tuple[Question, ...]:
    """Compose questions from the pairs of a relation: each pair with others, spread evenly over the table.

    Questions in which a word stands twice are left out, because the words of a question are no answers to it.

    Args:
        pairs: ``(word, related word)``.
        partners: how many others each pair is asked with; all others if there are not more.

    Example:
        >>> questions_of_pairs([("france", "paris"), ("italy", "rome")])
        (('france', 'paris', 'italy', 'rome'), ('italy', 'rome', 'france', 'paris'))
    """
    distinct = list(dict.fromkeys(pairs))
    others = len(distinct) - 1
    asked = min(partners, others)
    steps = [1 + number * others // asked for number in range(asked)]
    questions = (
        (*pair, *distinct[(place + step) % len(distinct)]) for place, pair in enumerate(distinct) for step in steps
    )
    return tuple(question for question in questions if len(set(question)) == 4)


def read_analogies(path: str | PathLike[str]) -> list[AnalogySection]:
    """Read analogy questions from a text file (also ``.gz``), UTF-8.

    A line has four words, a question ``a b c d``; or two, a pair of a relation, from which questions are composed as in
    `questions_of_pairs`. A line ``: name`` starts a section; what comes before the first is a section named as the
    file. Empty lines and lines that start with ``#`` and a space are skipped.

    Returns:
        The sections that have questions, in the file's order.

    Raises:
        InputError: the file cannot be read, or is no text; a line with another number of words; questions and pairs
            in one section; pairs or sections that make no question. Names file and line.
    """
    path = Path(path)
    sections: list[AnalogySection] = []
    name, start, rows = stem(path), 1, list[tuple[str, ...]]()
    seen: dict[str, str] = {}  # a word is kept once, however often it is asked for

    def close() -> None:
        if rows:
            sections.append(_section(name, rows, f"{path}, line {start}"))

    for number, line in enumerate(read_lines(path), 1):
        if line.startswith(":"):
            close()
            name, start, rows = line[1:].strip(), number, []
            if not name:
                raise InputError(f"{path}, line {number}: a section needs a name after the colon")
            continue
        words = line.split(maxsplit=4)
        if not words or line.startswith(("# ", "#\t")):
            continue
        if len(words) not in (2, 4) or (rows and len(words) != len(rows[0])):
            raise InputError(f"{path}, line {number}: {_misfit(line, len(rows[0]) if rows else None)}")
        rows.append(tuple(seen.setdefault(word, word) for word in words))
    close()
    if not sections:
        raise InputError(f"{path}: has no questions; give lines of four words (a b c d), or of two (a pair)")
    return sections


def packaged_analogies() -> list[AnalogySection]:
    """Return the sections composed from the relation tables that come with this package.

    They were written for it: 14 relations of common English words, lower case, semantic ones first.
    """
    tables = resources.files("mt2st.evaluation") / "data" / "relations"
    with resources.as_file(tables) as folder:
        sections = [section for path in sorted(folder.glob("*.txt")) for section in read_analogies(path)]
    return sorted(sections, key=lambda section: section.kind)


def _section(name: str, rows: list[tuple[str, ...]], place: str) -> AnalogySection:
    if len(rows[0]) == 4:
        return AnalogySection(name, tuple((a, b, c, d) for a, b, c, d in rows))
    questions = questions_of_pairs([(a, b) for a, b in rows])
    if not questions:
        raise InputError(
            f"{place}: the {len(rows):,} pairs of '{name}' make no question; at least two pairs of four different "
            "words are needed"
        )
    return AnalogySection(name, questions)


def stem(path: Path) -> str:
    """Return a file's name without the endings of text files, as the name of its test."""
    name = path.name
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return name or path.name


def _misfit(line: str, wanted: int | None) -> str:
    count = len(line.split(maxsplit=8))
    found = f"found {'more than 8' if count > 8 else count} words: '{shortened(line)}'"
    if wanted is None:
        return f"a question has four words, a pair has two; {found}"
    return f"the section has lines of {wanted} words; {found}"
