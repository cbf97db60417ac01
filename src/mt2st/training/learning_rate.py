"""Learning rates that adapt: warm-up, less on a plateau, and a choice of what happens at the transition (III-A)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from torch.optim import Optimizer

from mt2st._checkpoint import Stateful
from mt2st.errors import InputError, listed, suggestion
from mt2st.strategy.observation import Plateau
from mt2st.strategy.parameters import by_task, fraction, whole, within

ValueT = TypeVar("ValueT")

AtTransition = str | float
"""``"keep"`` leaves the rate, ``"rewarm"`` warms up again, ``"drop"`` divides it by 10, a number multiplies it."""

KEEP: AtTransition = "keep"
DROP = 0.1
"""Factor of ``"drop"``: the usual one of step decay."""


@dataclass(frozen=True)
class RateChange:
    """A change of learning rates, other than by the warm-up.

    Attributes:
        cause: the reason in words.
        before: the earlier factor of each group that changed, without its warm-up.
        after: the new factor of each group that changed.
        rewarmed: the groups whose warm-up starts again.
        numbers: the values behind the decision.
    """

    cause: str
    before: Mapping[str, float] = field(default_factory=dict)
    after: Mapping[str, float] = field(default_factory=dict)
    rewarmed: Sequence[str] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)


class LearningRateSchedule(Stateful):
    """Multiplies the learning rate of each group of an optimizer by a factor that follows the training.

    ``factor = warm-up * plateau * transition``. The warm-up rises linearly from ``1 / warmup`` to 1 over the first
    steps. The plateau factor is multiplied by ``reduce`` when the validation metric has not improved for ``patience``
    evaluations. At the transition each group follows ``at_transition``, and the count of evaluations starts again.

    Warm-up, plateau factor and choice are one value for all groups, or ``{group: value}`` by the groups' ``"name"``
    (the estimators' groups are embedding, encoder and heads); a rule does not apply to groups that it does not name.

    Args:
        warmup: steps of the warm-up, at least 0.
        patience: evaluations without improvement after which the rate is reduced; None for never.
        reduce: factor at a plateau, in (0, 1]; 1 leaves the rate as it is.
        minimum: the smallest product of plateau factors, in [0, 1].
        monitor: the validation metric; less of ``"loss"`` is better, more of every other one.
        at_transition: what happens at the transition: ``"keep"``, ``"rewarm"``, ``"drop"`` (`DROP`) or a factor of at
            least 0.

    Raises:
        InputError: a value is out of its range.

    Example:
        >>> import torch
        >>> weights = [torch.nn.Parameter(torch.ones(1)) for _ in range(2)]
        >>> optimizer = torch.optim.SGD(
        ...     [{"name": name, "params": [each], "lr": 0.1} for name, each in zip(("embedding", "heads"), weights)]
        ... )
        >>> rate = LearningRateSchedule(warmup={"heads": 4}, at_transition={"embedding": "drop"})
        >>> rate.bind(optimizer)
        >>> [rate.factor("heads", step) for step in (1, 2, 4, 5)]
        [0.25, 0.5, 1.0, 1.0]
        >>> rate.transition(step=6)
        >>> rate.factor("embedding", 6), rate.factor("heads", 6)
        (0.1, 1.0)
    """

    _state = ("_bases", "_warm_from", "_changed", "_reduced", "_plateau")

    def __init__(
        self,
        *,
        warmup: int | Mapping[str, int] = 0,
        patience: int | None = None,
        reduce: float | Mapping[str, float] = 0.5,
        minimum: float = 0.01,
        monitor: str = "loss",
        at_transition: AtTransition | Mapping[str, AtTransition] = "keep",
    ) -> None:
        self.warmup = by_task(partial(whole, least=0), "warmup", warmup)
        self.patience = None if patience is None else whole("patience", patience)
        self.reduce = by_task(fraction, "reduce", reduce)
        self.minimum = within(0, 1)("minimum", minimum)
        for choice in at_transition.values() if isinstance(at_transition, Mapping) else [at_transition]:
            _check_choice(choice)
        self.monitor, self.at_transition = monitor, at_transition
        self._bases: dict[str, float] = {}
        self._warm_from: dict[str, int] = {}
        self._changed: dict[str, float] = {}
        self._reduced: dict[str, float] = {}
        self._plateau = Plateau(monitor)
        self._changes: list[RateChange] = []

    def bind(self, optimizer: Optimizer) -> None:
        """Store the optimizer's groups and their rates.

        Raises:
            InputError: a rule names a group that the optimizer does not have.
        """
        names = [_name(group, number) for number, group in enumerate(optimizer.param_groups)]
        for rule, value in (("warmup", self.warmup), ("reduce", self.reduce), ("at_transition", self.at_transition)):
            for name in value if isinstance(value, Mapping) else ():
                if name not in names:
                    raise InputError(
                        f"{rule} names the unknown group '{name}'.{suggestion(name, names)} "
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
        since, warmup = step - self._warm_from.get(group, 0), _of_group(self.warmup, group, 0)
        warm = min(1.0, since / warmup) if warmup else 1.0
        return warm * self._lasting(group)

    def take_changes(self) -> list[RateChange]:
        """Return the changes since the last call, at plateaus and the transition, in their order."""
        changes, self._changes = self._changes, []
        return changes

    def transition(self, step: int) -> None:
        """Follow the transition, which happens before this step."""
        before, rewarmed = self._all_lasting(), []
        for name in self._bases:
            choice = _of_group(self.at_transition, name, KEEP)
            if choice == "rewarm":
                self._warm_from[name] = step - 1
                rewarmed.append(name)
            elif choice != "keep":
                self._changed[name] = self._changed.get(name, 1.0) * (DROP if choice == "drop" else float(choice))
        self._plateau.restart()
        self._note("the transition to single-task training", before, rewarmed=rewarmed)

    def observe(self, metrics: Mapping[str, float]) -> None:
        """Use an evaluation's metrics."""
        plateau = self._plateau
        if self.patience is None or not plateau.update(metrics) or plateau.waited < self.patience:
            return
        before = self._all_lasting()
        for name in self._bases:
            reduced = self._reduced.get(name, 1.0) * _of_group(self.reduce, name, 1.0)
            self._reduced[name] = max(self.minimum, reduced)
        numbers = {self.monitor: metrics[self.monitor], f"best {self.monitor}": plateau.best, "waited": plateau.waited}
        numbers |= {"patience": self.patience, "minimum": self.minimum}
        self._note(f"a plateau of the validation {self.monitor}", before, numbers=numbers)
        plateau.waited = 0

    def _lasting(self, group: str) -> float:
        return self._reduced.get(group, 1.0) * self._changed.get(group, 1.0)

    def _all_lasting(self) -> dict[str, float]:
        return {name: self._lasting(name) for name in self._bases}

    def _note(
        self,
        cause: str,
        before: Mapping[str, float],
        *,
        rewarmed: Sequence[str] = (),
        numbers: Mapping[str, float] | None = None,
    ) -> None:
        """Remember a change for `take_changes`, unless nothing has changed."""
        after = {name: factor for name, factor in self._all_lasting().items() if factor != before[name]}
        if after or rewarmed:
            changed = {name: before[name] for name in after}
            self._changes.append(RateChange(cause, changed, after, rewarmed, numbers or {}))


def _name(group: Mapping[str, Any], number: int) -> str:
    return str(group.get("name", number))


def _of_group(value: ValueT | Mapping[str, ValueT], group: str, unnamed: ValueT) -> ValueT:
    return value.get(group, unnamed) if isinstance(value, Mapping) else value


def _check_choice(choice: object) -> None:
    if choice in ("keep", "rewarm", "drop"):
        return
    if isinstance(choice, bool) or not isinstance(choice, int | float) or not (math.isfinite(choice) and choice >= 0):
        raise InputError(
            f"at_transition must be 'keep', 'rewarm', 'drop' or a finite factor of at least 0, found {choice!r}"
        )
