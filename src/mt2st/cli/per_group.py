"""Options that are one value for all groups of parameters, or one for each: embedding, encoder, heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from mt2st.models.transition_rules import OTHERS, ChoiceByGroup, FactorByGroup, StepsByGroup

ValueT = TypeVar("ValueT")


def parse_groups(words: Sequence[str], read: Callable[[str], ValueT]) -> ValueT | dict[str, ValueT]:
    """Return the value of words like ``0.5`` or ``heads=0.3 0.5``: the bare value is the other groups'.

    Whether a group is known is the settings' to say.

    Args:
        words: what the command line gave.
        read: makes a value of a text.

    Raises:
        ValueError: no word, one that cannot be read, or a group or the bare value twice; tyro shows the message.

    Example:
        >>> parse_groups(["100"], int), parse_groups(["100", "embedding=0"], int)
        (100, {'others': 100, 'embedding': 0})
    """
    if not words:
        raise ValueError("give a value, or GROUP=VALUE for one or more of embedding, encoder, heads")
    values: dict[str, ValueT] = {}
    for word in words:
        group, equals, value = word.rpartition("=")
        group = group if equals else OTHERS
        if group in values:
            raise ValueError(f"'{word}' gives a second value for {group}")
        try:
            values[group] = read(value)
        except ValueError:
            raise ValueError(f"'{word}' is neither a value nor GROUP=VALUE: '{value}' is no {_NAMES[read]}") from None
    return values[OTHERS] if set(values) == {OTHERS} else values


def _choice(word: str) -> str | float:
    """Return a number where the word is one; a word that is no known choice is the settings' to refuse."""
    try:
        return float(word)
    except ValueError:
        return word


_READ: dict[Any, Callable[[str], Any]] = {StepsByGroup: int, FactorByGroup: float, ChoiceByGroup: _choice}
_NAMES: dict[Any, str] = {int: "whole number", float: "number", _choice: "choice"}
_METAVARS = {StepsByGroup: "STEPS", FactorByGroup: "FACTOR", ChoiceByGroup: "{keep,rewarm,drop,FACTOR}"}

GROUPED = ConstructorRegistry()
"""Tells tyro how options of these types are read."""


@GROUPED.primitive_rule
def _grouped(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    read = next((each for kind, each in _READ.items() if info.type == kind), None)
    if read is None:
        return None
    value = next(metavar for kind, metavar in _METAVARS.items() if info.type == kind)
    return PrimitiveConstructorSpec(
        nargs="*",
        metavar=f"{value}|GROUP={value} ...",
        instance_from_str=lambda words: parse_groups(words, read),
        is_instance=lambda value: isinstance(value, int | float | str | dict),
        str_from_instance=_words,
    )


def _words(value: Any) -> list[str]:
    if not isinstance(value, Mapping):
        return [str(value)]
    return [str(each) if group == OTHERS else f"{group}={each}" for group, each in value.items()]
