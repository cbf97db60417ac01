"""CheckConvergence: both of the paper's algorithms end when the primary task's gradient has converged."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from mt2st.errors import InputError


@dataclass
class CheckConvergence:
    """Converged once the mean norm of the primary's gradient stays below a tolerance (Algorithms 1 and 2).

    The norm of one mini-batch is noisy, so it is averaged from one evaluation to the next (an epoch, unless the trainer
    is told to measure more often); ``patience`` such means in a row must be below.

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
        """Take in a mean gradient norm and return whether the primary task has converged."""
        self._below = self._below + 1 if norm < self.tolerance else 0
        return self._below >= self.patience

    def state_dict(self) -> dict[str, int]:
        """Return how many means in a row were below the tolerance."""
        return {"below": self._below}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Restore `state_dict`."""
        self._below = state["below"]
