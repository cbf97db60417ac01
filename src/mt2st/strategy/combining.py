"""Baselines that combine the tasks' gradients on the shared parameters in another way than by adding them.

`CombiningStrategy.combine` takes the gradients as flat vectors, of NumPy or torch, and uses nothing of them but ``+``,
``-``, ``*`` and ``@``. So the strategies work in any training loop, and nothing here imports torch.
"""

from __future__ import annotations

import math
import random
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from typing import Any

from mt2st.errors import InputError, MissingExtraError
from mt2st.strategy.base import PerTask
from mt2st.strategy.multi_task import MultiTask
from mt2st.strategy.parameters import WEIGHT, WEIGHT_RANGE, Option, Range, Scale, memory_share, whole

Vector = Any
"""A flat gradient: a one-dimensional array of NumPy or tensor of torch."""


class CombiningStrategy(MultiTask):
    """Multi-task learning whose tasks' gradients are combined instead of added.

    All tasks stay on. The weights scale the auxiliary tasks' gradients before these are combined.

    Args:
        weight: weight of the auxiliary tasks, at least 0. One number or ``{task: weight}``.
        auxiliaries: names of the auxiliary tasks.
    """

    style = None

    @abstractmethod
    def combine(self, gradients: Sequence[Vector], names: Sequence[str]) -> list[Vector]:
        """Return a new gradient for each task on the shared parameters. Their sum is the update.

        Args:
            gradients: at least two flat vectors, none of them zero: the primary's first, then the weighted ones of the
                auxiliary tasks that are on. They are not changed.
            names: the tasks' names in the same order.
        """

    def check_requirements(self) -> None:
        """Check that the packages it needs are installed. Call it before a long run.

        Raises:
            MissingExtraError: if one is missing.
        """


class PCGrad(CombiningStrategy):
    r"""Project conflicting gradients (Yu et al. 2020, arXiv 2001.06782, Algorithm 1).

    For each task, :math:`g_i^{PC}` starts as its gradient; for each other task :math:`j` in random order, if
    :math:`g_i^{PC} \cdot g_j < 0`,

    .. math:: g_i^{PC} \leftarrow g_i^{PC} - \frac{g_i^{PC} \cdot g_j}{\lVert g_j \rVert^2} g_j

    With two tasks there is no order to draw. The sum of the results is that of TorchJD's ``PCGrad``; the trainer also
    needs its terms, for kernel tasks.

    Args:
        weight: as for `CombiningStrategy`, as is ``auxiliaries``.
        seed: of the random order, at least 1.

    Example:
        >>> import numpy as np
        >>> combined = PCGrad().combine([np.array([1.0, 0.0]), np.array([-1.0, 1.0])], ["primary", "tagging"])
        >>> [gradient.tolist() for gradient in combined]
        [[0.5, 0.5], [0.0, 1.0]]
    """

    name = "pcgrad"
    learned = ("_steps",)

    def __init__(self, weight: PerTask = 1.0, *, seed: int = 1, auxiliaries: Iterable[str] | None = None) -> None:
        self.seed = whole("seed", seed)
        self._steps = 0
        super().__init__(weight, auxiliaries=auxiliaries)

    def combine(self, gradients: Sequence[Vector], names: Sequence[str]) -> list[Vector]:  # noqa: ARG002
        """Return each task's projected gradient."""
        self._steps += 1
        products = _inner_products(gradients)
        tasks = range(len(gradients))
        orders = random.Random(f"{self.seed} {self._steps}")
        combined = []
        for i in tasks:
            # The projected gradient is a sum of the gradients with these shares, so inner products are all it needs.
            shares = [float(j == i) for j in tasks]
            for j in orders.sample(tasks, len(tasks)):
                product = sum(share * products[j][k] for k, share in enumerate(shares))
                if j != i and product < 0:
                    shares[j] -= product / products[j][j]
            terms = [gradient * share for gradient, share in zip(gradients, shares, strict=True) if share]
            combined.append(reduce(add, terms))
        return combined


class _Weighting(CombiningStrategy):
    """Multiplies each gradient by the weight that TorchJD (extra ``baselines``) computes from their inner products.

    TorchJD's weights are those of a mean. They are multiplied by the number of tasks, so that equal weights give the
    sum of the gradients.
    """

    def combine(self, gradients: Sequence[Vector], names: Sequence[str]) -> list[Vector]:  # noqa: ARG002
        """Return the weighted gradients."""
        import torch

        products = torch.tensor(_inner_products(gradients), dtype=torch.float64)
        weights = self._weighting()(products).tolist()
        return [gradient * (len(gradients) * weight) for gradient, weight in zip(gradients, weights, strict=True)]

    def check_requirements(self) -> None:
        """Check that TorchJD, and cvxpy for CAGrad, are installed."""
        self._weighting()

    @abstractmethod
    def _torchjd(self) -> tuple[str, dict[str, float]]:
        """Return the name of the weighting in ``torchjd.aggregation``, and its settings."""

    def _weighting(self) -> Any:
        name, settings = self._torchjd()
        try:
            from torchjd import aggregation

            return getattr(aggregation, name)(**settings)
        except ImportError as error:
            raise MissingExtraError(f"the strategy {type(self).__name__}", "baselines") from error


class MGDA(_Weighting):
    r"""The multiple-gradient descent algorithm (Désidéri 2012; Sener and Koltun 2018, arXiv 1810.04650, Algorithm 2).

    .. math:: K \sum_k \alpha_k g_k, \quad
              \alpha = \arg\min_{\alpha \ge 0, \sum \alpha = 1} \Bigl\lVert \sum_k \alpha_k g_k \Bigr\rVert^2

    with :math:`K` the number of tasks. The step lowers every loss, or it is zero: then no task can gain without a loss
    to another. The task with the shortest gradient counts most; among orthogonal gradients, in inverse proportion to
    the squared lengths. TorchJD's Frank-Wolfe solver finds the weights, exactly for two tasks.
    """

    def _torchjd(self) -> tuple[str, dict[str, float]]:
        return "MGDAWeighting", {}


class CAGrad(_Weighting):
    r"""Conflict-averse gradient descent (Liu et al. 2021, arXiv 2110.14048, Algorithm 1).

    .. math:: K d, \quad d = \arg\max_d \min_k g_k \cdot d
              \quad \text{with} \quad \lVert d - g_0 \rVert \le c \lVert g_0 \rVert

    with :math:`g_0` the mean of the :math:`K` gradients. TorchJD solves its dual, over weights of the tasks, with cvxpy
    in float64, in about 10 ms a step.

    Args:
        weight: as for `CombiningStrategy`, as is ``auxiliaries``.
        radius: :math:`c`, in [0, 1). At 0 the step is the sum of the gradients.
    """

    name = "cagrad"
    options = (WEIGHT, Option("radius", "--cagrad-radius", "Distance of the step from the mean gradient, relative."))
    search = (WEIGHT_RANGE, Range("radius", 0.1, 0.9))

    def __init__(self, weight: PerTask = 1.0, *, radius: float = 0.5, auxiliaries: Iterable[str] | None = None) -> None:
        self.radius = memory_share("radius", radius)
        super().__init__(weight, auxiliaries=auxiliaries)

    def _torchjd(self) -> tuple[str, dict[str, float]]:
        return "CAGradWeighting", {"c": self.radius}


class GradientCosine(CombiningStrategy):
    r"""Weigh auxiliary gradients by their agreement with the primary's (Du et al. 2018, arXiv 1812.02224).

    .. math:: g_k \leftarrow \max(0, \cos(g_0, g_k)) \, g_k, \quad \text{or, gated,} \quad
              g_k \leftarrow [\cos(g_0, g_k) > 0] \, g_k

    with :math:`g_0` the primary's gradient, which stays as it is: their "weighted" and "unweighted" version.

    Args:
        weight: as for `CombiningStrategy`, as is ``auxiliaries``.
        gate: the second form.

    Example:
        >>> import numpy as np
        >>> gradients = [np.array([2.0, 0.0]), np.array([3.0, 4.0]), np.array([-1.0, 0.0])]
        >>> combined = GradientCosine().combine(gradients, ["primary", "tagging", "context"])
        >>> [gradient.round(1).tolist() for gradient in combined]
        [[2.0, 0.0], [1.8, 2.4], [-0.0, 0.0]]
    """

    options = (WEIGHT, Option("gate", "--cosine-gate", "Keep a gradient whole if its cosine is above 0."))
    search = (WEIGHT_RANGE, Range("gate", 0, 1, Scale.WHETHER, whole=True))

    def __init__(self, weight: PerTask = 1.0, *, gate: bool = False, auxiliaries: Iterable[str] | None = None) -> None:
        if not isinstance(gate, bool):
            raise InputError(f"gate must be true or false, found {gate!r}")
        self.gate = gate
        super().__init__(weight, auxiliaries=auxiliaries)

    def combine(self, gradients: Sequence[Vector], names: Sequence[str]) -> list[Vector]:  # noqa: ARG002
        """Return the primary's gradient as it is, and the others weighed."""
        primary, *others = gradients
        combined = [primary]
        for other in others:
            cosine = float(other @ primary) / (math.sqrt(other @ other) * math.sqrt(primary @ primary))
            combined.append(other * (float(cosine > 0) if self.gate else max(0.0, cosine)))
        return combined


class Bloop(CombiningStrategy):
    r"""Bilevel optimisation with orthogonal projection (Hsieh et al. 2024, arXiv 2402.02998).

    .. math:: m \leftarrow \rho \, m + (1 - \rho) \, g_0, \qquad
              g_k \leftarrow g_k - \frac{g_k \cdot m}{\lVert m \rVert^2} m

    with :math:`g_0` the primary's gradient, which stays as it is, and :math:`m` its running mean, which starts as its
    first value. To first order the auxiliary tasks do not change the primary's loss: they choose among its minima. As
    in the authors' code, the mean includes the step's gradient before the projection. If the number of shared
    parameters changes, the mean starts again.

    Args:
        weight: as for `CombiningStrategy`, as is ``auxiliaries``.
        memory: :math:`\rho`, in [0, 1). At 0 the mean is the step's own gradient.
    """

    options = (WEIGHT, Option("memory", "--bloop-memory", "Share of the primary's mean gradient that a step keeps."))
    search = (WEIGHT_RANGE, Range("memory", 0.5, 0.99))
    learned = ("_mean",)

    def __init__(self, weight: PerTask = 1.0, *, memory: float = 0.9, auxiliaries: Iterable[str] | None = None) -> None:
        self.memory = memory_share("memory", memory)
        self._mean: Vector | None = None
        super().__init__(weight, auxiliaries=auxiliaries)

    def combine(self, gradients: Sequence[Vector], names: Sequence[str]) -> list[Vector]:  # noqa: ARG002
        """Return the primary's gradient as it is, and the others projected."""
        primary, *others = gradients
        if self._mean is None or len(self._mean) != len(primary):
            self._mean = primary * 1.0
        else:
            self._mean = self._mean * self.memory + primary * (1 - self.memory)
        square = float(self._mean @ self._mean)
        if square == 0:
            return list(gradients)
        return [primary, *(other - self._mean * (float(other @ self._mean) / square) for other in others)]


def _inner_products(gradients: Sequence[Vector]) -> list[list[float]]:
    products = [[0.0] * len(gradients) for _ in gradients]
    for i, a in enumerate(gradients):
        for j, b in enumerate(gradients[: i + 1]):
            products[i][j] = products[j][i] = float(a @ b)
    return products
