"""Merging sorted runs: the sums of all, in order, whatever the memory and the number of runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mt2st.embedding.glove.counting import Runs, merged

runs_strategy = st.lists(st.dictionaries(st.integers(0, 400), st.integers(1, 10**9), max_size=200), max_size=9)


def written(path: Path, contents: list[dict[int, int]]) -> Runs:
    runs = Runs(path)
    for content in contents:
        keys = np.array(sorted(content), dtype=np.uint64)
        sums = np.array([content[int(key)] for key in keys], dtype=np.int64)
        runs.append((part_keys, part_sums) for part_keys, part_sums in [(keys[:50], sums[:50]), (keys[50:], sums[50:])])
    return runs


@settings(max_examples=50)
@given(runs_strategy, st.sampled_from([1, 3000, 1 << 20]))
def test_every_key_comes_once_in_order_with_its_whole_sum(
    tmp_path_factory: pytest.TempPathFactory, contents: list[dict[int, int]], memory: int
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    runs = written(folder / "runs.bin", contents)
    found = [pair for keys, sums in merged(runs, memory) for pair in zip(keys.tolist(), sums.tolist(), strict=True)]
    expected: Counter[int] = Counter()
    for content in contents:
        expected.update(content)
    assert found == sorted(expected.items())
    assert list(folder.iterdir()) == []


def test_more_runs_than_the_memory_has_room_for_are_merged(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    contents = [dict.fromkeys(rng.integers(0, 1000, 30).tolist(), 1) for _ in range(300)]
    runs = written(tmp_path / "runs.bin", contents)
    total = sum(int(sums.sum()) for _, sums in merged(runs, memory=1))
    assert total == sum(map(len, contents))


def test_a_file_that_vanishes_is_an_error_of_the_disk(tmp_path: Path) -> None:
    runs = written(tmp_path / "runs.bin", [{1: 2}])
    runs.path.unlink()
    with pytest.raises(FileNotFoundError):
        list(merged(runs, 1))
