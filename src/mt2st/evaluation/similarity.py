"""Similarity tests of word vectors: human judgements from files, and how well cosines agree with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding import WordVectors
from mt2st.errors import InputError, shortened
from mt2st.evaluation.analogy_questions import stem
from mt2st.evaluation.known_words import RESTRICT_VOCAB, KnownWords, Unseen
from mt2st.text.lines import read_lines

JudgedPair = tuple[str, str, float]

_COLUMNS = 3
_GENSIM_SETS = ("wordsim353.tsv", "simlex999.txt")


@dataclass(frozen=True)
class SimilaritySet:
    """Pairs of words with people's judgement of how similar they are.

    Attributes:
        name: of the set.
        pairs: ``(word, word, score)``; scores are finite, on any scale, greater where more similar.
    """

    name: str
    pairs: tuple[JudgedPair, ...]

    @property
    def repeats(self) -> int:
        """Pairs that stand there again, in either order and any case."""
        return len(self.pairs) - len({frozenset((a.upper(), b.upper())) for a, b, _ in self.pairs})


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
            raise InputError(f"{place}: a word is empty; found '{shortened(line)}'")
        try:
            value = float(score)
        except ValueError:
            if may_be_header:
                may_be_header = False
                continue
            raise InputError(f"{place}, column 3: the score must be a number; found '{shortened(score)}'") from None
        if not math.isfinite(value):
            raise InputError(f"{place}, column 3: the score must be finite; found '{shortened(score)}'")
        may_be_header = False
        pairs.append((words.setdefault(first, first), words.setdefault(second, second), value))
    if not pairs:
        raise InputError(f"{path}: has no judged pairs; give lines of two words and a score")
    return SimilaritySet(stem(path), tuple(pairs))


def gensim_similarity_files() -> list[Path]:
    """Return the files of human judgements that an installed gensim brings for its tests; none where it is not there.

    They are WordSim-353 and SimLex-999. gensim itself is not imported.
    """
    spec = find_spec("gensim")
    folders = spec.submodule_search_locations if spec is not None else None
    places = [Path(folder) / "test" / "test_data" / name for folder in folders or () for name in _GENSIM_SETS]
    return [place for place in places if place.is_file()]


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
            f"'{shortened(line)}'"
        )
    return columns


Values = NDArray[np.float64]


@dataclass(frozen=True)
class SimilarityResult:
    """How well cosines agree with judgements.

    Attributes:
        name: of the set.
        pearson: correlation of cosine and score, in [-1, 1]; None where it has no value: under two pairs, or all
            cosines or all scores the same.
        spearman: correlation of their ranks, in [-1, 1]; None likewise.
        seen: pairs whose two words have vectors.
        total: pairs.
    """

    name: str
    pearson: float | None
    spearman: float | None
    seen: int
    total: int

    def as_dict(self) -> dict[str, str | float | int | None]:
        """Return the figures by name."""
        return asdict(self)


def evaluate_similarity(
    vectors: WordVectors,
    sets: Sequence[SimilaritySet],
    *,
    restrict_vocab: int | None = RESTRICT_VOCAB,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
    unseen: Unseen = "skip",
) -> list[SimilarityResult]:
    """Correlate the cosines of pairs of words with people's scores; the numbers of gensim's ``evaluate_word_pairs``.

    There is no mean over several sets, and none should be taken: some contain others. Pairs that a set repeats count as
    often as they occur, as in published figures. Cosines are rounded as in gensim, so that ties agree. With
    ``dummy4unknown`` pairs with an unknown word have the cosine 0; else they are left out. The other arguments are
    those of `evaluate_analogies`.

    Returns:
        A result for each set, in their order.

    Raises:
        InputError: `restrict_vocab` is under 1, or the vectors have no n-grams.

    Example:
        >>> animals = WordVectors(["cat", "dog", "car"], np.array([[1, 0.1], [1, 0.2], [0, 1]]))
        >>> pairs = (("cat", "dog", 9.0), ("cat", "car", 2.0), ("Dog", "car", 3.0), ("cow", "cat", 8.0))
        >>> evaluate_similarity(animals, [SimilaritySet("ours", pairs)])[0].as_dict()
        {'name': 'ours', 'pearson': 0.99..., 'spearman': 1.0, 'seen': 3, 'total': 4}
    """
    known = KnownWords(vectors, restrict_vocab=restrict_vocab, case_insensitive=case_insensitive, unseen=unseen)
    return [_evaluate(known, judged, dummy4unknown=dummy4unknown) for judged in sets]


def _evaluate(known: KnownWords, judged: SimilaritySet, *, dummy4unknown: bool) -> SimilarityResult:
    from scipy.stats import rankdata  # half a second to import

    rows = [known.rows((a, b)) for a, b, _ in judged.pairs]
    seen = np.array([each is not None for each in rows], dtype=np.bool_)
    cosines = np.zeros(len(rows))
    cosines[seen] = _cosines(known, np.array([each for each in rows if each is not None], np.intp).reshape(-1, 2))
    scores = np.array([score for _, _, score in judged.pairs], dtype=np.float64)
    if not dummy4unknown:
        cosines, scores = cosines[seen], scores[seen]
    return SimilarityResult(
        name=judged.name,
        pearson=pearson(cosines, scores),
        spearman=pearson(rankdata(cosines), rankdata(scores)),
        seen=int(seen.sum()),
        total=len(rows),
    )


def pearson(x: Values, y: Values) -> float | None:
    """Return Pearson's correlation of two series ``[n]``; None where one of them is constant or has under two values.

    Example:
        >>> pearson(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))
        1.0
    """
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    # Scaled so that no square overflows. Unlike NumPy's and SciPy's, exactly 1 for equal ranks.
    x, y = (values / np.abs(values).max() for values in (x, y))
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1, 1))


def _cosines(known: KnownWords, rows: NDArray[np.intp]) -> Values:
    """Return the cosines of pairs of rows ``[n, 2]``; 0 where a vector is zero.

    They are gensim's to the bit: unit vectors are rounded to float32 and multiplied in float32. With more digits, ties
    break, and Spearman's correlation differs from the sixth digit on.
    """
    from scipy.linalg.blas import dnrm2

    words, places = np.unique(rows, return_inverse=True)
    vectors = known.of_rows(words).astype(np.float64)
    lengths = np.array([dnrm2(vector) for vector in vectors])
    inverses = np.divide(1.0, lengths, out=np.zeros(len(words)), where=lengths > 0)
    units = (vectors * inverses[:, None]).astype(np.float32)
    return np.array([units[a] @ units[b] for a, b in places.reshape(rows.shape)], dtype=np.float64)
