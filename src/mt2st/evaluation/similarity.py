"""Similarity tests of word vectors: do their cosines rank pairs of words as people do?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding import WordVectors
from mt2st.evaluation.known_words import RESTRICT_VOCAB, KnownWords, Unseen
from mt2st.evaluation.similarity_sets import SimilaritySet

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
        return {
            "name": self.name,
            "pearson": self.pearson,
            "spearman": self.spearman,
            "seen": self.seen,
            "total": self.total,
        }


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

    There is no mean over several sets, and none should be taken: some contain others (see `overlaps`), and they differ
    in what they ask. Pairs that a set repeats count as often as they stand there, as published figures have it. Cosines
    are rounded where gensim rounds them, so that ties are the same.

    Args:
        vectors: words and vectors, by falling frequency.
        sets: the judged pairs.
        restrict_vocab: only this many of the first words are known; None for all.
        case_insensitive: compare words upper-cased; of several spellings the first gives the vector.
        dummy4unknown: give pairs with an unknown word the cosine 0; otherwise they are left out, and show in the
            result's `seen` and `total`.
        unseen: ``"skip"`` knows words of the vocabulary alone, as gensim does even where vectors have n-grams;
            ``"ngrams"`` gives all others the vectors of their n-grams, as fastText's own tests do.

    Returns:
        A result for each set, in their order.

    Raises:
        InputError: `restrict_vocab` under 1, or n-grams wanted of vectors that have none.

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
    x, y = _centred(x), _centred(y)
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1, 1))


def _centred(values: Values) -> Values:
    scaled: Values = values / np.abs(values).max()  # so that no square overflows
    centred: Values = scaled - scaled.mean()
    return centred


def _cosines(known: KnownWords, rows: NDArray[np.intp]) -> Values:
    """Return the cosines of pairs of rows ``[n, 2]``; 0 where a vector is zero.

    They are gensim's to the bit: unit vectors are rounded to float32 and multiplied in float32. More digits would part
    pairs that rank the same there, and Spearman's correlation would differ from the sixth digit on.
    """
    from scipy.linalg.blas import dnrm2

    words, places = np.unique(rows, return_inverse=True)
    vectors = known.of_rows(words).astype(np.float64)
    lengths = np.array([dnrm2(vector) for vector in vectors])
    inverses = np.divide(1.0, lengths, out=np.zeros(len(words)), where=lengths > 0)
    units = (vectors * inverses[:, None]).astype(np.float32)
    return np.array([units[a] @ units[b] for a, b in places.reshape(rows.shape)], dtype=np.float64)
