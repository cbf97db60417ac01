"""Strategies to and from plain values, for configuration files, model folders and checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mt2st.errors import InputError, listed, suggestion
from mt2st.strategy.adaptive_diminish import AdaptiveDiminish
from mt2st.strategy.adaptive_switch import AdaptiveSwitch
from mt2st.strategy.base import Strategy
from mt2st.strategy.combining import MGDA, Bloop, CAGrad, GradientCosine, PCGrad
from mt2st.strategy.diminish import Diminish
from mt2st.strategy.dwa import DWA
from mt2st.strategy.multi_task import MultiTask
from mt2st.strategy.pretrain_finetune import PretrainFinetune
from mt2st.strategy.single_task import SingleTask
from mt2st.strategy.switch import Switch
from mt2st.strategy.uncertainty import UncertaintyWeighting

_CLASSES: dict[str, type[Strategy]] = {
    each.__name__: each
    for each in (
        SingleTask,
        MultiTask,
        Diminish,
        Switch,
        AdaptiveDiminish,
        AdaptiveSwitch,
        PretrainFinetune,
        UncertaintyWeighting,
        DWA,
        PCGrad,
        MGDA,
        CAGrad,
        GradientCosine,
        Bloop,
    )
}
_WITHOUT_UNIT = (SingleTask, MultiTask, UncertaintyWeighting, DWA)
"""Their weights do not depend on time, or on one measure of it only, so they take no unit."""


def load_strategy(state: Mapping[str, Any]) -> Strategy:
    """Return the strategy that `Strategy.state_dict` described.

    Raises:
        InputError: when the kind of strategy is unknown or a setting does not fit it.

    Example:
        >>> load_strategy(Switch(at=3, auxiliaries=["context"]).state_dict())
        Switch(at=3, weight=1.0)
    """
    settings = dict(state)
    kind = settings.pop("strategy", None)
    if kind not in _CLASSES:
        raise InputError(f"unknown strategy {kind!r}.{suggestion(str(kind), _CLASSES)} Known: {listed(_CLASSES)}")
    if issubclass(_CLASSES[kind], _WITHOUT_UNIT):
        settings.pop("unit", None)
    learnt = settings.pop("state", None)
    try:
        strategy = _CLASSES[kind](**settings)
        if learnt is not None:
            strategy.load_state(learnt)
    except (TypeError, KeyError, AttributeError) as error:
        raise InputError(f"settings do not fit the strategy {kind}: {error}") from error
    return strategy
