"""Texts that two parts of the data share: what is measured on them says little of new texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Part(Protocol):
    """Labelled data of any kind."""

    @property
    def texts(self) -> Sequence[str]:
        """The texts, or the sentences as texts."""
        ...


def shared_texts(part: Part, other: Part) -> int:
    """Return how many texts of a part are also, letter by letter, in another one.

    Example:
        >>> from mt2st.text import LabelledText
        >>> test, train = LabelledText(["a", "b", "a"], ["+", "-", "+"]), LabelledText(["a", "c"], ["+", "-"])
        >>> shared_texts(test, train), shared_texts(train, test)
        (2, 1)
    """
    known = set(other.texts)
    return sum(text in known for text in part.texts)
