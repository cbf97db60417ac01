"""Options that are one number for all auxiliary tasks, or one for each by its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from tyro.constructors import PrimitiveConstructorSpec

from mt2st.errors import InputError, listed, suggestion

OTHERS = "others"
"""In a mapping, stands for the tasks that it does not name."""
Numbers = float | dict[str, float]


def parse_numbers(words: Sequence[str]) -> Numbers:
    """Return the value of words like ``0.5`` or ``analogy=0.3 context=0.5``, or both: the bare number is the others'.

    Raises:
        ValueError: a word that is neither, or a task or the bare number twice; tyro shows the message.

    Example:
        >>> parse_numbers(["0.5"]), parse_numbers(["0.5", "analogy=0.3"])
        (0.5, {'others': 0.5, 'analogy': 0.3})
    """
    if not words:
        raise ValueError("give a number, or TASK=NUMBER for one or more tasks")
    numbers: dict[str, float] = {}
    for word in words:
        task, equals, value = word.rpartition("=")
        task = task if equals else OTHERS
        if task in numbers:
            raise ValueError(f"'{word}' gives a second number for {task}")
        try:
            numbers[task] = float(value)
        except ValueError:
            raise ValueError(f"'{word}' is neither a number nor TASK=NUMBER") from None
    return numbers[OTHERS] if set(numbers) == {OTHERS} else numbers


def of_tasks(option: str, value: Numbers, auxiliaries: Iterable[str], default: float) -> float | dict[str, float]:
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


def _words(value: Numbers | None) -> list[str]:
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

PerTask = Annotated[Numbers, _SPEC]
OptionalPerTask = Annotated[Numbers | None, _SPEC]
