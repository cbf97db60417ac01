from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mt2st.errors import InputError
from mt2st.text import LabelledText, read_labelled, split_at_random, split_labelled, split_to_choose_by


def numbered(labels: list[str]) -> LabelledText:
    return LabelledText([str(number) for number in range(len(labels))], labels, source="reviews.csv")


@given(
    sizes=st.lists(st.integers(4, 30), min_size=2, max_size=4), fraction=st.floats(0.3, 0.7), seed=st.integers(0, 99)
)
@settings(max_examples=30, deadline=None)
def test_a_split_is_stratified_ordered_and_loses_nothing(sizes: list[int], fraction: float, seed: int) -> None:
    data = numbered([f"class {k}" for k, size in enumerate(sizes) for _ in range(size)])
    rest, part = split_labelled(data, fraction, seed=seed)
    assert sorted(map(int, rest.texts + part.texts)) == list(range(len(data)))
    assert all(data.labels[int(text)] == label for text, label in zip(part.texts, part.labels, strict=True))
    for side in (rest, part):
        assert list(map(int, side.texts)) == sorted(map(int, side.texts))
    for name, size in Counter(data.labels).items():
        assert abs(part.labels.count(name) - size * len(part) / len(data)) <= 1


def test_the_same_seed_gives_the_same_split_and_another_another() -> None:
    data = numbered(["x", "y"] * 50)
    assert split_labelled(data, 0.3, seed=1) == split_labelled(data, 0.3, seed=1)
    assert split_labelled(data, 0.3, seed=1) != split_labelled(data, 0.3, seed=2)


def test_a_number_of_rows_is_exact() -> None:
    rest, part = split_labelled(numbered(["x", "y"] * 50), 33, seed=1)
    assert (len(rest), len(part)) == (67, 33)


@pytest.mark.parametrize("size", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_fractions_out_of_range_are_refused(size: float) -> None:
    with pytest.raises(InputError, match="strictly between 0 and 1, found"):
        split_labelled(numbered(["x", "y"] * 5), size, seed=1)


@pytest.mark.parametrize("size", [0, 10, -1])
def test_counts_out_of_range_are_refused(size: int) -> None:
    with pytest.raises(InputError, match=f"takes 1 to 9 of these 10 rows, found {size}"):
        split_labelled(numbered(["x", "y"] * 5), size, seed=1)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(InputError, match=f"the seed of a split must be 0 to 4294967295, found {seed}"):
        split_labelled(numbered(["x", "y"] * 5), 0.5, seed=seed)


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="found True"):
        split_labelled(numbered(["x", "y"] * 5), True, seed=1)


def test_a_class_with_one_row_is_named() -> None:
    with pytest.raises(InputError, match="reviews.csv: a split needs two rows of each class, found one only of 'z'"):
        split_labelled(numbered(["x", "x", "y", "y", "z"]), 0.5, seed=1)


@pytest.mark.parametrize(("size", "side"), [(1, "the part split off"), (0.95, "what is left")])
def test_a_side_with_fewer_rows_than_classes_is_refused(size: float, side: str) -> None:
    count = r"(1 row|[02-9] rows)"
    with pytest.raises(InputError, match=rf"leaves {count} for {side}, fewer than its 2 classes \('x', 'y'\)"):
        split_labelled(numbered(["x", "y"] * 5), size, seed=1)


def test_real_reviews_split_evenly(shared_data: Path) -> None:
    data = read_labelled(shared_data / "imdb5k" / "imdb5k.csv.gz", text="review", label="sentiment")
    rest, part = split_labelled(data, 750, seed=42)
    share = Counter(data.labels)["1"] / len(data)
    assert abs(Counter(part.labels)["1"] / 750 - share) < 0.002
    assert len(rest) == 4250


@given(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=40), st.floats(0.05, 0.6), st.integers(0, 5))
def test_a_part_to_choose_by_leaves_each_class_a_row(labels: list[str], fraction: float, seed: int) -> None:
    rows = LabelledText([str(number) for number in range(len(labels))], labels)
    if len(set(labels)) == len(labels):
        with pytest.raises(InputError, match="no row to choose by"):
            split_to_choose_by(rows, fraction, seed=seed)
        return
    rest, part = split_to_choose_by(rows, fraction, seed=seed)
    assert set(rest.labels) == set(labels)
    assert sorted([*rest.texts, *part.texts], key=int) == rows.texts
    assert 1 <= len(part) <= math.ceil(fraction * len(labels))
    again = split_to_choose_by(rows, fraction, seed=seed)[1]
    assert again.texts == part.texts


def test_a_part_to_choose_by_is_stratified_where_it_can_be() -> None:
    rows = LabelledText(list("abcdefgh"), ["x", "y"] * 4)
    assert split_to_choose_by(rows, 0.25, seed=1) == split_labelled(rows, 0.25, seed=1)


@pytest.mark.parametrize("split", [split_labelled, split_to_choose_by, split_at_random])
def test_copies_of_a_text_are_in_one_part(split: Any) -> None:
    rng = np.random.default_rng(1)
    texts = [f"text {number}" for number in rng.integers(100, size=400)]
    rows = LabelledText(texts, ["x" if int(text[5:]) % 3 else "y" for text in texts])
    rest, part = split(rows, 0.25, seed=1)
    assert not set(rest.texts) & set(part.texts)
    assert len(rest) + len(part) == 400
    assert len(set(part.texts)) == math.ceil(0.25 * len(set(texts)))
    assert part == split(rows, 0.25, seed=1)[1]
    if split is not split_to_choose_by:
        assert len(split(rows, 100, seed=1)[1]) == 100, "a number of rows is exact"


def test_a_class_whose_rows_are_one_text_can_still_be_split() -> None:
    rows = LabelledText([*(f"text {number % 60}" for number in range(120)), "odd", "odd"], ["x", "y"] * 60 + ["z"] * 2)
    for rest, part in (split_labelled(rows, 0.25, seed=1), split_to_choose_by(rows, 0.25, seed=1)):
        assert set(rest.labels) == {"x", "y", "z"}
        assert not (set(rest.texts) & set(part.texts)) - {"odd"}
    once = LabelledText([*rows.texts[:120], "text 1"], [*rows.labels[:120], "z"])
    assert "z" in split_to_choose_by(once, 0.5, seed=1)[0].labels


def test_of_a_handful_of_different_texts_copies_are_on_both_sides() -> None:
    rows = LabelledText(["a", "b"] * 20, ["x", "y"] * 20)
    rest, part = split_to_choose_by(rows, 0.25, seed=1)
    assert (len(part), set(rest.texts)) == (10, {"a", "b"})
