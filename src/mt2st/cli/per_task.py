"""Options that are one number for all auxiliary tasks, or one for each by its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, TypeVar

from tyro.constructors import PrimitiveConstructorSpec

from mt2st.cli.named_values import parse_named
from mt2st.errors import InputError, listed, suggestion
from mt2st.models.transition_rules import OTHERS

Numbers = float | dict[str, float]
Times = int | dict[str, int]
NumberT = TypeVar("NumberT", bound=float)


def parse_numbers(words: Sequence[str]) -> Numbers:
    """Return the value of words like ``0.5`` or ``analogy=0.3 context=0.5``, or both: the bare number is the others'.

    Raises:
        ValueError: a word that is neither, or a task or the bare number twice; tyro shows the message.

    Example:
        >>> parse_numbers(["0.5"]), parse_numbers(["0.5", "analogy=0.3"])
        (0.5, {'others': 0.5, 'analogy': 0.3})
    """
    return parse_named(words, float, kind="task", called="number")


def parse_times(words: Sequence[str]) -> Times:
    """Return the value of words as for `parse_numbers`, all of them whole numbers.

    Raises:
        ValueError: as for `parse_numbers`.

    Example:
        >>> parse_times(["4", "analogy=2"])
        {'others': 4, 'analogy': 2}
    """
    return parse_named(words, int, kind="task", called="whole number")


def of_tasks(
    option: str, value: NumberT | Mapping[str, NumberT], auxiliaries: Iterable[str], default: NumberT
) -> NumberT | dict[str, NumberT]:
    """Return a strategy's parameter: a number for each task, with the default for tasks that are not named.

    Args:
        option: what the command line calls it, for the message.
        value: the option's value.
        auxiliaries: names of the tasks.
        default: for tasks that the value does not name, unless it has a number for the others.

    Raises:
        InputError: a task is named that is not among them.
    """
    if not isinstance(value, Mapping):
        return value
    names = tuple(auxiliaries)
    for task in value:
        if task not in (*names, OTHERS):
            raise InputError(
                f"{option} names '{task}', which is not among the auxiliary tasks of this run: "
                f"{listed(names) or 'none'}.{suggestion(task, names)}"
            )
    others = value.get(OTHERS, default)
    return {task: value.get(task, others) for task in names}


def _words(value: float | Mapping[str, float] | None) -> list[str]:
    if value is None:
        return ["none"]
    if not isinstance(value, Mapping):
        return [f"{value:g}"]
    return [f"{number:g}" if task == OTHERS else f"{task}={number:g}" for task, number in value.items()]


_SPEC: PrimitiveConstructorSpec[Numbers | None] = PrimitiveConstructorSpec(
    nargs="*",
    metavar="NUMBER|TASK=NUMBER ...",
    instance_from_str=parse_numbers,
    is_instance=lambda value: value is None or isinstance(value, int | float | dict),
    str_from_instance=_words,
)

_TIMES: PrimitiveConstructorSpec[Times] = PrimitiveConstructorSpec(
    nargs="*",
    metavar="TIME|TASK=TIME ...",
    instance_from_str=parse_times,
    is_instance=lambda value: isinstance(value, int | dict),
    str_from_instance=_words,
)

PerTask = Annotated[Numbers, _SPEC]
TimePerTask = Annotated[Times, _TIMES]
OptionalPerTask = Annotated[Numbers | None, _SPEC]
