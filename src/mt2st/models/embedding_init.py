"""The word embedding and its first values: random, trained on the corpus first, or from a file of vectors."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from mt2st._files import complete_file
from mt2st.embedding import (
    SubwordVectors,
    VectorCheckpoints,
    VectorProgress,
    WordVectors,
    WordVectorSettings,
    load_vectors,
    train_word_vectors,
)
from mt2st.embedding.glove import train_glove
from mt2st.embedding.subwords import KnownSubwords
from mt2st.errors import InputError, NotKeptWarning, NotWrittenError
from mt2st.models.groups import GLOVE, STARTS
from mt2st.models.settings import ModelSettings, no_ngrams
from mt2st.network import SubwordEmbedding
from mt2st.text import PAD, SPECIALS, Corpus, Vocabulary

INIT_ALPHA = {"cbow": 0.1, "cbow-fasttext": 0.1}
"""Learning rates of first vectors, where word2vec's 0.025 for Skip-gram is too low: CBOW makes one step for a whole
window, and in a few passes over a million words it hardly leaves its random start."""
RANDOM_SCALE = 0.01
"""Standard deviation of random word vectors: small, so that what the tasks learn soon outweighs it."""


@dataclass(frozen=True)
class EmbeddingInit:
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


def embedding_init(
    settings: ModelSettings,
    corpus: Corpus,
    *,
    subwords: KnownSubwords | None = None,
    generator: torch.Generator,
    progress: Callable[[VectorProgress], None] | None = None,
    cache: VectorCache | None = None,
    checkpoints: Callable[[Path | None], VectorCheckpoints | None] = lambda _: None,
) -> EmbeddingInit:
    """Return the first values of the embedding that the settings ask for.

    Args:
        settings: the classifier's settings.
        corpus: all training text, encoded.
        subwords: the n-grams of its words, where the embedding is made of such.
        generator: the source of random vectors.
        progress: told about the training of vectors.
        cache: vectors of other runs. Vectors of the same settings, seed and text are read from it, bit for bit; others
            are trained and added. Without a cache they are always trained.
        checkpoints: returns what saves the training of vectors as it goes on, and resumes it: in the given folder, or
            for None, without a cache, in a folder of its own.
    """
    vocabulary = corpus.vocabulary
    n_rows = subwords.rows.table_rows if subwords is not None else len(vocabulary)
    table = torch.randn(n_rows, settings.embedding.vector_size, generator=generator) * RANDOM_SCALE
    table[0] = 0.0
    if settings.embedding.init == "random":
        return EmbeddingInit(table, known=0)
    if settings.embedding.init in STARTS:

        def train(place: Path | None = None) -> EmbeddingInit:
            return _trained(settings, corpus, subwords, table, progress, checkpoints(place))

        return train() if cache is None else cache.init(settings, corpus, train)
    vectors = load_vectors(settings.embedding.init, vocabulary=vocabulary)  # of published files a small part
    if vectors.vector_size != settings.embedding.vector_size:
        raise InputError(
            f"{settings.embedding.init}: its vectors have {vectors.vector_size} dimensions, but vector_size is "
            f"{settings.embedding.vector_size}: set vector_size to {vectors.vector_size} or choose another file"
        )
    return EmbeddingInit(table, known=_placed(vectors, settings, vocabulary, subwords, table))


def init_rate(method: str) -> float:
    """Return the learning rate that first vectors of a word2vec method are trained at.

    Example:
        >>> init_rate("skipgram"), init_rate("cbow")
        (0.025, 0.1)
    """
    return INIT_ALPHA.get(method, WordVectorSettings.alpha)


def _trained(
    settings: ModelSettings,
    corpus: Corpus,
    subwords: KnownSubwords | None,
    table: Tensor,
    progress: Callable[[VectorProgress], None] | None,
    checkpoints: VectorCheckpoints | None,
) -> EmbeddingInit:
    begin, embedding, context = time.perf_counter(), settings.embedding, settings.context
    both: dict[str, Any] = {
        "vector_size": embedding.vector_size,
        "window": settings.window,
        "epochs": embedding.init_epochs,
        "seed": settings.seed,
        "checkpoints": checkpoints,
        "on_compiled": lambda _: progress(VectorProgress("training", "words", 0, 1, 0.0)) if progress else None,
        "progress": progress,
    }
    vectors = (
        train_glove(corpus, sample=context.glove_sample, x_max=context.x_max, memory_mb=context.memory, **both)
        if embedding.init == GLOVE
        else train_word_vectors(
            corpus,
            method=embedding.init,
            negative=context.negative,
            sample=context.sample,
            alpha=init_rate(embedding.init),
            min_n=embedding.min_n,
            max_n=embedding.max_n,
            bucket=embedding.bucket,
            **both,
        )
    )
    known = _placed(vectors, settings, corpus.vocabulary, subwords, table)
    before = checkpoints.seconds_before if checkpoints is not None else 0.0
    return EmbeddingInit(table, known, seconds=before + time.perf_counter() - begin)


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


@dataclass(frozen=True)
class VectorCache:
    """A folder of first word vectors, by a hash of all that decides them.

    Runs of several processes may use it at once: one trains, under a lock, while those that need the same vectors wait.

    Attributes:
        folder: where; made when it is not there.
    """

    folder: Path

    def init(self, settings: ModelSettings, corpus: Corpus, train: Callable[[Path], EmbeddingInit]) -> EmbeddingInit:
        """Return the vectors that the settings and the corpus decide: kept ones, or those that ``train`` makes.

        ``train`` gets the folder for checkpoints of these vectors, whichever run trains them.
        """
        path = self.folder / f"{_key(settings, corpus)}.safetensors"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.folder} cannot be made: {error.strerror}") from error
        with FileLock(path.with_suffix(".lock")):  # one run trains, those that need the same vectors wait
            if path.is_file():
                return _read(path)
            first = train(path.with_suffix(""))
            about = {"known": str(first.known), "seconds": repr(first.seconds)}
            try:
                with complete_file(path, overwrite=True, size=first.table.nbytes) as file:
                    file.write(save({"table": first.table}, metadata=about))
            except NotWrittenError as error:  # the others train them again
                warnings.warn(str(error), NotKeptWarning, stacklevel=2)
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
        return first


def _key(settings: ModelSettings, corpus: Corpus) -> str:
    embedding, context, ngrams = settings.embedding, settings.context, settings.embedding.ngrams
    # Defaults count by their values: another version's vectors are not taken for these.
    given = {
        **asdict(embedding),
        "n-grams": [ngrams.min_n, ngrams.max_n, ngrams.bucket, settings.has_ngrams],
        "rate": init_rate(embedding.init),
        "window": settings.window,
        "seed": settings.seed,
    }
    if embedding.init == GLOVE:
        given |= {"sample": context.glove_sample, "x_max": context.x_max}
    else:
        given |= {"sample": context.sample, "negative": context.negative}
    digest = hashlib.sha256(json.dumps(given).encode())
    digest.update("\n".join(corpus.vocabulary.tokens).encode("utf-8", "surrogatepass"))
    digest.update(np.ascontiguousarray(corpus.ids).data)
    digest.update(np.ascontiguousarray(corpus.offsets).data)
    return digest.hexdigest()[:16]


def _read(path: Path) -> EmbeddingInit:
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata()
            return EmbeddingInit(file.get_tensor("table"), int(about["known"]), float(about["seconds"]))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is broken ({error}): delete it, and its vectors are trained again") from error


def new_embedding(table: Tensor, subwords: KnownSubwords | None) -> nn.Embedding | SubwordEmbedding:
    """Return an embedding on a table, whose memory it takes: ``[V, vector_size]``, or ``[V + K, vector_size]``."""
    if subwords is not None:
        return SubwordEmbedding(table, subwords)
    return nn.Embedding(len(table), table.shape[1], padding_idx=PAD, _weight=table)
