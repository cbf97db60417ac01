"""The parameters of GloVe with AdaGrad's sums of squares, their update, and the co-occurrences in random orders."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt2st._settings import NonNegative, Positive, checked
from mt2st.embedding.glove.counting import Cooccurrences
from mt2st.embedding.kernels.glove_training import to_targets, train
from mt2st.embedding.memory import give_back
from mt2st.errors import DivergedError, InputError

_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, eq=False)
class GloveTables:
    """The parameters and their sums of squared steps, from 1; V words, D dimensions, all float32 and C-contiguous.

    ``words`` W, which may be memory that torch owns, and ``contexts`` W~ are [V, D], ``word_biases`` b and
    ``context_biases`` b~ [V]; the sums of squares have the shape of what they belong to.
    """

    words: NDArray[np.float32]
    contexts: NDArray[np.float32]
    word_biases: NDArray[np.float32]
    context_biases: NDArray[np.float32]
    word_squares: NDArray[np.float32]
    context_squares: NDArray[np.float32]
    word_bias_squares: NDArray[np.float32]
    context_bias_squares: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.words.ndim != 2:
            raise InputError(f"words must be a table [V, D]; found {list(self.words.shape)}")
        for name, array in self.arrays().items():
            shape = self.words.shape[:1] if "bias" in name else self.words.shape
            if array.shape != shape or array.dtype != np.float32 or not array.flags.c_contiguous:
                raise InputError(
                    f"{name} must be C-contiguous float32 {list(shape)}; found {array.dtype} {list(array.shape)}"
                )
            if not array.flags.writeable:
                raise InputError(f"{name} must be writeable: the training updates it in place")

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return the eight arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def fresh(cls, vocabulary_size: int, vector_size: int, seed: int) -> GloveTables:
        """Return the published program's start: all parameters uniform in ``[-0.5, 0.5) / D``, sums of squares 1."""
        rng = np.random.default_rng([seed % 2**64, 0])
        return cls.beside(_uniform(rng, (vocabulary_size, vector_size), vector_size), seed)

    @classmethod
    def beside(cls, words: NDArray[np.float32], seed: int) -> GloveTables:
        """Return tables around existing word vectors, which are used in place; all else is fresh."""
        vocabulary_size, vector_size = words.shape
        rng = np.random.default_rng([seed % 2**64, 1])
        return cls(
            words,
            _uniform(rng, (vocabulary_size, vector_size), vector_size),
            _uniform(rng, (vocabulary_size,), vector_size),
            _uniform(rng, (vocabulary_size,), vector_size),
            *(np.ones((vocabulary_size, vector_size), dtype=np.float32) for _ in range(2)),
            *(np.ones(vocabulary_size, dtype=np.float32) for _ in range(2)),
        )

    def place(self, vectors: NDArray[np.float32], rows: NDArray[np.int64]) -> None:
        """Put given vectors, float32 [n, D], where training can continue from them: half into W, half into W~.

        The result of training is ``W + W~``, whose parts are alike (Pennington et al. 2014, 4.2), so halves are near
        them. Their sum is the given vector to the bit. ``rows`` are the words' rows, int64 [n].
        """
        for start in range(0, len(vectors), _ROWS_AT_ONCE):
            some, there = vectors[start : start + _ROWS_AT_ONCE], rows[start : start + _ROWS_AT_ONCE]
            halves = some * np.float32(0.5)
            self.words[there] = halves
            # The half of an odd number that is too small to be halved has lost its last bit.
            self.contexts[there] = np.where(halves + halves == some, halves, some - halves)


def _uniform(rng: np.random.Generator, shape: tuple[int, ...], vector_size: int) -> NDArray[np.float32]:
    values = rng.random(shape, dtype=np.float32)
    values -= np.float32(0.5)
    values /= np.float32(vector_size)
    return values


_NONE: NDArray[np.bool_] = np.empty(0, dtype=np.bool_)


@dataclass(frozen=True)
class GloveReport:
    """Entries of an update, and their summed loss, each before its own step, unweighted by the strategy."""

    entries: int = 0
    loss: float = 0.0

    def __add__(self, other: GloveReport) -> GloveReport:
        return GloveReport(self.entries + other.entries, self.loss + other.loss)

    @property
    def mean_loss(self) -> float:
        """Loss per co-occurrence; NaN without any."""
        return self.loss / self.entries if self.entries else math.nan


def update(
    tables: GloveTables,
    chosen: TargetSlice,
    *,
    rate: float = 0.05,
    weight: float = 1.0,
    frozen: NDArray[np.bool_] | None = None,
) -> GloveReport:
    """Train on a stretch of co-occurrences in place, one after the other.

    For an entry ``X[i, j] > 0`` the loss, at the parameters before the entry's step, is (Pennington et al. 2014, eq. 8,
    times 1/2 as in the published program)

        ``L = 1/2 f(X[i, j]) (W[i] . W~[j] + b[i] + b~[j] - log X[i, j])**2``,  ``f(x) = min(1, (x / x_max)**alpha)``

    Each component ``g`` of its gradient with respect to W[i], W~[j], b[i] and b~[j], clipped to [-100, 100], makes the
    AdaGrad step of the published program (Duchi et al. 2011), with ``s`` its sum of squares, 1 at first:

        ``theta <- theta - rate weight g / sqrt(s)``,  then ``s <- s + (rate weight g)**2``

    One call is bitwise deterministic. The global interpreter lock is released: several threads may update the same
    tables at once (hogwild, Niu et al. 2011; the result then depends on timing).

    Args:
        tables: the parameters, in place.
        chosen: the entries, in their order.
        rate: learning rate, at least 0; 0 only computes the loss.
        weight: factor on every gradient, at least 0: the strategy's ``gamma_k(t)``.
        frozen: words whose two vectors do not change (their biases do), bool [V]; None for none.

    Raises:
        DivergedError: the loss is not finite any more.
    """
    for name, value in (("learning_rate", rate), ("weight", weight)):
        if not (math.isfinite(value) and value >= 0):
            raise InputError(f"{name} must be finite and at least 0; found {value!r}")
    if frozen is not None and (frozen.shape != tables.words.shape[:1] or frozen.dtype != np.bool_):
        raise InputError(
            f"frozen must be bool, one for each of the {len(tables.words)} words; "
            f"found {frozen.dtype} {list(frozen.shape)}"
        )
    entries, loss = train(
        tables.words,
        tables.contexts,
        tables.word_biases,
        tables.context_biases,
        tables.word_squares,
        tables.context_squares,
        tables.word_bias_squares,
        tables.context_bias_squares,
        chosen.targets,
        chosen.first,
        chosen.last,
        chosen.key,
        float(rate * weight),
        _NONE if frozen is None else frozen,
    )
    if not math.isfinite(loss):
        raise DivergedError(f"the training of word vectors has diverged: lower the learning rate, found {rate!r}")
    return GloveReport(int(entries), float(loss))


TARGET = np.dtype([("row", np.int32), ("column", np.int32), ("log", np.float32), ("weight", np.float32)])
"""A pair of words, the logarithm of its co-occurrences and its weight f; 16 bytes."""

BLOCK = 1024
"""Neighbouring entries that move together from disk to a chunk: 12 KB."""


@dataclass(frozen=True)
class TargetSlice:
    """Part of a random order: the ``first``-th to the ``last``-th of the entries in the order of ``key`` (`in_order`).

    ``targets`` are `TARGET` [n], each of which is two entries, one in each direction: 0 <= first <= last <= 2 n.
    """

    targets: NDArray[Any]
    first: int
    last: int
    key: np.uint64

    def pieces(self, size: int) -> Iterator[TargetSlice]:
        """Cut into stretches of at most ``size``."""
        for start in range(self.first, self.last, size):
            yield TargetSlice(self.targets, start, min(start + size, self.last), self.key)


class TargetSource:
    """Gives co-occurrences, at least one, in random orders, within a memory bound in bytes.

    If all fit in the memory, every order is a permutation of all entries. If not, every order gathers randomly chosen
    blocks of neighbouring entries into chunks, one after the other, and permutes within each chunk. Orders are computed
    (`in_order`), not stored: any part of any order can be had at any time.

    ``x_max`` and ``alpha`` are those of `mt2st.embedding.GloveSettings`.
    """

    def __init__(
        self,
        cooccurrences: Cooccurrences,
        *,
        x_max: Positive = 100.0,
        alpha: NonNegative = 0.75,
        memory: int = 1 << 30,
        seed: int = 1,
    ) -> None:
        checked(TargetSource.__init__, x_max=x_max, alpha=alpha)
        if len(cooccurrences) == 0:
            raise InputError("there are no co-occurrences: no two words of the vocabulary stand in one document")
        self._entries = cooccurrences.entries
        self._x_max, self._alpha, self._seed = float(x_max), float(alpha), seed
        self._n_blocks = -(-len(cooccurrences) // BLOCK)
        self._chunk_blocks = min(max(1, memory // (BLOCK * TARGET.itemsize)), self._n_blocks)
        self._chunk = np.empty(min(self._chunk_blocks * BLOCK, len(cooccurrences)), dtype=TARGET)
        self._blocks: tuple[int, NDArray[np.int64]] | None = None
        self._held: tuple[int, int] | None = None

    @property
    def n_chunks(self) -> int:
        """Chunks of an order; 1 if all entries fit in the memory."""
        return -(-self._n_blocks // self._chunk_blocks)

    @property
    def size(self) -> int:
        """Length of an order: two for each entry, of which training skips the second on the diagonal."""
        return 2 * int(self._entries.size)

    def slices(self, order: int, first: int, last: int) -> Iterator[TargetSlice]:
        """Yield the ``first``-th to the ``last``-th of the `size` entries of an order, chunk by chunk.

        A slice's targets are overwritten when the next is asked for. An order is named by any non-negative integer.
        """
        start = 0
        for chunk in range(self.n_chunks):
            blocks = self._blocks_of(order, chunk)
            end = start + 2 * self._entries_of(blocks)
            if start < last and first < end:
                key = np.random.SeedSequence([self._seed % 2**64, order, chunk]).generate_state(1, np.uint64)[0]
                targets = self._loaded(order, chunk)
                yield TargetSlice(targets, max(first, start) - start, min(last, end) - start, key)
            start = end

    def _blocks_of(self, order: int, chunk: int) -> NDArray[np.int64]:
        if self.n_chunks == 1:  # the same for all orders
            return np.arange(self._n_blocks)
        if self._blocks is None or self._blocks[0] != order:
            rng = np.random.default_rng([self._seed % 2**64, order])
            self._blocks = order, rng.permutation(self._n_blocks)
        return self._blocks[1][chunk * self._chunk_blocks : (chunk + 1) * self._chunk_blocks]

    def _entries_of(self, blocks: NDArray[np.int64]) -> int:
        size = blocks.size * BLOCK
        if (blocks == self._n_blocks - 1).any():  # the last one may be incomplete
            size -= self._n_blocks * BLOCK - self._entries.size
        return size

    def _loaded(self, order: int, chunk: int) -> NDArray[Any]:
        blocks = self._blocks_of(order, chunk)
        size = self._entries_of(blocks)
        wanted = (order, chunk) if self.n_chunks > 1 else (0, 0)
        if self._held != wanted:
            self._held = None
            filled = 0
            for block in blocks.tolist():
                source = self._entries[block * BLOCK : (block + 1) * BLOCK]
                to_targets(source, self._x_max, self._alpha, self._chunk[filled : filled + source.size])
                filled += source.size
                give_back(self._entries, block * BLOCK, block * BLOCK + source.size)
            self._held = wanted
        return self._chunk[:size]
