"""Word vectors as a value: look up, compare, find neighbours, load and save."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.formats.catalogue import WORD2VEC, format_to_write, open_vectors, write_vectors
from mt2st.embedding.formats.stream import chosen, collected, stream_of
from mt2st.embedding.nearest import lengths, nearest
from mt2st.errors import InputError, MissingExtraError, suggestion

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Vector = NDArray[np.float32]
WordOrVector = str | NDArray[np.float32]

_SPELLINGS = 20_000
"""Words among which a near spelling is searched: the frequent ones, so that it is instant."""


class UnknownWordError(InputError, KeyError):
    """A word that has no vector. Also a `KeyError`, as the failing look-up of a mapping is."""

    __str__ = InputError.__str__  # KeyError would print the message quoted and escaped


class WordVectors:
    """Words and their vectors, in the shape of gensim's ``KeyedVectors``.

    Args:
        index_to_key: the words, each once; by falling frequency where that is known.
        vectors: their vectors, float [n_words, vector_size], finite. Float32 C-contiguous arrays are kept, not copied.

    Raises:
        InputError: a word twice, another number of vectors than of words, values that are NaN or infinite.

    Example:
        >>> animals = WordVectors(["cat", "dog", "car"], np.array([[1, 0.1], [1, 0.2], [0, 1]]))
        >>> animals.most_similar("cat", topn=1)[0][0]
        'dog'
        >>> "cat" in animals, len(animals), animals.vector_size
        (True, 3, 2)
    """

    def __init__(self, index_to_key: Sequence[str], vectors: NDArray[np.floating]) -> None:
        self.index_to_key: list[str] = list(index_to_key)
        self.key_to_index: dict[str, int] = {key: index for index, key in enumerate(self.index_to_key)}
        if len(self.key_to_index) < len(self.index_to_key):
            second = next(i for i, key in enumerate(self.index_to_key) if self.key_to_index[key] != i)
            key = self.index_to_key[second]
            raise InputError(f"index_to_key must name each word once; found '{key}' at {second} and again later")
        vectors = np.asarray(vectors)
        if vectors.ndim != 2 or vectors.shape[0] != len(self.index_to_key) or vectors.dtype.kind != "f":
            raise InputError(
                f"vectors must be floats with one row per word [{len(self.index_to_key)}, vector_size]; "
                f"found {vectors.dtype} {list(vectors.shape)}"
            )
        self.vectors: Vector = np.ascontiguousarray(vectors, dtype=np.float32)
        bad = first_row_not_finite(self.vectors)
        if bad is not None:
            raise InputError(f"vectors must be finite; found NaN or infinity in that of '{self.index_to_key[bad]}'")

    @property
    def vector_size(self) -> int:
        """Number of dimensions."""
        return int(self.vectors.shape[1])

    def __len__(self) -> int:
        return len(self.index_to_key)

    def __contains__(self, word: object) -> bool:
        return word in self.key_to_index

    def __repr__(self) -> str:
        return f"WordVectors({len(self):,} words, {self.vector_size} dimensions)"

    def __getitem__(self, word: str | Sequence[str]) -> Vector:
        """Return a word's vector [vector_size], or those of several words [n, vector_size].

        Raises:
            UnknownWordError: a word that has no vector.
        """
        if isinstance(word, str):
            vector: Vector = self.vectors[self.index(word)]
            return vector
        rows = np.array([self.index(each) for each in word], dtype=np.intp)
        return self.vectors[rows]

    def index(self, word: str) -> int:
        """Return a word's row in ``vectors``.

        Raises:
            UnknownWordError: the word has no vector; the message suggests a near spelling among the frequent words.
        """
        try:
            return self.key_to_index[word]
        except KeyError:
            near = suggestion(word, self.index_to_key[:_SPELLINGS])
            raise UnknownWordError(f"'{word}' is not among the {len(self):,} words.{near}") from None

    @cached_property
    def norms(self) -> Vector:
        """Lengths of the vectors [n_words], computed once; ``del vectors.norms`` after changing vectors in place."""
        return lengths(self.vectors)

    def similarity(self, a: str, b: str) -> float:
        """Return the cosine of two words' vectors, in [-1, 1]; 0 where one is a zero vector.

        Raises:
            UnknownWordError: a word that has no vector.
        """
        return float(_unit(self[a]) @ _unit(self[b]))

    def most_similar(
        self,
        positive: WordOrVector | Iterable[WordOrVector],
        negative: WordOrVector | Iterable[WordOrVector] = (),
        topn: int = 10,
    ) -> list[tuple[str, float]]:
        """Return the words nearest to a sum of words, less others: king - man + woman.

        The sum of the words' unit vectors (those of ``negative`` with a minus sign) is compared with every word by
        cosine, without the given words: gensim's numbers. A vector given in place of a word counts as it is.

        Args:
            positive: words or vectors [vector_size] to be near to, one or several.
            negative: words or vectors to be far from.
            topn: how many words to return at most, at least 1.

        Returns:
            Pairs of word and cosine, nearest first.

        Raises:
            UnknownWordError: a word that has no vector.
            InputError: neither word nor vector given, or a vector of another size.
        """
        signed = [(item, 1.0) for item in _as_list(positive)] + [(item, -1.0) for item in _as_list(negative)]
        if not signed:
            raise InputError("positive and negative must name at least one word or vector; both are empty")
        query = np.zeros(self.vector_size, dtype=np.float32)
        for item, sign in signed:
            query += np.float32(sign) * (_unit(self[item]) if isinstance(item, str) else self._checked(item))
        known = [self.key_to_index[item] for item, _ in signed if isinstance(item, str) and item in self]
        return self._nearest(query[None], topn, [known])[0]

    def similar_by_words(self, words: Sequence[str], topn: int = 10) -> list[list[tuple[str, float]]]:
        """Return the neighbours of many words at once, each as `most_similar` gives them for it alone.

        Raises:
            UnknownWordError: a word that has no vector.
        """
        known = [[self.key_to_index[word]] if word in self else [] for word in words]
        return self._nearest(self[words], topn, known)

    def similar_by_vectors(self, vectors: NDArray[np.float32], topn: int = 10) -> list[list[tuple[str, float]]]:
        """Return the ``topn`` nearest words of many vectors [n, vector_size] at once, by exact matrix products."""
        if np.ndim(vectors) != 2 or np.shape(vectors)[1] != self.vector_size:
            raise InputError(f"vectors must be [n, {self.vector_size}]; found {list(np.shape(vectors))}")
        queries = np.asarray(vectors, dtype=np.float32)
        bad = first_row_not_finite(queries)
        if bad is not None:
            raise InputError(f"vectors must be finite; found NaN or infinity in row {bad}")
        return self._nearest(queries, topn, [[]] * len(queries))

    def plot(self, words: Sequence[str] | None = None, *, method: Method = "pca", axes: Axes | None = None) -> Axes:
        """Draw a map of words: words of similar vectors are near to each other, as far as two dimensions allow.

        Args:
            words: which, at least 3; None takes the first 100.
            method: ``"pca"`` keeps the directions in which the vectors differ most; ``"tsne"`` keeps neighbours
                together, and is the better one for many words.
            axes: matplotlib's axes to draw into; None makes a new figure.

        Returns:
            The axes; ``axes.figure.savefig("map.png")`` writes the map.

        Raises:
            UnknownWordError: a word that has no vector.
            InputError: fewer than 3 words.
            MissingExtraError: matplotlib (extra ``report``) is not installed.
        """
        chosen = self.index_to_key[:100] if words is None else list(words)
        return draw_map(chosen, placed(self[chosen], method), axes)

    def _checked(self, vector: NDArray[np.float32]) -> Vector:
        vector = np.asarray(vector, dtype=np.float32)
        if vector.shape != (self.vector_size,):
            raise InputError(f"a vector must have {self.vector_size} values; found shape {list(vector.shape)}")
        if not np.isfinite(vector).all():
            raise InputError("a vector must be finite; found NaN or infinity in it")
        return vector

    def _nearest(self, queries: Vector, topn: int, excluded: Sequence[list[int]]) -> list[list[tuple[str, float]]]:
        if topn < 1:
            raise InputError(f"topn must be at least 1; found {topn!r}")
        units = np.array([_unit(query) for query in queries], dtype=np.float32).reshape(-1, self.vector_size)
        most = topn + max((len(set(rows)) for rows in excluded), default=0)
        results: list[list[tuple[str, float]]] = []
        found = nearest(units, self.vectors, self.norms, most)
        for left_out, (rows, cosines) in zip(excluded, found, strict=True):
            hits = zip(rows.tolist(), cosines.tolist(), strict=True)
            results.append([(self.index_to_key[row], cosine) for row, cosine in hits if row not in left_out][:topn])
        return results

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        *,
        format: str | None = None,
        limit: int | None = None,
        vocabulary: Container[str] | None = None,
    ) -> WordVectors:
        """Read vectors from a file or folder in any format of `mt2st.embedding.formats`.

        Args:
            path: a file in word2vec text or binary format, GloVe text, fastText's ``.vec`` or ``.bin``, gensim's
                KeyedVectors (text and word2vec also as ``.gz``); a folder of safetensors, a static embedding, vectors
                with n-grams or a trained model; or published vectors by name: ``gensim:glove-twitter-100``. N-grams are
                left out here; `mt2st.embedding.load_vectors` keeps them.
            format: the name of the format, such as ``word2vec-binary``; found by the content if None.
            limit: read the first so many words alone: published files hold the most frequent ones first.
            vocabulary: keep these words alone, so that no others take memory.

        What is odd in word2vec's and GloVe's formats is read with one warning that counts it: words that come twice
        (the first counts), that have spaces or are cut within a character, and a header that promises more words.

        Raises:
            InputError: what is missing, damaged or in no known format, with the file and the line or word.
        """
        stream = open_vectors(path, format, limit=limit)
        if vocabulary is not None:
            stream = chosen(stream, vocabulary, str(path))
        return WordVectors(*collected(stream))  # subclasses know more than these formats hold

    def save(self, path: str | PathLike[str], *, format: str | None = None, overwrite: bool = False) -> None:
        """Write the vectors to a file or folder; it appears whole or not at all.

        Args:
            path: the place; a name that ends in ``.gz`` compresses text and word2vec files.
            format: ``word2vec``, ``word2vec-binary``, ``glove``, ``keyedvectors``, ``safetensors`` or
                ``static-embedding``. None takes it from the name: ``.bin`` is word2vec's binary format, ``.kv``
                gensim's, ``.glove`` GloVe's, any other word2vec's text format. Endings of other kinds of files
                (``.npy``, ``.csv``) are refused.
            overwrite: replace what is there.

        Raises:
            InputError: the place exists and ``overwrite`` is false, its name contradicts the format, the vectors are
                not finite any more, or the format cannot hold a word.
        """
        chosen = format_to_write(Path(path), format, otherwise=WORD2VEC)
        write_vectors(stream_of(self.index_to_key, self.vectors), Path(path), chosen, overwrite=overwrite)


def _as_list(items: WordOrVector | Iterable[WordOrVector]) -> list[WordOrVector]:
    if isinstance(items, str) or (isinstance(items, np.ndarray) and items.ndim == 1):
        return [items]
    return list(items)


def _unit(vector: Vector) -> Vector:
    length = np.linalg.norm(vector)
    return vector / length if length > 0 else vector


def first_row_not_finite(vectors: Vector) -> int | None:
    """Return the first row with a value that is NaN or infinite, None if there is none."""
    # A sum is finite if all its terms are (and, on overflow, only then worth the exact look).
    with np.errstate(over="ignore", invalid="ignore"):
        suspect = np.flatnonzero(~np.isfinite(vectors.sum(axis=1, dtype=np.float64)))
    return next((int(row) for row in suspect if not np.isfinite(vectors[row]).all()), None)


Method = Literal["pca", "tsne"]
FEWEST = 3
"""Words of a map: two always lie on a line."""
MOST_PERPLEXITY = 30.0
"""t-SNE's usual one; it must be below the number of words."""


def placed(vectors: NDArray[np.float32], method: Method) -> NDArray[np.float64]:
    """Return ``[n, 2]`` places of vectors by their directions, alike in each call."""
    if len(vectors) < FEWEST:
        raise InputError(f"a map needs {FEWEST} words at least; found {len(vectors)}")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = vectors.astype(np.float64) / np.where(lengths > 0, lengths, 1)
    if method == "pca":
        from sklearn.decomposition import PCA

        found = PCA(2, svd_solver="full").fit_transform(directions)
    elif method == "tsne":
        from sklearn.manifold import TSNE

        perplexity = min(MOST_PERPLEXITY, (len(vectors) - 1) / 3)
        found = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(directions)
    else:
        raise InputError(f"method must be 'pca' or 'tsne'; found {method!r}")
    return np.asarray(found, dtype=np.float64)


def draw_map(words: Sequence[str], places: NDArray[np.float64], axes: Axes | None) -> Axes:
    """Draw each word at its place, into new axes of pyplot if none are given."""
    try:
        from matplotlib import pyplot
    except ModuleNotFoundError as error:
        raise MissingExtraError("a map of words", "report") from error
    if axes is None:
        _, axes = pyplot.subplots(figsize=(8, 6), layout="constrained")
    axes.scatter(places[:, 0], places[:, 1], s=8)
    for word, place in zip(words, places.tolist(), strict=True):
        axes.annotate(word, place, (2, 2), textcoords="offset points", fontsize=8, parse_math=False)
    axes.set(xticks=[], yticks=[])
    return axes
