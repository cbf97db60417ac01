"""When a run ends by itself: the primary's gradient has converged (Algorithms 1 and 2), or its validation has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mt2st.errors import InputError
from mt2st.training.run import Evaluation


@dataclass
class CheckConvergence:
    """Converged once the mean norm of the primary's gradient stays below a tolerance (Algorithms 1 and 2).

    The norm of one mini-batch is noisy, so it is averaged from one evaluation to the next (an epoch, unless the trainer
    is told to measure more often); ``patience`` such means in a row must be below. The trainer asks after the
    transition to single-task training only, where one is to come: the run does not end inside multi-task training.

    Attributes:
        tolerance: the bound on the mean gradient norm, above 0.
        patience: how many means in a row must be below it, at least 1.

    Raises:
        InputError: when a setting is out of its range.

    Example:
        >>> check = CheckConvergence(tolerance=0.1, patience=2)
        >>> [check.converged(norm) for norm in (0.5, 0.05, 0.2, 0.05, 0.05)]
        [False, False, False, False, True]
    """

    tolerance: float = 1e-3
    patience: int = 2
    _below: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.tolerance) and self.tolerance > 0):
            raise InputError(f"tolerance must be a finite number above 0, found {self.tolerance!r}")
        if self.patience < 1:
            raise InputError(f"patience must be at least 1, found {self.patience!r}")

    def converged(self, norm: float) -> bool:
        """Use a mean gradient norm; return whether the primary task has converged."""
        self._below = self._below + 1 if norm < self.tolerance else 0
        return self._below >= self.patience

    def cause(self, evaluation: Evaluation) -> str | None:
        """Use an evaluation; return the reason in words if the training has converged."""
        if math.isnan(evaluation.gradient_norm) or not self.converged(evaluation.gradient_norm):
            return None
        return f"the primary's mean gradient norm stayed below {self.tolerance:g} for {_times(self.patience)}"

    def state_dict(self) -> dict[str, Any]:
        """Return how many means in a row were below the tolerance."""
        return {"below": self._below}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore `state_dict`."""
        self._below = state["below"]


@dataclass
class EarlyStopping:
    """Converged once the primary's validation metric has not improved for some evaluations in a row (early stopping).

    Attributes:
        patience: how many evaluations in a row without an improvement, at least 1.
        minimum_gain: what counts as an improvement, at least 0.
        monitor: the validation metric; less of ``"loss"`` is better, more of every other one.
        earliest: the first epoch that may end the run: give the auxiliary tasks time to go off.

    Raises:
        InputError: when a setting is out of its range.
    """

    patience: int = 3
    minimum_gain: float = 0.0
    monitor: str = "loss"
    earliest: int = 1
    _best: float = field(default=math.inf, repr=False)
    _waited: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        for name, value in (("patience", self.patience), ("earliest", self.earliest)):
            if value < 1:
                raise InputError(f"{name} must be at least 1, found {value!r}")
        if not (math.isfinite(self.minimum_gain) and self.minimum_gain >= 0):
            raise InputError(f"minimum_gain must be a finite number of at least 0, found {self.minimum_gain!r}")

    def cause(self, evaluation: Evaluation) -> str | None:
        """Use an evaluation; return the reason in words if the training has converged."""
        value = evaluation.validation.get(self.monitor, math.nan)
        if math.isnan(value):
            return None
        cost = value if self.monitor == "loss" else -value
        if cost < self._best - self.minimum_gain:
            self._best, self._waited = cost, 0
            return None
        self._waited += 1
        if self._waited < self.patience or evaluation.epoch < self.earliest:
            return None
        best = self._best if self.monitor == "loss" else -self._best
        return f"the validation {self.monitor} has not come past {best:.4g} for {_times(self._waited)}"

    def state_dict(self) -> dict[str, Any]:
        """Return the best measure and how many evaluations lie behind it."""
        return {"best": None if math.isinf(self._best) else self._best, "waited": self._waited}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore `state_dict`."""
        self._best, self._waited = math.inf if state["best"] is None else state["best"], state["waited"]


def _times(evaluations: int) -> str:
    return f"{evaluations} evaluation" + ("" if evaluations == 1 else "s")
