"""What the transition to single-task training sets off: rates, frozen dimensions, layers (sections III-A and III-E)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn
from torch.optim import Optimizer

from mt2st.training.freezing import DimensionFreezing
from mt2st.training.learning_rate import AdaptiveRate
from mt2st.training.refit import FittedHead
from mt2st.training.run import Freeze


@dataclass
class TransitionEffects:
    """Watches for the transition: the first step at which every auxiliary task is off, after one had been on.

    Attributes:
        rates: adapts the learning rates.
        freezing: freezes dimensions of the embedding.
        on_transition: called once with the network, for instance to activate layers; again where a training goes on
            from after the transition.
        refit: fits the primary's head anew, once, behind ``on_transition``.
        happened: whether the transition lies behind.
    """

    rates: AdaptiveRate | None = None
    freezing: DimensionFreezing | None = None
    on_transition: Callable[[nn.Module], None] | None = None
    refit: Callable[[nn.Module], FittedHead] | None = None
    happened: bool = False
    _was_on: bool = field(default=False, repr=False)
    _refitted: FittedHead | None = field(default=None, repr=False)

    def before_step(
        self,
        network: nn.Module,
        table: nn.Parameter | None,
        optimizer: Optimizer,
        weights: Mapping[str, float],
        *,
        epoch: int,
        step: int,
    ) -> Freeze | None:
        """Do what is due before a step, and return what has just been frozen."""
        on = any(weight > 0 for weight in weights.values())
        if self._was_on and not on and not self.happened:
            self.happened = True
            if self.rates:
                self.rates.transition(step)
            if self.on_transition:
                self.on_transition(network)
            if self.refit:
                self._refitted = self.refit(network)
        self._was_on |= on
        if self.rates:
            self.rates.apply(optimizer, step)
        if self.freezing is None or table is None:
            return None
        new = self.freezing.update(table, epoch=epoch, single_task=self.happened)
        return Freeze(epoch, step, new, self.freezing.relevance.tolist()) if new else None

    def take_refitted(self) -> FittedHead | None:
        """Return the head that has just been fitted anew, once."""
        refitted, self._refitted = self._refitted, None
        return refitted

    def state_dict(self) -> dict[str, Any]:
        """Return plain values and, of the freezing, tensors."""
        return {
            "happened": self.happened,
            "was_on": self._was_on,
            "rates": self.rates.state_dict() if self.rates else {},
            "freezing": self.freezing.state_dict() if self.freezing else {},
        }

    def load_state_dict(self, state: Mapping[str, Any], network: nn.Module) -> None:
        """Go on from a `state_dict`."""
        self.happened, self._was_on = state["happened"], state["was_on"]
        if self.rates and state["rates"]:
            self.rates.load_state_dict(state["rates"])
        if self.freezing and state["freezing"]:
            self.freezing.load_state_dict(state["freezing"])
        if self.happened and self.on_transition:
            self.on_transition(network)
