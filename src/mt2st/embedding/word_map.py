"""A map of words: their vectors in two dimensions, drawn by matplotlib (extra ``report``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Method = Literal["pca", "tsne"]
FEWEST = 3
"""Words of a map: two always lie on a line."""
MOST_PERPLEXITY = 30.0
"""t-SNE's usual one; it must be below the number of words."""


def placed(vectors: NDArray[np.float32], method: Method) -> NDArray[np.float64]:
    """Return ``[n, 2]`` places of vectors by their directions, alike in each call.

    Raises:
        InputError: too few vectors, or no such method.
    """
    if len(vectors) < FEWEST:
        raise InputError(f"a map needs {FEWEST} words at least; found {len(vectors)}")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = vectors.astype(np.float64) / np.where(lengths > 0, lengths, 1)
    if method == "pca":
        from sklearn.decomposition import PCA

        found = PCA(2, svd_solver="full").fit_transform(directions)
    elif method == "tsne":
        from sklearn.manifold import TSNE

        perplexity = min(MOST_PERPLEXITY, (len(vectors) - 1) / 3)
        found = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(directions)
    else:
        raise InputError(f"method must be 'pca' or 'tsne'; found {method!r}")
    return np.asarray(found, dtype=np.float64)


def draw_map(words: Sequence[str], places: NDArray[np.float64], axes: Axes | None) -> Axes:
    """Draw each word at its place, into new axes of pyplot if none are given.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
    except ModuleNotFoundError as error:
        raise MissingExtraError("a map of words", "report") from error
    if axes is None:
        _, axes = pyplot.subplots(figsize=(8, 6), layout="constrained")
    axes.scatter(places[:, 0], places[:, 1], s=8)
    for word, place in zip(words, places.tolist(), strict=True):
        axes.annotate(word, place, (2, 2), textcoords="offset points", fontsize=8, parse_math=False)
    axes.set(xticks=[], yticks=[])
    return axes
