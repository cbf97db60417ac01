"""What people give in Python, lists and columns of data frames, as labelled rows: missing values are refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from mt2st.errors import InputError
from mt2st.text import LabelledText, MultiLabelledText, TaggedText
from mt2st.text.rows import check_present

Value = TypeVar("Value")


def checked_texts(texts: Iterable[str], source: str) -> Iterator[str]:
    """Yield the texts after checking that each is one.

    Raises:
        InputError: it is one text in place of several, or holds something else.
    """
    _check_several(texts, source)
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"{source}: number {number} is no text but {text!r}")
        yield text


def labelled_text(texts: Iterable[str], labels: Iterable[object], *, source: str) -> LabelledText:
    """Return texts and their labels, of any type, as text.

    Raises:
        InputError: a text or label is missing (None or NaN), they are not as many, or there is none.
    """
    names = [str(label) for label in _present(labels, "labels", source)]
    labelled = LabelledText(_texts(texts, source), names, source=source)
    if not len(labelled):
        raise InputError(f"{source}: no labelled text; give at least one")
    return labelled


def multi_labelled_text(texts: Iterable[str], labels: Iterable[Iterable[object]], *, source: str) -> MultiLabelledText:
    """Return texts and the different labels of each, of any type, as sorted text.

    Raises:
        InputError: a text, a list of labels or a label in it is missing (None or NaN), a text has something else than
            a list of labels, or they are not as many.
    """
    sets = []
    for number, each in enumerate(_present(labels, "lists of labels", source)):
        names = _names(each, "labels", f"{source}: text {number}")
        sets.append(sorted(set(names)))
    return MultiLabelledText(_texts(texts, source), sets, source)


def tagged_text(
    sentences: Sequence[Sequence[str]], tags: Iterable[Sequence[object]], *, source: str = "the tagged sentences"
) -> TaggedText:
    """Return sentences and the tag of each of their words, of any type, as text.

    Raises:
        InputError: a sentence, a list of tags or a tag in it is missing (None or NaN), or what `TaggedText` refuses.
    """
    given = _present(sentences, "sentences", source)
    lists = _present(tags, "lists of tags", source)
    names = [_names(each, "tags", f"{source}: sentence {number}") for number, each in enumerate(lists)]
    return TaggedText(given, names, source)


def _names(given: Iterable[object], what: str, place: str) -> list[str]:
    """Return the labels of one text, or the tags of one sentence, as text."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InputError(f"{place}: give a list of {what}, found {given!r}")
    names = list(given)
    check_present(names, what, place)
    return [str(name) for name in names]


def _texts(texts: Iterable[str], source: str) -> list[str]:
    return list(checked_texts(_present(texts, "texts", source), source))


def _present(values: Iterable[Value], what: str, source: str) -> list[Value]:
    """Return the values after checking that none is missing."""
    _check_several(values, source)
    found = list(values)
    check_present(found, what, source)
    return found


def _check_several(values: object, source: str) -> None:
    if isinstance(values, str):
        raise InputError(f"{source}: give a list of texts, found the one text {values[:40]!r}")
