"""Where the word embedding starts: at random, trained on the corpus first, or from a file of vectors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mt2st.embedding import Progress, SubwordVectors, WordVectors, load_vectors, train_word_vectors
from mt2st.embedding.formats import is_pretrained
from mt2st.errors import InputError, listed, suggestion
from mt2st.models.settings import STARTS, WORD_METHODS, ClassifierSettings
from mt2st.text import SPECIALS, Corpus, Vocabulary

if TYPE_CHECKING:
    from mt2st.models.kept_starts import KeptStarts

RANDOM_SCALE = 0.01
"""Standard deviation of random word vectors: small, so that what the tasks learn soon outweighs it."""


@dataclass(frozen=True)
class Start:
    """The first values of the embedding.

    Attributes:
        table: ``[vocabulary, vector_size]``; the row of padding is zero.
        known: words of the vocabulary whose vector was given, made of given n-grams or trained, not random.
        seconds: how long it took to train the vectors, now or when they were kept; 0 where none were trained.
    """

    table: Tensor
    known: int
    seconds: float = 0.0


def check_start(settings: ClassifierSettings) -> None:
    """Raise if the start is neither a known name nor an existing file or folder nor published vectors.

    Raises:
        InputError: naming what was found and what would do.
    """
    name = settings.embedding
    if name not in STARTS and not is_pretrained(name) and not Path(name).exists():
        raise InputError(
            f"embedding '{name}' is no file and no known start.{suggestion(name, STARTS)} "
            f"Known: {listed(STARTS)}, the path of a file of word vectors, or gensim:NAME"
        )


def embedding_start(
    settings: ClassifierSettings,
    corpus: Corpus,
    *,
    generator: torch.Generator,
    progress: Callable[[Progress], None] | None = None,
    kept: KeptStarts | None = None,
) -> Start:
    """Return the first values of the embedding that the settings ask for.

    Args:
        settings: the classifier's settings.
        corpus: all training text, encoded.
        generator: the source of random vectors.
        progress: told about the training of vectors.
        kept: vectors that other runs trained: those that the same settings and seed would train on the same text are
            taken from there, to the bit, and else left there. None trains them.

    Raises:
        InputError: when a file's vectors have another size, or none of its words is in the vocabulary.
    """
    vocabulary = corpus.vocabulary
    table = torch.randn(len(vocabulary), settings.vector_size, generator=generator) * RANDOM_SCALE
    table[0] = 0.0
    if settings.embedding == "random":
        return Start(table, known=0)
    if settings.embedding in WORD_METHODS:
        if kept is None:
            return _trained(settings, corpus, table, progress)
        return kept.start(settings, corpus, lambda: _trained(settings, corpus, table, progress))
    vectors = load_vectors(settings.embedding)
    if vectors.vector_size != settings.vector_size:
        raise InputError(
            f"{settings.embedding}: its vectors have {vectors.vector_size} dimensions, but vector_size is "
            f"{settings.vector_size}: set vector_size to {vectors.vector_size} or choose another file"
        )
    return Start(table, known=_copy(vectors, vocabulary, table, settings.embedding))


def _trained(
    settings: ClassifierSettings, corpus: Corpus, table: Tensor, progress: Callable[[Progress], None] | None
) -> Start:
    begin = time.perf_counter()
    vectors = train_word_vectors(
        corpus,
        method=settings.embedding,
        vector_size=settings.vector_size,
        window=settings.context_window,
        negative=settings.context_negative,
        sample=settings.context_sample,
        epochs=settings.start_epochs,
        seed=settings.seed,
        progress=progress,
    )
    known = _copy(vectors, corpus.vocabulary, table, settings.embedding)
    return Start(table, known, seconds=time.perf_counter() - begin)


def _copy(vectors: WordVectors, vocabulary: Vocabulary, table: Tensor, source: str) -> int:
    """Copy the vectors of the vocabulary's words to their rows; with n-grams, unseen words get those of theirs."""
    found = {row: vectors.key_to_index[token] for row, token in _words(vocabulary) if token in vectors.key_to_index}
    if not found:
        raise InputError(f"{source}: none of its {len(vectors):,} words is in the vocabulary of the training text")
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
