"""The exponential average of a network's parameters and buffers over the training steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from mt2st.errors import InputError
from mt2st.strategy.parameters import plain

_HEAD_START = 10
"""After k steps the decay is at most (1 + k) / (10 + k), so the first values fade early."""


class ParameterAverage:
    """``average <- d * average + (1 - d) * parameters`` after each step, with ``d`` rising to the decay.

    With few labels, the last steps of a run scatter around a good point; their average is nearer to it than any of them
    (Polyak and Juditsky 1992; Izmailov et al. 2018, arXiv 1803.05407, for equal weights).

    Args:
        decay: share of the average that a step keeps, in (0, 1): 0.97 averages over about 30 steps.

    Attributes:
        replaced: the network's own values while it has the average (`applied`).

    Raises:
        InputError: a decay outside of its range.
    """

    def __init__(self, decay: float) -> None:
        if not isinstance(number := plain(decay), int | float) or not 0 < number < 1:
            raise InputError(f"the decay of the parameters' average must be above 0 and below 1, found {decay!r}")
        self.decay = float(number)
        self.steps = 0
        self.replaced: dict[str, Tensor] = {}
        self._values: dict[str, Tensor] = {}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Add the parameters and buffers after a step; integers and booleans are not averaged."""
        current = dict(_averaged(network))
        if self.steps == 0:
            self._values = {name: value.clone() for name, value in current.items()}
        else:
            decay = min(self.decay, (1 + self.steps) / (_HEAD_START + self.steps))
            average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
            average([self._values[name] for name in current], list(current.values()), self.steps)
        self.steps += 1

    @contextmanager
    def applied(self, network: nn.Module) -> Iterator[None]:
        """Give the network the average during a block, in the network's own memory; before the first step, nothing."""
        own = {name: each for name, each in _averaged(network) if name in self._values}
        self.replaced = {name: each.clone() for name, each in own.items()}
        try:
            self.copy_to(network)
            yield
        finally:
            with torch.no_grad():
                for name, each in own.items():
                    each.copy_(self.replaced[name])
            self.replaced = {}

    @torch.no_grad()
    def copy_to(self, network: nn.Module) -> None:
        """Copy the average to the network."""
        for name, each in _averaged(network):
            if name in self._values:
                each.copy_(self._values[name])

    def pin(self, name: str, columns: list[int], values: Tensor) -> None:
        """Set columns of a parameter's average to values that will not change any more."""
        if name in self._values:
            self._values[name][:, columns] = values[:, columns].detach()

    def restart(self) -> None:
        """Forget all steps, since parameters have jumped: the next step is the first."""
        self.steps = 0

    def state_dict(self) -> dict[str, Tensor]:
        """Return the average and the number of its steps, as tensors."""
        return {f"value.{name}": value for name, value in self._values.items()} | {"steps": torch.tensor(self.steps)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a `state_dict`."""
        self.steps = int(state["steps"])
        prefix = "value."
        self._values = {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}


def _averaged(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield what is averaged: buffers too, for running means of features go with the parameters that made these.

    Those that are no part of the state stay as they are.
    """
    for name, each in network.state_dict().items():
        if each.is_floating_point():
            yield name, each
