"""What the transition to single-task training sets off: learning rates, frozen dimensions, layers (III-A, III-E)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from mt2st.training.freezing import DimensionFreezing
from mt2st.training.learning_rate import LearningRateSchedule


@dataclass(frozen=True)
class FittedHead:
    """The result of a `HeadProbe`: the parameters that were set, and the figures of a `mt2st.training.run.ProbeFit`."""

    parameters: Sequence[Tensor]
    texts: int
    iterations: int
    converged: bool
    operations: float


class HeadProbe(Protocol):
    """Fits the primary's head on the vectors that the module makes at the transition."""

    def __call__(self, module: nn.Module) -> FittedHead:
        """Set the head's parameters in place."""


@dataclass(frozen=True)
class TransitionActions:
    """What happens at the transition: before the first step at which all auxiliary tasks are off, after one was on.

    The `mt2st.training.Trainer` detects the transition and runs the actions once, in the order of the attributes. If
    tasks may come back (``off_is_final = False``), the transition is the `Strategy.transition_time` where ``is_fixed``;
    else the actions never happen.

    Attributes:
        rates: learning rates that follow the training and the transition.
        activate: called with the module, for example to activate layers. Called again when a training goes on from a
            checkpoint behind the transition.
        probe: fits the primary's head (`mt2st.models.linear_probe.LinearProbe`).
        freezing: freezes dimensions of the embedding, from the transition or from a given epoch on.
        keep_after: once the transition has happened, choose the best evaluation among those after it: the parameters
            kept then have what the transition brings, for example an active layer.
    """

    rates: LearningRateSchedule | None = None
    activate: Callable[[nn.Module], None] | None = None
    probe: HeadProbe | None = None
    freezing: DimensionFreezing | None = None
    keep_after: bool = False
