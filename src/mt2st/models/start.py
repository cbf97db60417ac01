"""Where the word embedding starts: at random, trained on the corpus first, or from a file of vectors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mt2st.embedding import (
    SubwordVectors,
    VectorProgress,
    WordVectors,
    WordVectorSettings,
    load_vectors,
    train_word_vectors,
)
from mt2st.embedding.glove import train_glove
from mt2st.embedding.known_subwords import KnownSubwords
from mt2st.errors import InputError
from mt2st.models.settings import GLOVE, STARTS, ModelSettings, no_ngrams
from mt2st.text import SPECIALS, Corpus, Vocabulary

if TYPE_CHECKING:
    from mt2st.models.kept_starts import KeptStarts

START_ALPHA = {"cbow": 0.1, "cbow-fasttext": 0.1}
"""Learning rates of first vectors, where word2vec's 0.025 for Skip-gram is too low: CBOW makes one step for a whole
window, and in a few passes over a million words it hardly leaves its random start."""
RANDOM_SCALE = 0.01
"""Standard deviation of random word vectors: small, so that what the tasks learn soon outweighs it."""


@dataclass(frozen=True)
class Start:
    """The first values of the embedding.

    Attributes:
        table: ``[vocabulary, vector_size]``, or ``[vocabulary + K, vector_size]`` with K rows for n-grams; the row of
            padding is zero.
        known: words of the vocabulary whose vector was given, made of given n-grams or trained, not random.
        seconds: how long it took to train the vectors, now or when they were kept; 0 where none were trained.
    """

    table: Tensor
    known: int
    seconds: float = 0.0


def embedding_start(
    settings: ModelSettings,
    corpus: Corpus,
    *,
    subwords: KnownSubwords | None = None,
    generator: torch.Generator,
    progress: Callable[[VectorProgress], None] | None = None,
    kept: KeptStarts | None = None,
) -> Start:
    """Return the first values of the embedding that the settings ask for.

    Args:
        settings: the classifier's settings.
        corpus: all training text, encoded.
        subwords: the n-grams of its words, where the embedding is made of such.
        generator: the source of random vectors.
        progress: told about the training of vectors.
        kept: vectors that other runs trained: those that the same settings and seed would train on the same text are
            taken from there, to the bit, and else left there. None trains them.

    Raises:
        InputError: when a file's vectors have another size, lack the n-grams that the embedding is made of or have
            others, or none of its words is in the vocabulary.
    """
    vocabulary = corpus.vocabulary
    n_rows = subwords.rows.table_rows if subwords is not None else len(vocabulary)
    table = torch.randn(n_rows, settings.embedding.vector_size, generator=generator) * RANDOM_SCALE
    table[0] = 0.0
    if settings.embedding.init == "random":
        return Start(table, known=0)
    if settings.embedding.init in STARTS:
        if kept is None:
            return _trained(settings, corpus, subwords, table, progress)
        return kept.start(settings, corpus, lambda: _trained(settings, corpus, subwords, table, progress))
    vectors = load_vectors(settings.embedding.init)
    if vectors.vector_size != settings.embedding.vector_size:
        raise InputError(
            f"{settings.embedding.init}: its vectors have {vectors.vector_size} dimensions, but vector_size is "
            f"{settings.embedding.vector_size}: set vector_size to {vectors.vector_size} or choose another file"
        )
    return Start(table, known=_placed(vectors, settings, vocabulary, subwords, table))


def start_rate(method: str) -> float:
    """Return the learning rate that first vectors of a word2vec method are trained at.

    Example:
        >>> start_rate("skipgram"), start_rate("cbow")
        (0.025, 0.1)
    """
    return START_ALPHA.get(method, WordVectorSettings.alpha)


def _trained(
    settings: ModelSettings,
    corpus: Corpus,
    subwords: KnownSubwords | None,
    table: Tensor,
    progress: Callable[[VectorProgress], None] | None,
) -> Start:
    begin = time.perf_counter()
    vectors = (
        _glove(settings, corpus)
        if settings.embedding.init == GLOVE
        else train_word_vectors(
            corpus,
            method=settings.embedding.init,
            vector_size=settings.embedding.vector_size,
            window=settings.window,
            negative=settings.context.negative,
            sample=settings.context.sample,
            alpha=start_rate(settings.embedding.init),
            epochs=settings.embedding.init_epochs,
            seed=settings.seed,
            min_n=settings.embedding.min_n,
            max_n=settings.embedding.max_n,
            bucket=settings.embedding.bucket,
            progress=progress,
        )
    )
    known = _placed(vectors, settings, corpus.vocabulary, subwords, table)
    return Start(table, known, seconds=time.perf_counter() - begin)


def _glove(settings: ModelSettings, corpus: Corpus) -> WordVectors:
    return train_glove(
        corpus,
        vector_size=settings.embedding.vector_size,
        window=settings.window,
        sample=settings.context.glove_sample,
        x_max=settings.context.x_max,
        memory_mb=settings.context.memory,
        epochs=settings.embedding.init_epochs,
        seed=settings.seed,
    )


def _placed(
    vectors: WordVectors,
    settings: ModelSettings,
    vocabulary: Vocabulary,
    subwords: KnownSubwords | None,
    table: Tensor,
) -> int:
    """Write vectors, and their n-grams where the embedding is made of such, to their rows; return how many words."""
    if subwords is None:
        known = _copy(vectors, vocabulary, table)
    elif isinstance(vectors, SubwordVectors):
        try:
            known = vectors.fill(table.numpy(), vocabulary.tokens, subwords)
        except InputError as error:
            raise InputError(f"{settings.embedding.init}: {error}") from error
    else:
        raise InputError(no_ngrams(settings))
    if not known:
        raise InputError(
            f"{settings.embedding.init}: none of its {len(vectors):,} words is in the vocabulary of the training text"
        )
    return known


def _copy(vectors: WordVectors, vocabulary: Vocabulary, table: Tensor) -> int:
    """Copy the vectors of the vocabulary's words to their rows; with n-grams, unseen words get those of theirs."""
    found = {row: vectors.key_to_index[token] for row, token in _words(vocabulary) if token in vectors.key_to_index}
    if not found:
        return 0
    table[list(found)] = torch.from_numpy(vectors.vectors[list(found.values())])
    if not isinstance(vectors, SubwordVectors):
        return len(found)
    made = 0
    for row, token in _words(vocabulary):
        if row not in found and (vector := vectors.unseen(token)) is not None:
            table[row] = torch.from_numpy(vector)
            made += 1
    return len(found) + made


def _words(vocabulary: Vocabulary) -> Iterator[tuple[int, str]]:
    return islice(enumerate(vocabulary.tokens), len(SPECIALS), None)
