"""MGDA: the shortest convex combination of the gradients."""

from __future__ import annotations

from mt2st.training.combinations.torchjd import WeightedByTorchJD


class MGDACombination(WeightedByTorchJD):
    r"""The multiple-gradient descent algorithm (Désidéri 2012; Sener and Koltun 2018, arXiv 1810.04650, Algorithm 2).

    .. math:: K \sum_k \alpha_k g_k, \quad
              \alpha = \arg\min_{\alpha \ge 0, \sum \alpha = 1} \Big\lVert \sum_k \alpha_k g_k \Big\rVert^2

    with :math:`K` the number of tasks. The step lowers every loss, or it is zero: no task can gain without another's
    loss. The task with the short gradient counts most; of orthogonal gradients, in inverse proportion to the squared
    lengths. The weights are found by TorchJD's Frank-Wolfe solver, exact for two tasks.

    Raises:
        MissingExtraError: TorchJD is not installed.
    """

    def __init__(self) -> None:
        super().__init__("MGDA", "MGDAWeighting")
