"""The update of GloVe's tables on a stretch of co-occurrences."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.glove.kernels.update import train
from mt2st.embedding.glove.tables import GloveTables
from mt2st.embedding.glove.targets import TargetSlice
from mt2st.errors import InputError

_NONE: NDArray[np.bool_] = np.empty(0, dtype=np.bool_)


@dataclass(frozen=True)
class GloveReport:
    """What one update did.

    Attributes:
        entries: co-occurrences trained on.
        loss: their summed loss, each before its own step, unweighted by the strategy; float64.
    """

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

    For an entry ``X[i, j] > 0`` the loss is, with the parameters before the entry's step (Pennington et al. 2014,
    eq. 8, times 1/2 as in the published program),

        ``L = 1/2 f(X[i, j]) (W[i] . W~[j] + b[i] + b~[j] - log X[i, j])**2``,  ``f(x) = min(1, (x / x_max)**alpha)``

    and each component ``g`` of its gradient with respect to W[i], W~[j], b[i] and b~[j], cut to [-100, 100], makes the
    AdaGrad step of the published program (Duchi et al. 2011), with ``s`` the component's sum of squares, 1 at first:

        ``theta <- theta - rate weight g / sqrt(s)``,  then ``s <- s + (rate weight g)**2``

    One call is bitwise deterministic. The global interpreter lock is released: several threads may update the same
    tables at once (hogwild, Niu et al. 2011; then the result depends on timing).

    Args:
        tables: what to train; no row of theirs beyond the entries' changes.
        chosen: the entries, in their order.
        rate: learning rate, at least 0; with 0 only the loss is computed.
        weight: factor on every gradient, at least 0: the strategy's ``gamma_k(t)``.
        frozen: words whose two vectors stay as they are while their biases and the others move, bool [V]; None for
            none.

    Returns:
        Number and loss of the entries.

    Raises:
        InputError: ``frozen`` of another shape or type, a rate or weight that is negative or not finite, or a loss that
            is not finite any more.
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
        raise InputError(f"the training of word vectors has diverged: lower the learning rate, found {rate!r}")
    return GloveReport(int(entries), float(loss))
