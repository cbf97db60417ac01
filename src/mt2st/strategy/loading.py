"""Strategies from names and saved states."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Self

from mt2st.errors import InputError, listed, suggestion
from mt2st.strategy.base import Strategy

PAPER_STRATEGIES = ("single-task", "multi-task", "diminish", "switch")
"""The paper's four strategies."""


def known_strategies() -> dict[str, type[Strategy]]:
    """Return all strategies that have been defined so far, by name: the paper's four, the package's others, your own.

    Example:
        >>> known_strategies()["switch"].__name__
        'Switch'
    """
    names = dict.fromkeys((*PAPER_STRATEGIES, *Strategy._registered))
    return {name: Strategy._registered[name] for name in names if not inspect.isabstract(Strategy._registered[name])}


def load_strategy(
    state: Mapping[str, Any], strategies: Iterable[type[Strategy]] = (), *, may_be_unknown: bool = False
) -> Strategy:
    """Return a new strategy as `Strategy.state_dict` describes it.

    A state never causes an import. A strategy of your own must have been defined before, or be handed over.

    Args:
        state: of `Strategy.state_dict`.
        strategies: further classes to choose from. They come before registered ones of the same name.
        may_be_unknown: return a strategy that keeps the state, but trains nothing, if its class is unknown. A model can
            predict with it.

    Raises:
        InputError: if the strategy is unknown, or its settings do not fit.

    Example:
        >>> from mt2st.strategy import Switch
        >>> load_strategy(Switch(at=3, auxiliaries=["context"]).state_dict())
        Switch(at=3)
    """
    known = known_strategies() | {each.name: each for each in strategies}
    name = state.get("strategy")
    if name not in known:
        if may_be_unknown and isinstance(name, str):
            return _Unknown(state)
        raise InputError(
            f"unknown strategy {name!r}.{suggestion(str(name), known)} Known: {listed(known)}. Import the module that "
            "defines a strategy of your own first, or hand its class over: strategies=[...]"
        )
    return known[name].from_state_dict(state)


def as_strategy(value: str | Strategy) -> Strategy:
    """Return a strategy as it is, or make one by its name with default settings.

    Raises:
        InputError: if the name is unknown, or the value is neither a name nor a strategy.

    Example:
        >>> as_strategy("switch")
        Switch()
    """
    if isinstance(value, Strategy):
        return value
    known = known_strategies()
    if isinstance(value, type) and issubclass(value, Strategy):
        raise InputError(f"a strategy is an object, found the class {value.__name__}: write {value.__name__}()")
    if not isinstance(value, str):
        raise InputError(f"a strategy is a name or a Strategy, found {value!r}")
    if value not in known:
        raise InputError(f"unknown strategy '{value}'.{suggestion(value, known)} Known: {listed(known)}")
    try:
        return known[value]()
    except TypeError as error:
        raise InputError(f"the strategy '{value}' needs settings ({error}): give an object") from error


class _Unknown(Strategy):
    """A saved strategy whose class is not defined in this process."""

    def __init__(self, state: Mapping[str, Any], *, auxiliaries: Iterable[str] | None = None) -> None:
        self.state = dict(state)
        super().__init__(auxiliaries)

    def weight_of(self, task: str, t: int) -> float:  # noqa: ARG002
        raise self._error()

    def bind(self, auxiliaries: Iterable[str]) -> Self:  # noqa: ARG002
        raise self._error()

    def state_dict(self) -> dict[str, Any]:
        return dict(self.state)

    def _error(self) -> InputError:
        return InputError(
            f"the strategy '{self.state['strategy']}' cannot train here, as its class is not defined: import its "
            "module before you load the model, or hand the class over: load(..., strategies=[...])"
        )
