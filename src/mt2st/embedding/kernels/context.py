"""The word-context kernel: what Skip-gram, CBOW and their forms with subwords share, from the caller's side."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mt2st._settings import Count, Share, checked
from mt2st.embedding.kernels.sampling import keep_thresholds, noise_table, start_state
from mt2st.embedding.kernels.windows import DOCUMENT, INVALID, POSITION, Plan, Walk, checked_slice
from mt2st.embedding.settings import LARGEST_BLOCK, Block, Negative, NoiseExponent
from mt2st.embedding.subwords import SubwordRows
from mt2st.errors import DivergedError, InputError


@dataclass(frozen=True)
class KernelReport:
    """Counts and loss of a kernel call.

    Attributes:
        words: words of the slice, before any was dropped.
        kept: words that survived downsampling, the ones trained as centres.
        pairs: positive pairs (Skip-gram: centre and context word; CBOW: centre and mean of its context).
        loss: summed negative-sampling loss of the pairs, before each block's update, unweighted.
    """

    words: int = 0
    kept: int = 0
    pairs: int = 0
    loss: float = 0.0

    def __add__(self, other: KernelReport) -> KernelReport:
        return KernelReport(
            self.words + other.words, self.kept + other.kept, self.pairs + other.pairs, self.loss + other.loss
        )

    def __mul__(self, count: int) -> KernelReport:
        return KernelReport(self.words * count, self.kept * count, self.pairs * count, self.loss * count)

    @property
    def mean_loss(self) -> float:
        """Loss per positive pair; NaN without pairs."""
        return self.loss / self.pairs if self.pairs else math.nan


class ContextKernel(ABC):
    """Updates two embedding tables in place from a slice of a corpus, by negative sampling.

    A slice is walked in blocks of kept words (the centres; how many: `block_size`, or ``block`` if that is more). For a
    block with pairs ``p`` of an input vector ``h_p`` and a word ``c_p`` to predict, and ``N`` noise words ``n``, the
    loss is

        ``L = sum_p [ -log sigmoid(h_p . out[c_p]) - (negative / N) * sum_n log sigmoid(-h_p . out[n]) ]``

    and the update ``theta <- theta - alpha * weight * dL/dtheta``, with **every gradient taken at the values of the
    tables when the block began**. So a block is one plain SGD step. In expectation this is the objective of word2vec:
    each pair meets ``N`` noise words (`noise`), weighted to count as ``negative``. The pairs of a centre share their
    noise words with each other and with many of the block, which makes the arithmetic dense (Ji et al. 2016, pWord2Vec,
    share within a window).

    Two things differ from word2vec: a noise word that equals the centre is not skipped, and no place of a row in a
    block (context word, centre, noise word) moves the row by more than `rows.LONGEST_STEP`, far above ordinary steps.

    **Subwords.** The ``-fasttext`` kernels make input vectors of the rows of words and their n-grams; ``inputs`` then
    has ``V + bucket`` rows. As in fastText and gensim, each row of a mean receives the gradient with respect to the
    mean **undivided**, once for every time it is in the mean (see `CbowKernel`).

    One call is bitwise deterministic, and its random numbers are a pure function of ``(seed, stream)``. The global
    interpreter lock is released: several threads may update the same tables at once (hogwild, Niu et al. 2011; the
    result then depends on timing), and a torch step may run in parallel.

    Args:
        counts: occurrences of each word, int64 [V]; words of count 0 (``<pad>``, ``<unk>``) are dropped from the
            text before the windows are drawn and never serve as noise.
        subwords: the rows of the V words, for the ``-fasttext`` kernels only.
        window: the widest context, at least 1; each centre draws its own width from 1 to ``window``.
        negative: the weight of noise against one positive pair, in noise words, 1 to 100.
        sample: subsampling threshold in [0, 1); 0 keeps every word (`keep_thresholds`).
        ns_exponent: noise words are drawn in proportion to ``counts ** ns_exponent``, in [-5, 5].
        seed: any integer.
        frozen: rows of ``inputs`` that the kernel reads and never writes, bool [`input_rows`]; None for none.
        block: the least number of centres updated together, 1 to 32; None leaves it to `block_size`, which is careful.
            Larger blocks are faster, until their steps overshoot.

    Raises:
        InputError: a setting out of its range, no word with a count above 0, ``subwords`` missing or not wanted, or an
            array of another size.

    References:
        Mikolov, Sutskever, Chen, Corrado and Dean 2013, "Distributed Representations of Words and Phrases".
        Ji, Satish, Li and Dubey 2016, "Parallelizing Word2Vec in Shared and Distributed Memory", arXiv 1604.04661.
    """

    method: ClassVar[str]
    noise: ClassVar[int] = 16
    """Noise words that each centre meets."""
    noise_step: ClassVar[int] = 0
    """How many of the block's noise words further on the next centre's run of `noise` words begins."""
    reach: ClassVar[float]
    """Bound of `block_size`."""
    takes_means: ClassVar[bool] = False
    """Whether a pair is a centre with its whole context, not one word of it."""
    has_subwords: ClassVar[bool] = False

    def __init__(
        self,
        counts: NDArray[np.int64],
        *,
        subwords: SubwordRows | None = None,
        window: Count = 5,
        negative: Negative = 5,
        sample: Share = 1e-3,
        ns_exponent: NoiseExponent = 0.75,
        seed: int = 1,
        frozen: NDArray[np.bool_] | None = None,
        block: Block | None = None,
    ) -> None:
        settings = {"window": window, "negative": negative, "sample": sample, "ns_exponent": ns_exponent}
        checked(ContextKernel.__init__, **settings, block=block)
        counts = np.ascontiguousarray(counts, dtype=np.int64)
        if counts.ndim != 1 or counts.size >= 2**31 or (counts < 0).any():
            raise InputError("counts must be one non-negative number per word (int64 [V], V < 2**31)")
        if (subwords is not None) != self.has_subwords:
            raise InputError(f"subwords are for the -fasttext methods; found '{self.method}' and {subwords!r:.80}")
        if subwords is not None and subwords.n_words != counts.size:
            raise InputError(
                f"subwords must have the rows of the {counts.size} words of counts; found {subwords.n_words}"
            )
        self.vocabulary_size, self.subwords = counts.size, subwords
        self.window, self.negative, self.sample = window, negative, sample
        self.ns_exponent, self.seed, self.block = ns_exponent, seed, block
        self._keep = keep_thresholds(counts, sample)
        self._accept, self._alias = noise_table(counts, ns_exponent)
        frozen = np.zeros(self.input_rows, dtype=np.bool_) if frozen is None else np.ascontiguousarray(frozen)
        if frozen.shape != (self.input_rows,) or frozen.dtype != np.bool_:
            raise InputError(
                f"frozen must be bool, one for each of the {self.input_rows} rows of inputs; "
                f"found {frozen.dtype} {list(frozen.shape)}"
            )
        self.frozen = frozen if frozen.any() else np.empty(0, dtype=np.bool_)
        """Of size 0 if nothing is frozen, so that no kernel looks it up."""
        self.moving = subwords.without(self.frozen) if subwords is not None and self.frozen.size else subwords
        """The rows of each word that training moves."""

    def update(
        self,
        inputs: NDArray[np.float32],
        outputs: NDArray[np.float32],
        ids: NDArray[np.int32],
        offsets: NDArray[np.int64],
        *,
        alpha: tuple[float, float],
        weight: float = 1.0,
        stream: int,
    ) -> KernelReport:
        """Train on the documents ``ids[offsets[0]:offsets[1]]``, ``ids[offsets[1]:offsets[2]]``, ... in place.

        Args:
            inputs: the embedding, C-contiguous float32 [`input_rows`, D]; torch's memory through
                ``embedding.weight.data.numpy()`` will do.
            outputs: output vectors, C-contiguous float32 [V, D].
            ids: the corpus, int32; may be memory-mapped and read-only.
            offsets: int64 [m + 1], non-decreasing absolute positions in ``ids``; a part of a corpus is
                ``offsets[a : b + 1]`` with the whole ``ids``.
            alpha: learning rate at the slice's first and after its last word; linear in between.
            weight: factor on every gradient, at least 0: the strategy's ``gamma_k(t)``.
            stream: any integer; equal streams draw equal random numbers.

        Returns:
            Counts and loss of this call.

        Raises:
            InputError: arrays of another shape, type or layout, offsets outside ``ids``, an id outside the
                vocabulary (what precedes it has then been trained), a rate or weight that is negative or not finite;
                or a loss that is not finite any more.
        """
        self._check_tables(inputs, outputs)
        for name, value in (("alpha", alpha[0]), ("alpha", alpha[1]), ("weight", weight)):
            if not (math.isfinite(value) and value >= 0):
                raise InputError(f"{name} must be finite and at least 0; found {value!r}")
        walk = self.walk(ids, offsets, stream)
        plan = self.plan((alpha[0] * weight, alpha[1] * weight), walk)
        kept, pairs, loss = self._train(inputs, outputs, walk, plan)
        if walk.walker[INVALID]:
            at = int(walk.walker[POSITION])
            raise InputError(
                f"ids[{at}] (document {int(walk.walker[DOCUMENT])} of the slice) must be in "
                f"[0, {self.vocabulary_size}), the vocabulary of this kernel; found {int(walk.ids[at])}"
            )
        if not math.isfinite(loss):
            raise DivergedError(
                f"the training of word vectors has diverged (its loss is {loss}): lower alpha, found {max(alpha)!r}"
                + (f", or block, found {self.block}" if self.block and self.block > 1 else "")
            )
        return KernelReport(int(offsets[-1] - offsets[0]), int(kept), int(pairs), float(loss))

    def compile(self, vector_size: int) -> None:
        """Compile the update, or load it from the compiler's cache, so that the first call is not charged with it."""
        inputs, outputs = (  # zeros that nothing touches take no memory
            np.zeros((rows, vector_size), dtype=np.float32) for rows in (self.input_rows, self.vocabulary_size)
        )
        no_words, no_documents = np.empty(0, dtype=np.int32), np.zeros(1, dtype=np.int64)
        self.update(inputs, outputs, no_words, no_documents, alpha=(0.0, 0.0), stream=0)

    @abstractmethod
    def _train(
        self, inputs: NDArray[np.float32], outputs: NDArray[np.float32], walk: Walk, plan: Plan
    ) -> tuple[int, int, float]:
        """Run the compiled loop: returns kept words, pairs, loss."""

    def block_size(self, rate: float) -> int:
        """Return how many centres share noise words and are updated together at this largest rate, weight included.

        Few for high rates, much noise and, unless a pair is a whole context, wide windows: a noise word's row meets all
        pairs of a block in one step, and too many at too high a rate diverge.
        """
        pull = (1 if self.takes_means else self.window) * rate * max(1.0, self.negative / 5)
        return int(np.clip(self.reach / max(pull, self.reach / LARGEST_BLOCK), 1, LARGEST_BLOCK))

    @property
    def input_rows(self) -> int:
        """Rows of ``inputs``: V, or V + bucket with subwords."""
        return self.vocabulary_size if self.subwords is None else self.subwords.table_rows

    def walk(self, ids: NDArray[np.int32], offsets: NDArray[np.int64], stream: int) -> Walk:
        """Return the walk of an update over a slice, at its start."""
        ids, offsets = checked_slice(ids, offsets)
        return Walk.begun(ids, offsets, self._keep, self.window, start_state(self.seed, stream))

    def plan(self, alpha: tuple[float, float], walk: Walk) -> Plan:
        """Return what all blocks of an update over a walk share, at these learning rates (weight included)."""
        return Plan(
            alpha_first=float(alpha[0]),
            alpha_last=float(alpha[1]),
            n_words=max(1, int(walk.offsets[-1] - walk.offsets[0])),
            block=max(self.block or 1, self.block_size(max(alpha))),
            n_noise=self.noise,
            noise_step=self.noise_step,
            noise_weight=np.float32(self.negative / self.noise),
            accept=self._accept,
            alias=self._alias,
        )

    def _check_tables(self, inputs: NDArray[np.float32], outputs: NDArray[np.float32]) -> None:
        for name, table in (("inputs", inputs), ("outputs", outputs)):
            if table.dtype != np.float32 or table.ndim != 2 or not table.flags.c_contiguous:
                raise InputError(
                    f"{name} must be a C-contiguous float32 array [V, D]; found {table.dtype} {list(table.shape)}"
                )
            if not table.flags.writeable:
                raise InputError(f"{name} must be writeable: the kernel updates it in place")
        rows = self.input_rows, self.vocabulary_size
        if (len(inputs), len(outputs)) != rows or inputs.shape[1] != outputs.shape[1]:
            raise InputError(
                f"inputs and outputs must have {rows[0]} and {rows[1]} rows (one per word of counts, and one per "
                f"bucket of n-grams if there are such in the inputs) of the same size; found {list(inputs.shape)} and "
                f"{list(outputs.shape)}"
            )
        if np.may_share_memory(inputs, outputs):
            raise InputError("inputs and outputs must be two tables; found overlapping memory")
