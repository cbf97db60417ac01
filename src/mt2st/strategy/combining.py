"""Baselines that keep every task on and, in place of adding the tasks' gradients, combine them in another way.

A strategy here says which way and with which settings; what is done to the gradients, with the formulas, is in
`mt2st.training.combinations`, since it needs torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mt2st.errors import InputError
from mt2st.strategy.base import PerTask
from mt2st.strategy.multi_task import MultiTask
from mt2st.strategy.parameters import memory_share


class CombiningStrategy(MultiTask):
    """What they share: multi-task learning, whose weights scale the tasks' gradients before these are combined."""


class PCGrad(CombiningStrategy):
    """Take from each gradient what is against another one (Yu et al. 2020): `mt2st.training.combinations.pcgrad`.

    Example:
        >>> PCGrad(0.5, auxiliaries=["tagging"]).weights(3)
        {'tagging': 0.5}
    """


class MGDA(CombiningStrategy):
    """Step along the shortest convex combination of the gradients: `mt2st.training.combinations.mgda`."""


class CAGrad(CombiningStrategy):
    """Step where the worst-off task gains most, near the mean: `mt2st.training.combinations.cagrad`.

    Args:
        weight: as for `CombiningStrategy`.
        radius: how far from the mean gradient the step may lie, as a share of its length, in [0, 1); 0 is the mean.
        auxiliaries: names of the auxiliary tasks.

    Raises:
        InputError: when a parameter is out of its range.
    """

    def __init__(self, weight: PerTask = 1.0, *, radius: float = 0.5, auxiliaries: Iterable[str] | None = None) -> None:
        self.radius = memory_share("radius", radius)
        super().__init__(weight, auxiliaries=auxiliaries)

    def _settings(self) -> dict[str, Any]:
        return super()._settings() | {"radius": self.radius}


class GradientCosine(CombiningStrategy):
    """Weigh an auxiliary's gradient by its cosine with the primary's: `mt2st.training.combinations.cosine`.

    Args:
        weight: as for `CombiningStrategy`.
        gate: let a gradient pass whole where the cosine is above 0, in place of weighing it by the cosine.
        auxiliaries: names of the auxiliary tasks.

    Raises:
        InputError: when a parameter is out of its range.
    """

    def __init__(self, weight: PerTask = 1.0, *, gate: bool = False, auxiliaries: Iterable[str] | None = None) -> None:
        if not isinstance(gate, bool):
            raise InputError(f"gate must be true or false, found {gate!r}")
        self.gate = gate
        super().__init__(weight, auxiliaries=auxiliaries)

    def _settings(self) -> dict[str, Any]:
        return super()._settings() | {"gate": self.gate}


class Bloop(CombiningStrategy):
    """Take from the auxiliaries' gradients what lies along the primary's mean one: `mt2st.training.combinations.bloop`.

    Args:
        weight: as for `CombiningStrategy`.
        memory: share of the primary's mean gradient that a step leaves, in [0, 1); at 0 the mean is the step's own.
        auxiliaries: names of the auxiliary tasks.

    Raises:
        InputError: when a parameter is out of its range.
    """

    def __init__(self, weight: PerTask = 1.0, *, memory: float = 0.9, auxiliaries: Iterable[str] | None = None) -> None:
        self.memory = memory_share("memory", memory)
        super().__init__(weight, auxiliaries=auxiliaries)

    def _settings(self) -> dict[str, Any]:
        return super()._settings() | {"memory": self.memory}
