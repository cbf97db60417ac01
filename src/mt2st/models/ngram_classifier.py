"""A linear classifier on the n-grams of texts, fitted to convergence.

On a few thousand short texts, a linear model on TF-IDF is hard to beat: which words and pairs of words a text has tells
its class, and the problem is convex. Gradient descent in a few epochs does not solve it. So a support vector machine
does, in less than a second.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray

from mt2st.text import Tokeniser
from mt2st.text.numbering import in_parts, pays

if TYPE_CHECKING:
    from mt2st.models.compiled_ngrams import CompiledCharacters, CompiledWords

Kind = Literal["words", "characters"]
NGRAMS: dict[Kind, tuple[int, int]] = {"words": (1, 2), "characters": (2, 5)}
"""Lengths of the n-grams. Those of characters stay within a word and its neighbouring spaces."""
MOST_TERMS = 100_000
"""The most frequent n-grams that have weights."""
SHORT = 500
"""Characters of a text, on average, up to which n-grams of characters are of use. Short texts have few words, which may
be spelled in several ways; long ones have many, and reading their characters takes long."""
SCALE = 3.0
"""Of the scores: the margins of a support vector machine times this are about the logarithms of odds."""
ABSENT = -2.0
"""Margin of a class that no text has. A class that is sure to be wrong has about -1."""
WORTH_COMPILED = 1 << 16
"""Characters of texts from which on compiled code is loaded."""
SEPARATOR = "\n"
"""Between n-grams in a model's file. No word holds one."""


@dataclass(frozen=True)
class NgramClassifier:
    """Scores texts by TF-IDF of their n-grams and a linear support vector machine for each class.

    scikit-learn fits it. It predicts without, as a process that has just started need not wait for it.

    Attributes:
        kind: n-grams of words or of characters.
        tokeniser: gives the words, and says whether characters are lowered.
        terms: the n-grams in the order of their rows, UTF-8, a `SEPARATOR` between two.
        idf: ``[n_terms]`` inverse document frequencies.
        weights: ``[n_terms, n_classes]``.
        biases: ``[n_classes]``.
    """

    kind: Kind
    tokeniser: Tokeniser
    terms: bytes
    idf: NDArray[np.float32]
    weights: NDArray[np.float32]
    biases: NDArray[np.float32]

    def scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return ``[n_texts, n_classes]`` scores, which are comparable to logarithms of probabilities or odds."""
        return SCALE * (self._margins(texts)[0] + self.biases)

    def _margins(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return ``[n_texts, n_classes]`` margins without biases, and which texts have an n-gram."""
        whole = b"\0" not in self.terms and "\0" not in "".join(texts)  # a NUL ends what compiled code reads
        if whole and pays(sum(map(len, texts)), WORTH_COMPILED):
            parts = [self._compiled.margins(part) for part in in_parts(texts)]
            return np.concatenate([each[0] for each in parts]), np.concatenate([each[1] for each in parts])
        margins, known = np.zeros((len(texts), len(self.biases))), np.zeros(len(texts), dtype=np.bool_)
        for number, text in enumerate(texts):
            counts = self._counts(text)
            rows = np.fromiter(counts, np.int64, len(counts))
            values = (1 + np.log(np.fromiter(counts.values(), np.float64, len(counts)))) * self.idf[rows]
            margins[number] = values @ self.weights[rows] / max(np.sqrt(values @ values), np.finfo(np.float32).tiny)
            known[number] = bool(counts)
        return margins, known

    @cached_property
    def _compiled(self) -> CompiledWords | CompiledCharacters:
        from mt2st.models.compiled_ngrams import CompiledCharacters, CompiledWords, Weights

        weights = Weights.of(self.idf, self.weights)
        terms = self.terms.replace(SEPARATOR.encode(), b"\0") + b"\0"
        if self.kind == "words":
            return CompiledWords(terms, weights, self.tokeniser)
        return CompiledCharacters(terms, weights, lowercase=self.tokeniser.lowercase, lengths=NGRAMS[self.kind])

    @cached_property
    def _rows(self) -> dict[str, int]:
        """The row of each n-gram."""
        return {term: row for row, term in enumerate(self.terms.decode().split(SEPARATOR))}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_compiled", "_rows")}

    def scores_of(self, features: Any) -> NDArray[np.float64]:
        """Return the same of texts that scikit-learn's vectoriser has read."""
        return SCALE * (np.asarray(features @ self.weights, dtype=np.float64) + self.biases)

    def knows(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return ``[n_texts]``: whether a text has an n-gram with weights."""
        return self._margins(texts)[1]

    def _counts(self, text: str) -> Counter[int]:
        """Return how often a text has each n-gram that has weights, by its row."""
        found = Counter(map(self._rows.get, ngrams(text, self.kind, self.tokeniser)))
        found.pop(None, None)
        return cast("Counter[int]", found)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that a model folder keeps of it."""
        return {
            "terms": np.frombuffer(self.terms, dtype=np.uint8),
            "idf": self.idf,
            "weights": self.weights,
            "biases": self.biases,
        }

    @classmethod
    def restored(cls, kind: Kind, tokeniser: Tokeniser, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the classifier that `arrays` described.

        Raises:
            ValueError: the arrays do not fit together.
        """
        terms = bytes(arrays["terms"])
        n_terms = terms.decode().count(SEPARATOR) + 1
        idf, weights, biases = (arrays[name] for name in ("idf", "weights", "biases"))
        if idf.shape != (n_terms,) or weights.shape != (n_terms, *biases.shape):
            raise ValueError(f"{n_terms:,} n-grams, frequencies {idf.shape}, weights {weights.shape} of classes")
        return cls(kind, tokeniser, terms, idf, weights, biases)


def ngrams(text: str, kind: Kind, tokeniser: Tokeniser) -> Iterator[str]:
    """Yield the n-grams of a text, those of `new_vectoriser`.

    Example:
        >>> list(ngrams("A film!", "words", Tokeniser()))
        ['a', 'film', '!', 'a film', 'film !']
        >>> list(ngrams("An ox", "characters", Tokeniser()))[:7]
        [' a', 'an', 'n ', ' an', 'an ', ' an ', ' o']
    """
    least, most = NGRAMS[kind]
    if kind == "words":
        tokens = tokeniser(text)
        for size in range(least, most + 1):
            yield from map(" ".join, zip(*(tokens[start:] for start in range(size)), strict=False))
        return
    for word in (text.lower() if tokeniser.lowercase else text).split():
        padded = f" {word} "
        for size in range(least, min(most, len(padded)) + 1):
            yield from (padded[start : start + size] for start in range(len(padded) - size + 1))


@dataclass(frozen=True)
class NgramFeatures:
    """Texts as TF-IDF of their n-grams: what several classifiers of one kind are fitted on.

    Attributes:
        kind: n-grams of words or of characters.
        tokeniser: as of a `NgramClassifier`.
        vectoriser: scikit-learn's, fitted on these texts.
        features: ``[n_texts, n_terms]``, sparse.
    """

    kind: Kind
    tokeniser: Tokeniser
    vectoriser: Any
    features: Any

    @classmethod
    def of(cls, kind: Kind, tokeniser: Tokeniser, texts: Sequence[str]) -> Self:
        """Return the features of texts."""
        vectoriser = new_vectoriser(kind, tokeniser, max_features=MOST_TERMS)
        try:
            features = vectoriser.fit_transform(texts)
        except ValueError:  # no text has an n-gram: with any one, all texts look alike
            features = vectoriser.fit(["-"]).transform(texts)
        return cls(kind, tokeniser, vectoriser, features)

    def work(self, targets: NDArray[Any]) -> int:
        """Return about how many products a pass over the texts takes, for machines of all classes."""
        return int(self.features.nnz * targets.shape[1])

    def fit(
        self,
        targets: NDArray[Any],
        strength: float,
        *,
        rows: NDArray[np.int64] | None = None,
        weights: NDArray[Any] | None = None,
        independent: bool = False,
    ) -> NgramClassifier:
        """Fit a classifier.

        Args:
            targets: ``[n, n_classes]``, true where a text has a class.
            strength: inverse strength of the regularisation, above 0: scikit-learn's ``C``.
            rows: ``[n]`` numbers of the texts to learn from; None for all.
            weights: ``[n]`` weights of these texts; those of weight 0 are left out.
            independent: a text may have any number of classes.
        """
        features = self.features if rows is None else self.features[rows]
        if weights is not None and not (weights > 0).all():
            features, targets, weights = (each[weights > 0] for each in (features, targets, weights))
        features = features.astype(np.float64)  # once, as the solver needs them, in place of once for each class
        features.sort_indices()
        one_of_two = targets.shape[1] == 2 and not independent
        matrix = np.zeros((features.shape[1], targets.shape[1]), dtype=np.float32)
        biases = np.zeros(targets.shape[1], dtype=np.float32)
        for each in range(int(one_of_two), targets.shape[1]):
            matrix[:, each], biases[each] = _solved(features, targets[:, each], strength, weights)
        if one_of_two:  # one machine for both
            matrix[:, 1], biases[1] = matrix[:, 1] / 2, biases[1] / 2
            matrix[:, 0], biases[0] = -matrix[:, 1], -biases[1]
        idf = self.vectoriser.idf_.astype(np.float32)
        terms = SEPARATOR.join(self.vectoriser.get_feature_names_out()).encode()
        return NgramClassifier(self.kind, self.tokeniser, terms, idf, matrix, biases)


def kinds_for(texts: Sequence[str]) -> tuple[Kind, ...]:
    """Return the kinds of n-grams that are of use for texts like these."""
    characters = sum(map(len, texts)) / max(1, len(texts))
    return ("words", "characters") if characters <= SHORT else ("words",)


def _solved(
    features: Any, column: NDArray[np.bool_], strength: float, weights: NDArray[Any] | None
) -> tuple[NDArray[np.float64], float]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    if not column.any():
        return np.zeros(features.shape[1]), ABSENT
    if column.all():
        return np.zeros(features.shape[1]), -ABSENT
    solver = LinearSVC(C=strength, random_state=0)
    with warnings.catch_warnings():  # near the optimum the last digits do not matter
        warnings.simplefilter("ignore", ConvergenceWarning)
        solver.fit(features, column, sample_weight=weights)
    return solver.coef_[0], float(solver.intercept_[0])


def new_vectoriser(kind: Kind, tokeniser: Tokeniser, **options: Any) -> Any:
    """Return scikit-learn's vectoriser for n-grams of a kind, not fitted.

    Words are the tokeniser's, so that they are those of the network. The logarithm of an n-gram's count is used, as a
    word that occurs ten times says little more than one that occurs twice.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    common = {"ngram_range": NGRAMS[kind], "sublinear_tf": True, "lowercase": False, "dtype": np.float32, **options}
    if kind == "words":
        return TfidfVectorizer(tokenizer=tokeniser, token_pattern=None, **common)
    common["lowercase"] = tokeniser.lowercase
    return TfidfVectorizer(analyzer="char_wb", **common)
