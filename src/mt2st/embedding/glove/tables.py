"""What GloVe learns: word and context vectors, biases, and AdaGrad's sums of squares for each of them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError

_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, eq=False)
class GloveTables:
    """The parameters and their sums of squared steps; V words, D dimensions, all float32 and C-contiguous.

    Attributes:
        words: W [V, D]; may be somebody else's memory, a torch embedding's for one.
        contexts: W~ [V, D].
        word_biases: b [V].
        context_biases: b~ [V].
        word_squares: sums of squares of ``words`` [V, D], from 1.
        context_squares: of ``contexts`` [V, D].
        word_bias_squares: of ``word_biases`` [V].
        context_bias_squares: of ``context_biases`` [V].

    Raises:
        InputError: an array of another shape, type or layout, or ``words`` that cannot be written.
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
        """Return tables around word vectors that exist already; they are used in place, everything else is fresh."""
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
        """Put given vectors where training can go on from them: half of each into W, and half into W~.

        What training makes is ``W + W~``, whose two parts fit each other alike (Pennington et al. 2014, 4.2), so the
        halves are near what they were made of. Their sum is the given vector to the bit.

        Args:
            vectors: float32 [n, D].
            rows: their rows, int64 [n].
        """
        for start in range(0, len(vectors), _ROWS_AT_ONCE):
            some, there = vectors[start : start + _ROWS_AT_ONCE], rows[start : start + _ROWS_AT_ONCE]
            halves = some * np.float32(0.5)
            self.words[there] = halves
            # The half of an odd number that is too small to be halved has lost its last bit.
            self.contexts[there] = np.where(halves + halves == some, halves, some - halves)

    @staticmethod
    def bytes_needed(vocabulary_size: int, vector_size: int) -> int:
        """Return the size of all eight arrays."""
        return 4 * vocabulary_size * 4 * (vector_size + 1)


def _uniform(rng: np.random.Generator, shape: tuple[int, ...], vector_size: int) -> NDArray[np.float32]:
    values = rng.random(shape, dtype=np.float32)
    values -= np.float32(0.5)
    values /= np.float32(vector_size)
    return values
