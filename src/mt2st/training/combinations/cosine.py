"""The cosine with the primary's gradient as an auxiliary's weight."""

from __future__ import annotations

from torch import Tensor

from mt2st.training.combination import Stateless


class CosineCombination(Stateless):
    r"""Weigh auxiliary gradients by their agreement with the primary's (Du et al. 2018, arXiv 1812.02224).

    .. math:: g_k \leftarrow \max(0, \cos(g_0, g_k)) \, g_k, \quad \text{or, gated,} \quad
              g_k \leftarrow [\cos(g_0, g_k) > 0] \, g_k

    with :math:`g_0` the primary's gradient, which stays as it is: their "weighted" and their "unweighted" version.

    Args:
        gate: the second form.

    Example:
        >>> import torch
        >>> CosineCombination(gate=False).combine(torch.tensor([[2.0, 0.0], [3.0, 4.0], [-1.0, 0.0]]))
        tensor([[2.0000, 0.0000],
                [1.8000, 2.4000],
                [-0.0000, 0.0000]])
    """

    def __init__(self, *, gate: bool) -> None:
        self.gate = gate

    def combine(self, gradients: Tensor) -> Tensor:
        """Return the primary's gradient as it is, and the others weighed."""
        primary, others = gradients[0], gradients[1:]
        cosines = (others @ primary) / (others.norm(dim=1) * primary.norm())
        weights = (cosines > 0).to(cosines) if self.gate else cosines.clamp(min=0)
        others.mul_(weights.unsqueeze(1))
        return gradients
