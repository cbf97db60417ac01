"""Texts as a model takes them to predict, and labels as it gives them. Importing this loads numpy alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError
from mt2st.evaluation.classification import THRESHOLD
from mt2st.text.rows import has_lone_surrogate, is_missing

SURROGATE = "holds half of a surrogate pair, which is no character and cannot be saved"
Classes = NDArray[Any]
"""``[n_classes]`` labels of the type that the user gave, sorted: numbers by size, strings by the alphabet."""


def checked_texts(texts: Iterable[str], source: str) -> Iterator[str]:
    """Yield the texts after checking that each is one."""
    check_several(texts, source)
    if isinstance(texts, list) and _all_are_texts(texts):
        yield from texts
        return
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            found = "missing (None or NaN)" if is_missing(text) else f"no text but {text!r:.60}"
            raise InputError(
                f"{source}: number {number}, counted from 0, is {found}. Leave such rows out, or fill them with texts"
            )
        if has_lone_surrogate(text):
            raise InputError(
                f"{source}: number {number}, counted from 0, {SURROGATE}: replace it, such as by "
                f"text.encode(errors='replace').decode()"
            )
        yield text


def _all_are_texts(texts: list[Any]) -> bool:
    try:
        "".join(texts).encode()
    except (TypeError, UnicodeEncodeError):
        return False
    return True


def check_several(values: object, source: str) -> None:
    """Raise `InputError` unless values are a list, a column or something else to iterate over."""
    if isinstance(values, str):
        raise InputError(f"{source}: give a list of texts, found the one text {values[:40]!r}")
    if getattr(values, "ndim", 1) != 1:
        shape = getattr(values, "shape", ())
        raise InputError(f"{source}: give a list or one column, such as frame['text'], found a table of shape {shape}")
    if not isinstance(values, Iterable):
        raise InputError(f"{source}: give a list, found {values!r:.60}")


def labels_above(probabilities: NDArray[np.float32], classes: Classes, *, indicator: bool) -> NDArray[Any]:
    """Return the labels of each text that are at least as likely as not.

    Args:
        probabilities: ``[n_texts, n_classes]``, of each label by itself.
        classes: ``[n_classes]`` labels.
        indicator: return ``[n_texts, n_classes]`` of 0 and 1, not ``[n_texts]`` tuples of labels.
    """
    chosen = probabilities >= THRESHOLD
    if indicator:
        return chosen.astype(np.int64)
    found = np.empty(len(chosen), dtype=object)
    labels = classes.tolist()
    found[:] = [tuple(labels[index] for index in np.flatnonzero(row)) for row in chosen]
    return found
