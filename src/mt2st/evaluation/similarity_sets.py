"""Human judgements of how similar words are: their files, and which sets overlap."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import combinations
from os import PathLike
from pathlib import Path

from mt2st.errors import InputError
from mt2st.text.lines import read_lines

JudgedPair = tuple[str, str, float]

_COLUMNS = 3
_GENSIM_SETS = ("wordsim353.tsv", "simlex999.txt")
_ENDINGS = (".gz", ".txt", ".tsv", ".csv", ".tab")


@dataclass(frozen=True)
class SimilaritySet:
    """Pairs of words with people's judgement of how similar they are.

    Attributes:
        name: of the set.
        pairs: ``(word, word, score)``; scores are finite, on any scale, greater where more similar.
    """

    name: str
    pairs: tuple[JudgedPair, ...]

    def unordered(self) -> frozenset[frozenset[str]]:
        """Return the different pairs, whatever their order and case."""
        return frozenset(frozenset((a.upper(), b.upper())) for a, b, _ in self.pairs)

    @property
    def repeats(self) -> int:
        """Pairs that stand there again, in either order."""
        return len(self.pairs) - len(self.unordered())


@dataclass(frozen=True)
class Overlap:
    """Two sets that share pairs: a mean of their results would count these twice.

    Attributes:
        smaller: name of the set with fewer pairs.
        larger: name of the other.
        shared: pairs in both.
        size: pairs in the smaller.
    """

    smaller: str
    larger: str
    shared: int
    size: int

    def __str__(self) -> str:
        return f"{self.smaller} with {self.larger} ({self.shared:,} of its {self.size:,} pairs)"


def read_similarity(path: str | PathLike[str]) -> SimilaritySet:
    """Read judged pairs from a text file (also ``.gz``), UTF-8, any line ends.

    A line has two words and a score, separated by tabs, else by commas, else by spaces. The first line may be a header.
    Empty lines and lines that start with ``#`` are passed over.

    Raises:
        InputError: the file cannot be read, or is no text; a line with another number of columns, an empty word or a
            score that is not a finite number; no pair at all. Names file and line.
    """
    path = Path(path)
    pairs: list[JudgedPair] = []
    words: dict[str, str] = {}
    may_be_header = True
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip() or line.startswith("#"):
            continue
        place = f"{path}, line {number}"
        first, second, score = _columns(line, place)
        if not first or not second:
            raise InputError(f"{place}: a word is empty; found {_excerpt(line)}")
        try:
            value = float(score)
        except ValueError:
            if may_be_header:
                may_be_header = False
                continue
            raise InputError(f"{place}, column 3: the score must be a number; found {_excerpt(score)}") from None
        if not math.isfinite(value):
            raise InputError(f"{place}, column 3: the score must be finite; found {_excerpt(score)}")
        may_be_header = False
        pairs.append((words.setdefault(first, first), words.setdefault(second, second), value))
    if not pairs:
        raise InputError(f"{path}: has no judged pairs; give lines of two words and a score")
    return SimilaritySet(_stem(path), tuple(pairs))


def gensim_similarity_files() -> list[Path]:
    """Return the files of human judgements that an installed gensim brings for its tests; none where it is not there.

    They are WordSim-353 and SimLex-999. gensim itself is not imported.
    """
    spec = find_spec("gensim")
    folders = spec.submodule_search_locations if spec is not None else None
    places = [Path(folder) / "test" / "test_data" / name for folder in folders or () for name in _GENSIM_SETS]
    return [place for place in places if place.is_file()]


def overlaps(sets: Sequence[SimilaritySet]) -> list[Overlap]:
    """Return which sets share pairs, in either order and any case; the greatest share first.

    Example:
        >>> small = SimilaritySet("small", (("car", "auto", 3.9),))
        >>> large = SimilaritySet("large", (("Auto", "car", 9.1), ("cat", "dog", 7.0)))
        >>> print(*overlaps([large, small]))
        small with large (1 of its 1 pairs)
    """
    found = list(_overlaps(sets))
    return sorted(found, key=lambda overlap: -overlap.shared / overlap.size)


def _overlaps(sets: Sequence[SimilaritySet]) -> Iterator[Overlap]:
    with_pairs = sorted(((each.unordered(), each.name) for each in sets), key=lambda item: len(item[0]))
    for (smaller, its_name), (larger, name) in combinations(with_pairs, 2):
        if shared := len(smaller & larger):
            yield Overlap(its_name, name, shared, len(smaller))


def _columns(line: str, place: str) -> list[str]:
    separator, called = next(
        ((mark, called) for mark, called in (("\t", "tabs"), (",", "commas")) if mark in line), (None, "spaces")
    )
    columns = [column.strip() for column in line.split(separator, maxsplit=_COLUMNS)]
    if separator is None:
        columns = [column for column in columns if column]
    if len(columns) != _COLUMNS:
        count = str(len(columns)) if len(columns) < _COLUMNS else f"more than {_COLUMNS}"
        raise InputError(
            f"{place}: a line has two words and a score, three columns; found {count}, separated by {called}: "
            f"{_excerpt(line)}"
        )
    return columns


def _stem(path: Path) -> str:
    name = path.name
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return name or path.name


def _excerpt(text: str) -> str:
    shown = text.strip()
    return repr(f"{shown[:60]}..." if len(shown) > 60 else shown)
