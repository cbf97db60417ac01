"""Lists, arrays and columns of data frames as labelled rows, and the classes of a model in the type of its labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mt2st.errors import InputError
from mt2st.models.texts import SURROGATE, Classes, check_several, checked_texts
from mt2st.text import LabelledText, MultiLabelledText, TaggedText
from mt2st.text.rows import check_present, has_lone_surrogate, is_missing

Value = TypeVar("Value")
_SEVERAL = "for several labels per text use MultiLabelClassifier, for labels of words Tagger"


def not_exhausted(texts: Iterable[str], source: str) -> Iterable[str]:
    """Return texts as they are, or an iterator that raises `InputError` if it yields none."""
    return _some(texts, source) if isinstance(texts, Iterator) else texts


def _some(texts: Iterator[str], source: str) -> Iterator[str]:
    empty = True
    for text in texts:
        empty = False
        yield text
    if empty:
        raise InputError(
            f"{source}: the iterator yields no text. It may have been read before, by an earlier fit: give a list, or "
            "an object whose __iter__ begins again"
        )


class Rereadable:
    """Texts that a function reads again for each use, so that they need not be kept in memory."""

    def __init__(self, read: Callable[[], Iterable[str]]) -> None:
        self.read = read

    def __iter__(self) -> Iterator[str]:
        return iter(self.read())


def joined(first: Any, second: Any) -> Any:
    """Return the rows of two parts of the same labelled texts."""
    weights = None
    if first.weights is not None or second.weights is not None:
        weights = [*(first.weights or [1.0] * len(first)), *(second.weights or [1.0] * len(second))]
    return replace(first, texts=[*first.texts, *second.texts], labels=[*first.labels, *second.labels], weights=weights)


def parted(both: Any, first: Any, second: Any) -> tuple[Any, Any]:
    """Return two parts with the weights that `joined` rows of them got."""
    cut = len(first)
    return replace(first, weights=both.weights[:cut]), replace(second, weights=both.weights[cut:])


def rereadable(labels: Any) -> Any:
    """Return labels that can be read twice, as numpy and Python have them.

    Generators become lists, also those inside, and tensors of any library arrays.
    """
    labels = _plain(labels)
    if hasattr(labels, "ndim") or isinstance(labels, str) or not isinstance(labels, Iterable):
        return labels
    return [_plain(list(each) if isinstance(each, Iterator) else each) for each in labels]


def as_indicator(labels: Any) -> Any:
    """Return a list of rows of 0 and 1, all as long, as an indicator matrix, as scikit-learn reads it; all else as is.

    As lists of labels, such rows would give every text the same labels.
    """
    return np.array([list(row) for row in labels]) if isinstance(labels, list) and _are_indicators(labels) else labels


def _plain(value: Any) -> Any:
    """Return a tensor as an array, and an array of no dimension as its value."""
    if isinstance(value, str | int | float):
        return value
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    elif type(value).__module__.partition(".")[0] in ("tensorflow", "jaxlib", "mlx"):
        value = np.asarray(value)
    return value.item() if isinstance(value, np.ndarray) and not value.ndim else value


def _are_indicators(rows: list[Any]) -> bool:
    if not rows or not all(isinstance(row, list | tuple | np.ndarray) for row in rows):
        return False
    numbers = int | float | bool | np.number | np.bool_
    return len(rows[0]) > 1 and all(
        len(row) == len(rows[0]) and all(isinstance(each, numbers) and each in (0, 1) for each in row) for row in rows
    )


def classes_of(labels: Iterable[object], source: str = "the labels") -> Classes:
    """Return the different labels, sorted, in an array of their type.

    Example:
        >>> classes_of(["b", "a", "b"]), classes_of([10, 9]), classes_of([True, False])
        (array(['a', 'b'], dtype='<U1'), array([ 9, 10]), array([False,  True]))
    """
    plain = isinstance(labels, np.ndarray) and labels.dtype != object
    found: Any = np.unique(np.asarray(labels)) if plain else list(labels)
    types = {_type_of(each, source) for each in found}
    if len(types) > 1:
        raise InputError(f"{source}: labels must be of one type, found {' and '.join(sorted(types))}")
    if plain:
        return np.asarray(found)
    classes = sorted(set(found))
    return np.array(classes, dtype=object if isinstance(labels, np.ndarray) else None)


def names_of(classes: Classes) -> tuple[str, ...]:
    """Return the names of classes in files, tables and messages."""
    names = tuple(str(each) for each in classes.tolist())
    if len(set(names)) < len(names):
        raise InputError(f"two classes have the same name: {', '.join(sorted(names))}")
    return names


def labelled_text(
    texts: Iterable[str],
    labels: Iterable[object],
    *,
    source: str,
    classes: Classes | None = None,
) -> LabelledText:
    """Return texts and the names of their labels.

    ``classes`` are those of a fitted model, so that 1.0 has the name of 1.
    """
    names = _names(present(one_column(labels, source), "labels", source), classes)
    labelled = LabelledText(_texts(texts, source), names, source=source)
    if not len(labelled):
        raise InputError(f"{source}: no labelled text; give at least one")
    return labelled


def multi_labelled_text(
    texts: Iterable[str], labels: Iterable[Iterable[object]], *, source: str, classes: Classes | None = None
) -> MultiLabelledText:
    """Return texts and the names of the different labels of each, sorted.

    The labels are a list for each text, or an indicator matrix ``[n_texts, n_classes]``.
    """
    if is_indicator(labels):
        columns = names_of(indicator_classes(labels) if classes is None else classes)
        matrix = dense(labels, source)
        if matrix.shape[1] != len(columns):
            raise InputError(
                f"{source}: the indicator matrix has {matrix.shape[1]:,} columns, and the model "
                f"{len(columns):,} classes: give a column for each class"
            )
        sets = [[columns[at] for at in np.flatnonzero(row)] for row in matrix]
        return MultiLabelledText(_texts(texts, source), [sorted(each) for each in sets], source)
    sets = []
    for each in lists_of(labels, "labels", "text", source):
        sets.append(sorted(set(_names(each, classes))))
    return MultiLabelledText(_texts(texts, source), sets, source)


def tagged_text(
    sentences: Iterable[Sequence[str]],
    tags: Iterable[Sequence[object]],
    *,
    source: str = "the tagged sentences",
    classes: Classes | None = None,
) -> TaggedText:
    """Return sentences and the name of the tag of each of their words."""
    given = present(sentences, "sentences", source)
    names = [_names(each, classes) for each in lists_of(tags, "tags", "sentence", source)]
    return TaggedText(given, names, source)


def normalised_weights(weights: ArrayLike, n_texts: int, source: str) -> list[float]:
    """Return sample weights with the mean 1."""
    try:
        array = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.asarray(weights, dtype=object)
    right = array.dtype != object and array.shape == (n_texts,) and np.isfinite(array).all() and (array >= 0).all()
    if not right or not array.sum():
        raise InputError(
            f"{source}: sample_weight must be {n_texts:,} finite numbers of at least 0, not all weights zero; found "
            + (repr(weights)[:60] if array.dtype == object else f"an array of shape {array.shape}")
        )
    return list((array / array.mean()).tolist())


def is_indicator(labels: object) -> bool:
    """Return whether labels are a matrix of 0 and 1, a column per class: an array, a data frame or a sparse matrix."""
    return getattr(labels, "ndim", 1) == 2


def dense(labels: Any, source: str) -> NDArray[np.bool_]:
    """Return an indicator matrix as an array of booleans.

    Raises:
        InputError: a value is neither 0 nor 1.
    """
    matrix = np.asarray(labels.toarray() if hasattr(labels, "toarray") else labels)
    if matrix.dtype.kind in "biuf":
        right = (matrix == 0) | (matrix == 1)
    else:  # such as pandas' nullable columns
        right = np.array([not is_missing(each) and each in (0, 1) for each in matrix.flat]).reshape(matrix.shape)
    if not right.all():
        row, column = np.argwhere(~right)[0]
        raise InputError(
            f"{source}: an indicator matrix holds 0 and 1 alone, found {matrix[row, column]!r} in row {row}, column "
            f"{column}, counted from 0: make it one by a threshold, or give a list of labels for each text"
        )
    return matrix.astype(np.bool_)


def indicator_classes(labels: Any) -> Classes:
    """Return the classes of an indicator matrix: a data frame's columns, else their numbers."""
    return np.asarray(labels.columns) if hasattr(labels, "columns") else np.arange(labels.shape[1])


def pair(validation: object, source: str = "validation") -> tuple[Any, Any]:
    """Return texts and labels that were given as a tuple or list of two.

    Raises:
        InputError: it is something else.
    """
    if isinstance(validation, tuple | list) and len(validation) == 2:
        return validation[0], validation[1]
    raise InputError(f"{source} must be a share between 0 and 1, or (texts, labels), found {validation!r:.60}")


def _type_of(label: object, source: str) -> str:
    """Return the name of a label's type: numbers have one."""
    value = label.item() if isinstance(label, np.number | np.bool_ | np.str_ | np.bytes_) else label
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "numbers"
    if not isinstance(value, str):
        remedy = "convert the labels, such as by str"
        if isinstance(value, bytes):
            remedy = "decode the labels, such as by label.decode()"
        elif isinstance(label, list | set | np.ndarray):
            remedy = _SEVERAL
        elif isinstance(label, tuple):
            remedy += f"; {_SEVERAL}"
        raise InputError(
            f"{source}: a label must be a string, a number, True or False, found {label!r:.60} of type "
            f"{type(label).__name__}: {remedy}"
        )
    if has_lone_surrogate(value):
        raise InputError(
            f"{source}: the label {value!r} {SURROGATE}: replace it, such as by label.encode(errors='replace').decode()"
        )
    return "strings"


def one_column(labels: Any, source: str) -> Any:
    """Return labels as one column; a matrix of one column is taken with scikit-learn's warning."""
    if getattr(labels, "ndim", 1) == 1:
        return labels
    from sklearn.utils import column_or_1d

    try:
        return column_or_1d(labels, warn=True)
    except (ValueError, TypeError) as error:  # a matrix; a sparse one
        raise InputError(f"{source}: {error} ({_SEVERAL})") from error


def _names(labels: Iterable[object], classes: Classes | None) -> list[str]:
    if classes is None:
        return [str(each.item() if isinstance(each, np.generic) else each) for each in labels]
    known = dict(zip(classes.tolist(), names_of(classes), strict=True))
    return [known.get(each, str(each)) for each in labels]


def lists_of(given: Iterable[Any], what: str, of: str, source: str) -> list[list[object]]:
    """Return the labels of each text, or the tags of each sentence, after checking that none is missing."""
    lists = []
    for number, each in enumerate(present(given, f"lists of {what}", source)):
        place = f"{source}: {of} {number}"
        if isinstance(each, str | bytes | Mapping) or not isinstance(each, Iterable):
            raise InputError(f"{place}: give a list of {what}, found {each!r}")
        lists.append(present(each, what, place))
    return lists


def _texts(texts: Iterable[str], source: str) -> list[str]:
    return list(checked_texts(present(texts, "texts", source), source))


def present(values: Iterable[Value], what: str, source: str) -> list[Value]:
    """Return the values after checking that none is missing."""
    check_several(values, source)
    found = list(values)
    check_present(found, what, source)
    return found
