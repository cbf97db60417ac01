"""Options with one value for all tasks or parameter groups, or one for each: ``0.5``, ``0.5 analogy=0.3``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, get_args, get_origin

from tyro.constructors import PrimitiveConstructorSpec, PrimitiveTypeInfo

from mt2st.cli.options import plain_members
from mt2st.errors import InputError, listed, suggestion
from mt2st.models.groups import OTHERS

ValueT = TypeVar("ValueT")


def parse_named(words: Sequence[str], read: Callable[[str], ValueT], called: str) -> ValueT | dict[str, ValueT]:
    """Return the value of an option's words. The one without a name is that of all others.

    ``read`` makes a value of a word, or raises ValueError; messages call the value as it is ``called``.

    Raises:
        ValueError: no word, one that cannot be read, or a name or the bare value twice. tyro shows the message.

    Example:
        >>> parse_named(["4"], int, "whole number"), parse_named(["4", "analogy=2"], int, "whole number")
        (4, {'others': 4, 'analogy': 2})
    """
    if not words:
        raise ValueError(f"give a {called}, or NAME={called.split()[-1].upper()} for one or more names")
    values: dict[str, ValueT] = {}
    for word in words:
        name, equals, value = word.rpartition("=")
        name = name if equals else OTHERS
        if name in values:
            raise ValueError(f"'{word}' gives a second {called} for {name}")
        try:
            values[name] = read(value)
        except ValueError:
            raise ValueError(f"'{word}' is neither a {called} nor NAME={called.split()[-1].upper()}") from None
    return values[OTHERS] if set(values) == {OTHERS} else values


def named_values(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """Return how tyro reads an option whose type is a union of a value and a dictionary of such values."""
    members = plain_members(info.type)
    if not any(get_origin(member) in (dict, Mapping) for member in members):
        return None
    read, called, metavar = _reader(members)
    return PrimitiveConstructorSpec(
        nargs="*",
        metavar=f"{metavar}|NAME={metavar} ...",
        instance_from_str=lambda words: parse_named(words, read, called),
        is_instance=lambda value: value is None or isinstance(value, int | float | str | Mapping),
        str_from_instance=_words,
    )


def _reader(members: Sequence[Any]) -> tuple[Callable[[str], Any], str, str]:
    """Return a function that reads a value of the union, the value's name in messages, and its name in the help."""
    plain = [member for member in members if get_origin(member) not in (dict, Mapping)]
    choices = [choice for member in plain for choice in get_args(member)]
    if str in plain or choices:  # the settings refuse a word that is no known choice
        return _number_or_word, "choice", "{" + ",".join([*choices, "NUMBER"]) + "}" if choices else "CHOICE"
    return (float, "number", "NUMBER") if float in plain else (int, "whole number", "NUMBER")


def _number_or_word(word: str) -> str | float:
    try:
        return float(word)
    except ValueError:
        return word


def _words(value: Any) -> list[str]:
    if value is None:
        return ["none"]
    named = value if isinstance(value, Mapping) else {OTHERS: value}
    texts = {name: f"{each:g}" if isinstance(each, int | float) else str(each) for name, each in named.items()}
    return [text if name == OTHERS else f"{name}={text}" for name, text in texts.items()]


def of_tasks(
    option: str, value: ValueT | Mapping[str, ValueT], auxiliaries: Iterable[str], default: ValueT
) -> ValueT | dict[str, ValueT]:
    """Return a strategy's parameter from an option's value: one value, or one for each of the auxiliary tasks.

    Tasks that are not named get the value for the others, or the default.
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
