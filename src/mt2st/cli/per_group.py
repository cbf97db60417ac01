"""Options that are one value for all groups of parameters, or one for each: embedding, encoder, heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tyro.constructors import PrimitiveConstructorSpec, PrimitiveTypeInfo

from mt2st.cli.named_values import parse_named
from mt2st.models.transition_rules import OTHERS, ChoiceByGroup, FactorByGroup, StepsByGroup


def _choice(word: str) -> str | float:
    """Return a number where the word is one; a word that is no known choice is the settings' to refuse."""
    try:
        return float(word)
    except ValueError:
        return word


_READ: dict[Any, Callable[[str], Any]] = {StepsByGroup: int, FactorByGroup: float, ChoiceByGroup: _choice}
_NAMES: dict[Any, str] = {int: "whole number", float: "number", _choice: "choice"}
_METAVARS = {StepsByGroup: "STEPS", FactorByGroup: "FACTOR", ChoiceByGroup: "{keep,rewarm,drop,FACTOR}"}


def grouped(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """Return how tyro reads an option of one of these types; None for other types."""
    read = next((each for kind, each in _READ.items() if info.type == kind), None)
    if read is None:
        return None
    value = next(metavar for kind, metavar in _METAVARS.items() if info.type == kind)
    return PrimitiveConstructorSpec(
        nargs="*",
        metavar=f"{value}|GROUP={value} ...",
        instance_from_str=lambda words: parse_named(words, read, kind="group", called=_NAMES[read]),
        is_instance=lambda value: isinstance(value, int | float | str | dict),
        str_from_instance=_words,
    )


def _words(value: Any) -> list[str]:
    if not isinstance(value, Mapping):
        return [str(value)]
    return [str(each) if group == OTHERS else f"{group}={each}" for group, each in value.items()]
