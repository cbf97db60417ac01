"""Document vectors from word vectors, as a scikit-learn transformer; without torch."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike, fspath
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from mt2st._settings import Count, checked
from mt2st.embedding import SubwordVectors, WordVectors, WordVectorSettings, load_vectors, train_word_vectors
from mt2st.errors import InputError
from mt2st.models.parameters import UnfittedError
from mt2st.models.texts import check_several, checked_texts
from mt2st.text import Corpus, Tokeniser
from mt2st.text.tokeniser import Tokens


class EmbeddingVectorizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Turns each text into the mean of its word vectors: features for any scikit-learn estimator.

    Args:
        vectors: the word vectors: `WordVectors` (such as a fitted model's `word_vectors`), a file or folder in any
            format that `mt2st.embedding.load_vectors` reads, or None to train them on the texts that `fit` gets.
        method: if they are trained: skipgram, cbow, skipgram-fasttext or cbow-fasttext.
        vector_size: if they are trained: their dimensions.
        window: if they are trained: largest distance between a word and its context.
        epochs: if they are trained: passes over the texts.
        min_count: if they are trained: words with fewer occurrences have no vector.
        lowercase: convert texts to lower case.
        remove_breaks: read HTML line breaks as spaces.
        tokens: where text is cut: words, whitespace or characters, as `mt2st.text.Tokeniser` has it.
        seed: if they are trained: decides the random numbers.

    Attributes:
        vectors_: the word vectors.

    Example:
        >>> from mt2st import WordVectors
        >>> vectors = WordVectors(["good", "bad"], np.array([[1.0, 0.0], [-1.0, 0.0]]))
        >>> EmbeddingVectorizer(vectors).fit_transform(["good good bad", "unheard"]).round(2)
        array([[0.33, 0.  ],
               [0.  , 0.  ]], dtype=float32)
    """

    def __init__(
        self,
        vectors: WordVectors | str | PathLike[str] | None = None,
        *,
        method: str = "skipgram",
        vector_size: int = 100,
        window: int = 5,
        epochs: int = 5,
        min_count: Count = 2,
        lowercase: bool = True,
        remove_breaks: bool = True,
        tokens: Tokens = "words",
        seed: int = 1,
    ) -> None:
        self.vectors = vectors
        self.method = method
        self.vector_size = vector_size
        self.window = window
        self.epochs = epochs
        self.min_count = min_count
        self.lowercase = lowercase
        self.remove_breaks = remove_breaks
        self.tokens = tokens
        self.seed = seed

    def fit(self, X: Iterable[str], y: object = None) -> Self:  # noqa: ARG002  # scikit-learn's pipelines give it
        """Load the word vectors, or train them on texts.

        Raises:
            InputError: there are no such vectors, or the texts cannot be used.
        """
        names = ("min_count", "lowercase", "remove_breaks", "tokens")
        checked(type(self).__init__, **{name: getattr(self, name) for name in names})
        check_several(X, "texts")
        if isinstance(self.vectors, WordVectors):
            self.vectors_ = self.vectors
        elif isinstance(self.vectors, str | PathLike):
            self.vectors_ = load_vectors(fspath(self.vectors))
        elif self.vectors is not None:
            raise InputError(f"vectors must be WordVectors, the path of a file or None, found {self.vectors!r:.60}")
        else:
            settings = {name: getattr(self, name) for name in ("method", "vector_size", "window", "epochs", "seed")}
            WordVectorSettings(**settings)  # raises before the texts are read
            texts = checked_texts(X, "texts")
            corpus = Corpus.build(texts, tokeniser=self._tokeniser(), min_count=self.min_count)
            self.vectors_ = train_word_vectors(corpus, **settings)
        return self

    def transform(self, X: Iterable[str]) -> NDArray[np.float32]:
        """Return ``[n_texts, vector_size]``: the mean over a text's words that have a vector, zeros without any.

        Raises:
            InputError: before `fit`, or something is no text.
        """
        tokeniser, vectors = self._tokeniser(), self._fitted()
        rows = []
        for text in checked_texts(X, "texts"):
            found = [vector for word in tokeniser(text) if (vector := self._vector(word)) is not None]
            rows.append(np.mean(found, axis=0) if found else np.zeros(vectors.vector_size))
        return np.array(rows, dtype=np.float32).reshape(-1, vectors.vector_size)

    def get_feature_names_out(self, input_features: object = None) -> NDArray[Any]:  # noqa: ARG002
        """Return ``[vector_size]`` names of the features."""
        return np.array([f"embedding{number}" for number in range(self._fitted().vector_size)], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags

    def _fitted(self) -> WordVectors:
        if not hasattr(self, "vectors_"):
            raise UnfittedError("this EmbeddingVectorizer is not fitted yet: call fit first")
        return self.vectors_

    def _vector(self, word: str) -> NDArray[np.float32] | None:
        vectors = self.vectors_
        if word in vectors.key_to_index:
            row: NDArray[np.float32] = vectors.vectors[vectors.key_to_index[word]]
            return row
        return vectors.unseen(word) if isinstance(vectors, SubwordVectors) else None

    def _tokeniser(self) -> Tokeniser:
        return Tokeniser(lowercase=self.lowercase, remove_breaks=self.remove_breaks, tokens=self.tokens)
