"""TorchJD's aggregators as the combination of gradients in `mt2st.Trainer` (extra ``baselines``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mt2st.errors import InputError, MissingExtraError, listed, suggestion
from mt2st.strategy import CombiningStrategy
from mt2st.strategy.base import PerTask

try:
    import torch
    from torchjd import aggregation
except ImportError as error:
    raise MissingExtraError("TorchJD's aggregators", "baselines") from error


class TorchJD(CombiningStrategy):
    """Combine the tasks' gradients by an aggregator of TorchJD (Quinton and Rey 2024, arXiv 2406.16232).

    The update of the shared parameters is the aggregator's, of the matrix of gradients, the primary's first: as
    ``torchjd.autojac.mtl_backward`` and ``jac_to_grad`` give it. Most aggregators return a mean, which is as many times
    smaller than a sum as there are tasks. All tasks stay on; heads keep their own gradients.

    Where an aggregator weighs the gradients, each task's part is known. Else all counts as the primary's, and kernel
    tasks such as word context keep their learning rate but lose their own step.

    Args:
        aggregator: name of the class in ``torchjd.aggregation``.
        arguments: of its constructor, as plain values; lists become tensors.
        weight: weight of the auxiliary tasks, at least 0. One number or ``{task: weight}``.
        auxiliaries: names of the auxiliary tasks.

    Raises:
        InputError: TorchJD has no such aggregator, it does not take these arguments, or it has a state of its own, with
            which a training could not go on from a checkpoint.

    Example:
        >>> strategy = TorchJD("AlignedMTL")
        >>> gradients = [torch.tensor([-4.0, 1.0, 1.0]), torch.tensor([6.0, 1.0, 1.0])]
        >>> sum(strategy.combine(gradients, ["primary", "tagging"]))
        tensor([0.2133, 0.9673, 0.9673])
    """

    name = "torchjd"

    def __init__(
        self,
        aggregator: str,
        arguments: Mapping[str, Any] | None = None,
        weight: PerTask = 1.0,
        *,
        auxiliaries: Iterable[str] | None = None,
    ) -> None:
        self.aggregator, self.arguments = aggregator, dict(arguments or {})
        self._aggregate = _made(self.aggregator, self.arguments)
        super().__init__(weight, auxiliaries=auxiliaries)

    def combine(self, gradients: Sequence[Any], names: Sequence[str]) -> list[Any]:  # noqa: ARG002
        """Return each task's part of the aggregator's update."""
        matrix = torch.stack(list(gradients))
        if isinstance(self._aggregate, aggregation.WeightedAggregator):
            weights = self._aggregate.weighting(matrix)
            return [weight * gradient for weight, gradient in zip(weights, gradients, strict=True)]
        whole = self._aggregate(matrix)
        return [whole, *(torch.zeros_like(each) for each in gradients[1:])]


def _made(name: str, arguments: Mapping[str, Any]) -> aggregation.Aggregator:
    bases = (aggregation.Aggregator, aggregation.WeightedAggregator, aggregation.GramianWeightedAggregator)
    known = {
        each.__name__: each
        for each in vars(aggregation).values()
        if isinstance(each, type) and issubclass(each, aggregation.Aggregator) and each not in bases
    }
    if name not in known:
        raise InputError(f"TorchJD has no aggregator '{name}'.{suggestion(name, known)} It has: {listed(known)}")
    try:
        tensors = {key: torch.tensor(each) if isinstance(each, list) else each for key, each in arguments.items()}
        aggregator = known[name](**tensors)
    except (TypeError, ValueError) as error:
        raise InputError(f"TorchJD's {name} does not take {dict(arguments)!r}: {error}") from error
    except ImportError as error:  # TorchJD's own, which says what to install
        raise InputError(str(error)) from error
    if hasattr(aggregator, "reset"):
        raise InputError(
            f"TorchJD's {name} keeps a state that no checkpoint could have: choose an aggregator without one"
        )
    return aggregator
