"""Bloop: auxiliary gradients orthogonal to a running mean of the primary's."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


class BloopCombination:
    r"""Bilevel optimisation with orthogonal projection (Hsieh et al. 2024, arXiv 2402.02998).

    .. math:: m \leftarrow \rho \, m + (1 - \rho) \, g_0, \qquad
              g_k \leftarrow g_k - \frac{g_k \cdot m}{\lVert m \rVert^2} m

    with :math:`g_0` the primary's gradient, which stays as it is, and :math:`m` its first value at the start. To first
    order the auxiliary tasks do not change the primary's loss, neither for the worse nor for the better: they choose
    among its minima. As in the authors' code, the mean takes the step's gradient in before the projection.

    Should the set of shared parameters change, the mean starts anew.

    Args:
        memory: :math:`\rho`, in [0, 1).
    """

    def __init__(self, memory: float) -> None:
        self.memory = memory
        self.mean: Tensor | None = None

    def combine(self, gradients: Tensor) -> Tensor:
        """Return the primary's gradient as it is, and the others projected."""
        primary, others = gradients[0], gradients[1:]
        if self.mean is None or self.mean.shape != primary.shape:
            self.mean = primary.clone()
        else:
            self.mean.mul_(self.memory).add_(primary, alpha=1 - self.memory)
        square = self.mean @ self.mean
        if square > 0:
            others.sub_(((others @ self.mean) / square).unsqueeze(1) * self.mean)
        return gradients

    def state_dict(self) -> dict[str, Tensor]:
        """Return the mean."""
        return {} if self.mean is None else {"mean": self.mean}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over the mean."""
        self.mean = state["mean"].clone() if "mean" in state else None
