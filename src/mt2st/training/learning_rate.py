"""Learning rates that adapt: warm-up, less on a plateau, and a choice of what happens at the transition (III-A)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from torch.optim import Optimizer

from mt2st.errors import InputError, listed, suggestion

AtTransition = Literal["keep", "rewarm"] | float
"""``keep`` goes on, ``rewarm`` warms up again, a number multiplies the rate."""


class AdaptiveRate:
    """Multiplies the learning rate of each group of an optimizer by a factor that follows the training.

    ``factor = warm-up * plateau * transition``: the warm-up rises evenly from ``1 / warmup`` to 1 over the first steps;
    the plateau factor is multiplied by ``reduce`` each time the validation measure has not improved for ``patience``
    evaluations; at the transition (the step at which the last auxiliary task goes off) each group does what
    ``at_transition`` says, and the plateau begins anew.

    Args:
        warmup: steps of the warm-up, at least 0.
        patience: evaluations without an improvement that make a plateau; None never reduces.
        reduce: factor at a plateau, in (0, 1).
        minimum: the smallest product of plateau factors, in [0, 1].
        metric: the validation measure; less of ``"loss"`` is better, more of every other one.
        at_transition: what happens at the transition: ``"keep"``, ``"rewarm"`` or a factor of at least 0, one for all
            groups or ``{group: choice}`` by the groups' ``"name"`` (the package's are embedding, encoder and heads).

    Raises:
        InputError: when a value is out of its range.
    """

    def __init__(
        self,
        *,
        warmup: int = 0,
        patience: int | None = None,
        reduce: float = 0.5,
        minimum: float = 0.01,
        metric: str = "loss",
        at_transition: AtTransition | Mapping[str, AtTransition] = "keep",
    ) -> None:
        if isinstance(warmup, bool) or not isinstance(warmup, int) or warmup < 0:
            raise InputError(f"warmup must be a whole number of at least 0, found {warmup!r}")
        if patience is not None and (isinstance(patience, bool) or not isinstance(patience, int) or patience < 1):
            raise InputError(f"patience must be a whole number of at least 1, found {patience!r}")
        if not 0 < reduce < 1:
            raise InputError(f"reduce must be above 0 and below 1, found {reduce!r}")
        if not 0 <= minimum <= 1:
            raise InputError(f"minimum must be between 0 and 1, found {minimum!r}")
        for choice in at_transition.values() if isinstance(at_transition, Mapping) else [at_transition]:
            _check_choice(choice)
        self.warmup, self.patience, self.reduce, self.minimum = warmup, patience, reduce, minimum
        self.metric, self.at_transition = metric, at_transition
        self._bases: dict[str, float] = {}
        self._warm_from: dict[str, int] = {}
        self._changed: dict[str, float] = {}
        self._plateau = 1.0
        self._best, self._waited = math.inf, 0

    def bind(self, optimizer: Optimizer) -> None:
        """Learn the optimizer's groups and their own rates.

        Raises:
            InputError: when ``at_transition`` names a group that the optimizer does not have.
        """
        names = [_name(group, number) for number, group in enumerate(optimizer.param_groups)]
        if isinstance(self.at_transition, Mapping):
            for name in self.at_transition:
                if name not in names:
                    raise InputError(
                        f"at_transition names the unknown group '{name}'.{suggestion(name, names)} "
                        f"The groups are: {listed(names)}"
                    )
        self._bases = {_name(group, number): group["lr"] for number, group in enumerate(optimizer.param_groups)}

    def apply(self, optimizer: Optimizer, step: int) -> None:
        """Set the rates of a step, counted from 1."""
        for number, group in enumerate(optimizer.param_groups):
            name = _name(group, number)
            group["lr"] = self._bases[name] * self.factor(name, step)

    def factor(self, group: str, step: int) -> float:
        """Return the factor of a group at a step, counted from 1."""
        since = step - self._warm_from.get(group, 0)
        warm = min(1.0, since / self.warmup) if self.warmup else 1.0
        return warm * self._plateau * self._changed.get(group, 1.0)

    def transition(self, step: int) -> None:
        """The last auxiliary task goes off before this step."""
        for name in self._bases:
            choice = self.at_transition
            if isinstance(choice, Mapping):
                choice = choice.get(name, "keep")
            if choice == "rewarm":
                self._warm_from[name] = step - 1
            elif choice != "keep":
                self._changed[name] = self._changed.get(name, 1.0) * float(choice)
        self._best, self._waited = math.inf, 0

    def observe(self, metrics: Mapping[str, float]) -> None:
        """Take in an evaluation."""
        value = metrics.get(self.metric, math.nan)
        if self.patience is None or math.isnan(value):
            return
        cost = value if self.metric == "loss" else -value
        if cost < self._best:
            self._best, self._waited = cost, 0
            return
        self._waited += 1
        if self._waited >= self.patience:
            self._plateau, self._waited = max(self.minimum, self._plateau * self.reduce), 0

    def state_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "bases": self._bases,
            "warm_from": self._warm_from,
            "changed": self._changed,
            "plateau": self._plateau,
            "best": None if math.isinf(self._best) else self._best,
            "waited": self._waited,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self._bases, self._changed = dict(state["bases"]), dict(state["changed"])
        self._warm_from = dict(state["warm_from"])
        self._plateau, self._waited = state["plateau"], state["waited"]
        self._best = math.inf if state["best"] is None else state["best"]


def _name(group: Mapping[str, Any], number: int) -> str:
    return str(group.get("name", number))


def _check_choice(choice: object) -> None:
    if choice in ("keep", "rewarm"):
        return
    if isinstance(choice, bool) or not isinstance(choice, int | float) or not (math.isfinite(choice) and choice >= 0):
        raise InputError(f"at_transition must be 'keep', 'rewarm' or a finite factor of at least 0, found {choice!r}")
