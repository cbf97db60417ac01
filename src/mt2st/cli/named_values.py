"""Options that are one value for all of a kind, or one for each by its name: ``0.5``, ``analogy=0.3 0.5``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from mt2st.models.transition_rules import OTHERS

ValueT = TypeVar("ValueT")


def parse_named(
    words: Sequence[str], read: Callable[[str], ValueT], *, kind: str, called: str
) -> ValueT | dict[str, ValueT]:
    """Return the value of an option's words; the bare one is that of the others.

    Whether a name is known is not asked here.

    Args:
        words: what the command line gave.
        read: makes a value of a text, or raises ValueError.
        kind: what is named, for the messages: ``"task"``.
        called: what a value is called there: ``"number"``.

    Raises:
        ValueError: no word, one that cannot be read, or a name or the bare value twice; tyro shows the message.

    Example:
        >>> parse_named(["4"], int, kind="task", called="whole number")
        4
        >>> parse_named(["4", "analogy=2"], int, kind="task", called="whole number")
        {'others': 4, 'analogy': 2}
    """
    form = f"{kind.upper()}={called.split()[-1].upper()}"
    if not words:
        raise ValueError(f"give a {called}, or {form} for one or more {kind}s")
    values: dict[str, ValueT] = {}
    for word in words:
        name, equals, value = word.rpartition("=")
        name = name if equals else OTHERS
        if name in values:
            raise ValueError(f"'{word}' gives a second {called} for {name}")
        try:
            values[name] = read(value)
        except ValueError:
            raise ValueError(f"'{word}' is neither a {called} nor {form}") from None
    return values[OTHERS] if set(values) == {OTHERS} else values
