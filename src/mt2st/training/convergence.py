"""When a run ends by itself: the primary's gradient has converged (Algorithms 1 and 2), or its validation has."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from mt2st._checkpoint import Stateful
from mt2st.strategy.observation import Plateau, evaluations
from mt2st.strategy.parameters import non_negative, positive, whole
from mt2st.training.run import Evaluation


@dataclass
class CheckConvergence(Stateful):
    """Converged once the mean norm of the primary's gradient stays below a tolerance (Algorithms 1 and 2).

    The norm of one mini-batch is noisy, so it is averaged from one evaluation to the next. ``patience`` such means in a
    row must be below the tolerance. If a transition to single-task training is expected, the trainer only asks after
    it: the run does not end inside multi-task training.

    Attributes:
        tolerance: the bound on the mean gradient norm, above 0.
        patience: number of means in a row that must be below it, at least 1.

    Raises:
        InputError: a setting is out of its range.

    Example:
        >>> check = CheckConvergence(tolerance=0.1, patience=2)
        >>> [check.converged(norm) for norm in (0.5, 0.05, 0.2, 0.05, 0.05)]
        [False, False, False, False, True]
    """

    _state = ("_below",)

    tolerance: float = 1e-3
    patience: int = 2
    _below: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        positive("tolerance", self.tolerance)
        whole("patience", self.patience)

    def converged(self, norm: float) -> bool:
        """Use a mean gradient norm; return whether the primary task has converged."""
        self._below = self._below + 1 if norm < self.tolerance else 0
        return self._below >= self.patience

    def cause(self, evaluation: Evaluation) -> str | None:
        """Use an evaluation; return the reason in words if the training has converged."""
        if math.isnan(evaluation.gradient_norm) or not self.converged(evaluation.gradient_norm):
            return None
        return f"the primary's mean gradient norm stayed below {self.tolerance:g} for {evaluations(self.patience)}"


@dataclass
class EarlyStopping(Stateful):
    """Converged once the primary's validation metric has not improved for some evaluations in a row (early stopping).

    Attributes:
        patience: evaluations in a row without an improvement, at least 1.
        minimum_gain: an improvement is more than this, at least 0.
        monitor: the validation metric; less of ``"loss"`` is better, more of every other one.
        earliest: the first epoch that may end the run: give the auxiliary tasks time to go off.

    Raises:
        InputError: a setting is out of its range.
    """

    _state = ("_plateau",)

    patience: int = 3
    minimum_gain: float = 0.0
    monitor: str = "loss"
    earliest: int = 1
    _plateau: Plateau = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        whole("patience", self.patience)
        whole("earliest", self.earliest)
        self._plateau = Plateau(self.monitor, non_negative("minimum_gain", self.minimum_gain))

    def cause(self, evaluation: Evaluation) -> str | None:
        """Use an evaluation; return the reason in words if the training has converged."""
        plateau = self._plateau
        if not plateau.update(evaluation.validation):
            return None
        if plateau.waited < self.patience or evaluation.epoch < self.earliest:
            return None
        return f"the validation {self.monitor} has not come past {plateau.best:.4g} for {evaluations(plateau.waited)}"
