"""The way to TorchJD (extra ``baselines``): weights of the tasks from the inner products of their gradients."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mt2st.errors import MissingExtraError
from mt2st.training.combination import Stateless


class WeightedByTorchJD(Stateless):
    """Multiply each gradient with the weight that one of TorchJD's weightings gives it.

    The weights of both methods that come from there are those of a mean. They are multiplied by the number of tasks, so
    that equal weights make what adding the gradients makes.

    Args:
        strategy: what needs TorchJD, for the message.
        weighting: the name of the weighting in ``torchjd.aggregation``.
        settings: the weighting's.

    Raises:
        MissingExtraError: TorchJD, or a package that it needs for this weighting, is not installed.
    """

    def __init__(self, strategy: str, weighting: str, **settings: float) -> None:
        try:
            from torchjd import aggregation

            self._weighting: Any = getattr(aggregation, weighting)(**settings)
        except ImportError as error:
            raise MissingExtraError(f"the strategy {strategy}", "baselines") from error

    def combine(self, gradients: Tensor) -> Tensor:
        """Return the weighted gradients."""
        weights: Tensor = len(gradients) * self._weighting(gradients @ gradients.T)
        return gradients.mul_(weights.unsqueeze(1))
