"""PCGrad: each gradient loses what is against another one."""

from __future__ import annotations

import torch
from torch import Tensor

from mt2st.training.combination import Stateless


class PCGradCombination(Stateless):
    r"""Project conflicting gradients (Yu et al. 2020, arXiv 2001.06782, Algorithm 1).

    For each task, :math:`g_i^{PC}` starts as its gradient; for each other task :math:`j` in random order, if
    :math:`g_i^{PC} \cdot g_j < 0`,

    .. math:: g_i^{PC} \leftarrow g_i^{PC} - \frac{g_i^{PC} \cdot g_j}{\lVert g_j \rVert^2} g_j

    The order is drawn from torch's own generator; with two tasks there is none to draw. The sum is that of TorchJD's
    ``PCGrad``, which gives no more than the sum, and a kernel task's own part of it is needed.

    Example:
        >>> PCGradCombination().combine(torch.tensor([[1.0, 0.0], [-1.0, 1.0]]))
        tensor([[0.5000, 0.5000],
                [0.0000, 1.0000]])
    """

    def combine(self, gradients: Tensor) -> Tensor:
        """Return each task's projected gradient."""
        n_tasks = len(gradients)
        gramian = (gradients @ gradients.T).double().cpu()
        shares = torch.eye(n_tasks, dtype=torch.float64)
        for i, share in enumerate(shares):
            for j in torch.randperm(n_tasks).tolist() if n_tasks > 2 else range(n_tasks):
                product = gramian[j] @ share
                if j != i and product < 0:
                    share[j] -= product / gramian[j, j]
        return shares.to(gradients) @ gradients
