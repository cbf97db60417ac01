"""The figure of the embedding's dimensions: their relevance to the primary task, and which were frozen when."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mt2st.errors import InputError
from mt2st.training.run import Freeze

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FREE = "0.75"
"""Grey of the dimensions that went on learning."""


def plot_frozen_dimensions(freezes: Sequence[Freeze], path: Path | None = None) -> Figure:
    """Draw the relevance of each dimension, sorted, with the frozen ones coloured by the epoch of their freezing.

    Args:
        freezes: of a run: ``run.freezes``, or what `mt2st.training.load_freezes` read. The relevance drawn is that of
            the last freezing.
        path: a file to write the figure to, in the format of its name's end (.png, .svg, .pdf).

    Returns:
        The figure.

    Raises:
        InputError: when nothing was frozen, or the file's name ends with no format that matplotlib writes.

    Example:
        >>> figure = plot_frozen_dimensions([Freeze(epoch=3, step=31, dimensions=[1], relevance=[0.5, 0.1, 0.2])])
        >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        ['learning (2)', 'frozen from epoch 3 (1)']
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    if not freezes:
        raise InputError("no dimension was frozen in this run: there is nothing to draw")
    relevance = freezes[-1].relevance
    order = sorted(range(len(relevance)), key=lambda dimension: relevance[dimension])
    rank = {dimension: number for number, dimension in enumerate(order)}
    frozen = {dimension for freeze in freezes for dimension in freeze.dimensions}
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    axes = figure.subplots()
    free = [dimension for dimension in order if dimension not in frozen]
    axes.bar([rank[each] for each in free], [relevance[each] for each in free], color=FREE, width=1.0,
             label=f"learning ({len(free)})")  # fmt: skip
    colours = colormaps["viridis"]
    for number, freeze in enumerate(freezes):
        axes.bar(
            [rank[each] for each in freeze.dimensions],
            [relevance[each] for each in freeze.dimensions],
            color=colours(0.9 * number / max(1, len(freezes) - 1)),
            width=1.0,
            label=f"frozen from epoch {freeze.epoch} ({len(freeze.dimensions)})",
        )
    axes.set_xlabel("dimensions, by relevance")
    axes.set_ylabel("relevance to the primary task")
    if min(relevance) > 0:
        axes.set_yscale("log")
    axes.legend(frameon=False)
    if path is not None:
        known = figure.canvas.get_supported_filetypes()
        if path.suffix[1:].lower() not in known:
            raise InputError(f"{path}: no format of figures has this name; end it with .png, .svg or .pdf")
        try:
            figure.savefig(path)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from error
    return figure
