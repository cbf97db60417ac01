from __future__ import annotations

from pathlib import Path

import pytest

from mt2st.errors import InputError
from mt2st.study.figures import plot_frozen_dimensions
from mt2st.training import Freeze

FREEZES = [Freeze(2, 11, [3], [0.4, 0.2, 0.3, 0.1]), Freeze(3, 21, [1], [0.5, 0.2, 0.3, 0.1])]


def test_the_figure_has_a_bar_a_dimension_by_relevance_and_tells_the_frozen_ones_apart(tmp_path: Path) -> None:
    figure = plot_frozen_dimensions(FREEZES, tmp_path / "figure.png")
    axes = figure.axes[0]
    bars = sorted((round(bar.get_x() + bar.get_width() / 2), bar.get_height()) for bar in axes.patches)  # type: ignore[attr-defined]
    assert bars == [(0, 0.1), (1, 0.2), (2, 0.3), (3, 0.5)]
    legend = axes.get_legend()
    assert legend is not None
    assert [each.get_text() for each in legend.get_texts()] == [
        "learning (2)", "frozen from epoch 2 (1)", "frozen from epoch 3 (1)",
    ]  # fmt: skip
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_a_figure_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="no dimension was frozen"):
        plot_frozen_dimensions([])
