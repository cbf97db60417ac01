from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from mt2st.cli.strategy_options import ALL_STRATEGIES
from mt2st.study.charts import PAGE, known_styles, styles_of

# Machado, Oliveira and Fernandes (2009), severity 1: what an eye without red, green or blue cones sees of linear RGB.
EYES = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(colour: str) -> np.ndarray:
    parts = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    low, high = sorted(float(linear(each) @ [0.2126, 0.7152, 0.0722]) for each in (a, b))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(rgb, 0, 1)
    x, y, z = np.cbrt(xyz / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_every_line_stands_out_from_the_page() -> None:
    for style in known_styles():
        assert contrast(style.colour, PAGE[0]) >= 3
        assert contrast(style.dark, PAGE[1]) >= 3


@pytest.mark.parametrize("eye", EYES)
def test_lines_of_one_figure_differ_to_any_eye_in_colour_or_in_dashes(eye: str) -> None:
    for one, other in combinations(known_styles(), 2):
        for light in (True, False):
            colours = [each.colour if light else each.dark for each in (one, other)]
            seen = [lab(np.array(EYES[eye]) @ linear(each)) for each in colours]
            assert one.dash != other.dash or np.linalg.norm(seen[0] - seen[1]) > 15, (one, other)


def test_all_strategies_together_look_different() -> None:
    styles = styles_of(ALL_STRATEGIES)
    assert len({(style.colour, style.dash) for style in styles.values()}) == len(ALL_STRATEGIES)
    assert len({style.marker for style in styles.values()}) == len(ALL_STRATEGIES)
    assert len({style.marker for style in known_styles()}) == len(known_styles())


def test_a_strategy_looks_the_same_in_every_study() -> None:
    assert styles_of(["switch"])["switch"] == styles_of(["dwa", "switch", "mine"])["switch"]
    assert len(set(styles_of(["a", "b", "c", "d", "switch", "single-task"]).values())) == 6
