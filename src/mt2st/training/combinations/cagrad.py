"""CAGrad: near the mean gradient, the step from which the worst-off task gains most."""

from __future__ import annotations

from mt2st.training.combinations.torchjd import WeightedByTorchJD


class CAGradCombination(WeightedByTorchJD):
    r"""Conflict-averse gradient descent (Liu et al. 2021, arXiv 2110.14048, Algorithm 1).

    .. math:: K d, \quad d = \arg\max_d \min_k g_k \cdot d
              \quad \text{with} \quad \lVert d - g_0 \rVert \le c \lVert g_0 \rVert

    with :math:`g_0` the mean of the :math:`K` gradients. Its dual, over weights of the tasks, is solved by TorchJD with
    cvxpy, in float64, some 10 ms a step.

    Args:
        radius: :math:`c`, in [0, 1); at 0 the step is the sum of the gradients.

    Raises:
        MissingExtraError: TorchJD or cvxpy is not installed.
    """

    def __init__(self, radius: float) -> None:
        super().__init__("CAGrad", "CAGradWeighting", c=radius)
