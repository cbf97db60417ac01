"""Counting: the dense sums by brute force, whatever the memory."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mt2st.embedding.glove import counting
from mt2st.embedding.glove.counting import (
    BYTES_PER_SLOT,
    SAMPLING,
    UNIT,
    Cooccurrences,
    CountingReport,
    SumTable,
    count_cooccurrences,
    counting_memory,
)
from mt2st.embedding.kernels.sampling import KEEP_ALWAYS, keep_thresholds, next_random, start_state
from mt2st.errors import InputError

WORDS = 12
Documents = list[list[int]]


def counted(
    documents: Documents,
    folder: Path,
    *,
    window: int = 3,
    memory: int = 1 << 20,
    vocabulary: int = WORDS,
    seen: list[CountingReport] | None = None,
    frequent: int = 1,
    sample: float = 0.0,
    seed: int = 1,
) -> Cooccurrences:
    """Count with words 0 and 1 absent; words 2 and 3 are said to be ``frequent``, the others to occur once."""
    ids = np.array([word for document in documents for word in document], dtype=np.int32)
    offsets = np.cumsum([0, *map(len, documents)], dtype=np.int64)
    counts = counts_of(vocabulary, frequent)
    report = seen.append if seen is not None else None
    return count_cooccurrences(
        ids, offsets, counts, folder=folder, window=window, memory=memory, report=report, sample=sample, seed=seed
    )


def counts_of(vocabulary: int, frequent: int) -> NDArray[np.int64]:
    counts = np.ones(vocabulary, dtype=np.int64)
    counts[:2], counts[2:4] = 0, frequent
    return counts


def thinned_out(documents: Documents, sample: float, seed: int, frequent: int) -> Documents:
    """The documents with 0, which is absent, wherever a word is left out: one random number for each position."""
    keep = keep_thresholds(counts_of(WORDS, frequent), sample)
    state = start_state(seed, SAMPLING)
    found = []
    for document in documents:
        bits = [int(next_random(state)) >> 32 for _ in document]
        always = [keep[word] == KEEP_ALWAYS for word in document]
        found.append([w if a or b < keep[w] else 0 for w, a, b in zip(document, always, bits, strict=True)])
    return found


def brute_force(documents: Documents, window: int, vocabulary: int = WORDS) -> dict[tuple[int, int], Fraction]:
    """The whole matrix in exact fractions."""
    sums: dict[tuple[int, int], Fraction] = {}
    for document in documents:
        kept = [word for word in document if word > 1]
        for i, word in enumerate(kept):
            for j, other in enumerate(kept):
                if i != j and abs(i - j) <= window:
                    sums[word, other] = sums.get((word, other), Fraction(0)) + Fraction(1, abs(i - j))
    return sums


def whole_matrix(cooccurrences: Cooccurrences) -> dict[tuple[int, int], float]:
    """Both triangles."""
    upper = {(int(row), int(column)): float(value) for row, column, value in cooccurrences.entries}
    assert len(upper) == len(cooccurrences)
    return upper | {(column, row): value for (row, column), value in upper.items()}


documents_strategy = st.lists(st.lists(st.integers(0, WORDS - 1), max_size=30), max_size=12)


@settings(max_examples=60)
@given(documents_strategy, st.integers(1, 22))
def test_sums_are_those_of_the_definition(
    tmp_path_factory: pytest.TempPathFactory, documents: Documents, window: int
) -> None:
    expected = brute_force(documents, window)
    for memory in (1, 1 << 20):  # many runs, and none but the last
        found = counted(documents, tmp_path_factory.mktemp("count"), window=window, memory=memory)
        # 1/distance is exact up to 22, so all that is rounded is the final float32.
        assert whole_matrix(found) == {pair: float(np.float32(float(total))) for pair, total in expected.items()}
        assert found.directed == len(expected)


@settings(max_examples=40)
@given(documents_strategy, st.sampled_from([0.5, 0.05, 0.003]), st.integers(0, 9), st.sampled_from([1, 1 << 20]))
def test_words_that_are_thinned_out_take_no_place(
    tmp_path_factory: pytest.TempPathFactory, documents: Documents, sample: float, seed: int, memory: int
) -> None:
    folder = tmp_path_factory.mktemp("count")
    found = counted(documents, folder, memory=memory, frequent=500, sample=sample, seed=seed)
    expected = brute_force(thinned_out(documents, sample, seed, 500), 3)
    assert whole_matrix(found) == {pair: float(np.float32(float(total))) for pair, total in expected.items()}


def test_frequent_words_are_kept_as_often_as_word2vec_keeps_them(tmp_path: Path) -> None:
    n, sample, frequent = 40_000, 0.05, 500
    documents = [[2, 4]] * n  # word 2 is frequent, word 4 is never left out
    pairs = {seed: whole_matrix(counted(documents, tmp_path, frequent=frequent, sample=sample, seed=seed))[2, 4]
             for seed in (1, 2)}  # fmt: skip
    threshold = sample * counts_of(WORDS, frequent).sum()
    chance = (np.sqrt(frequent / threshold) + 1) * threshold / frequent
    assert 0.3 < chance < 0.7
    for found in pairs.values():
        assert abs(found / n - chance) < 4 * np.sqrt(chance * (1 - chance) / n)
    assert pairs[1] != pairs[2]


@pytest.mark.parametrize("sample", [-0.1, 1.0])
def test_a_threshold_out_of_its_range_is_refused(sample: float, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sample should be .*, found"):
        counted([[2, 3]], tmp_path, sample=sample)


def random_documents(n: int, vocabulary: int, length: int, seed: int = 0) -> Documents:
    rng = np.random.default_rng(seed)
    return [(rng.zipf(1.3, rng.integers(0, length)) % vocabulary).tolist() for _ in range(n)]


def test_the_result_is_the_same_to_the_bit_whatever_the_memory(tmp_path: Path) -> None:
    documents = random_documents(60, 300, 120)
    results, runs = [], []
    for number, memory in enumerate((1, 10_000, 60_000, 150_000, 1 << 24)):
        folder = tmp_path / str(number)
        folder.mkdir()
        seen: list[CountingReport] = []
        found = counted(documents, folder, window=10, memory=memory, vocabulary=300, seen=seen)
        results.append(found.entries.tobytes())
        runs.append(seen[-1].runs)
        assert [path.name for path in folder.iterdir()] == ["cooccurrences.bin"]
    assert len(set(results)) == 1
    assert runs == sorted(runs, reverse=True)
    assert runs[0] > 100, "more runs than one merge takes"
    assert 1 <= runs[3] < 10
    assert runs[-1] == 0


def test_entries_are_sorted_once_each_in_the_upper_triangle(tmp_path: Path) -> None:
    entries = counted(random_documents(40, 100, 80), tmp_path, memory=5000, vocabulary=100).entries
    rows, columns = entries["row"].astype(np.int64), entries["column"].astype(np.int64)
    assert (rows <= columns).all()
    assert (np.diff(rows * 100 + columns) > 0).all()
    assert (entries["value"] > 0).all()
    assert not entries.flags.writeable


def test_absent_words_take_no_place_and_documents_stay_apart(tmp_path: Path) -> None:
    found = whole_matrix(counted([[2, 1, 0, 3], [4]], tmp_path, window=1))
    assert found == {(2, 3): 1.0, (3, 2): 1.0}


def test_a_word_beside_itself_counts_in_both_directions(tmp_path: Path) -> None:
    found = counted([[5, 5, 6]], tmp_path, window=2)
    assert whole_matrix(found) == {(5, 5): 2.0, (5, 6): 1.5, (6, 5): 1.5}
    assert (found.diagonal, found.directed) == (1, 3)


def test_a_window_beyond_22_is_right_to_six_digits(tmp_path: Path) -> None:
    documents = [list(np.random.default_rng(1).integers(2, WORDS, 300))]
    expected = brute_force(documents, 200)
    found = whole_matrix(counted(documents, tmp_path, window=200))
    assert found.keys() == expected.keys()
    for pair, value in found.items():
        assert value == pytest.approx(float(expected[pair]), rel=1e-6)


def test_the_unit_is_divisible_by_all_distances_to_22() -> None:
    assert all(UNIT % distance == 0 for distance in range(1, 23))


def test_a_document_longer_than_a_step_is_counted_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [list(np.random.default_rng(2).integers(0, WORDS, 500)), [3, 4]]
    whole = counted(documents, tmp_path).entries.tobytes()
    thinned = counted(documents, tmp_path, frequent=99, sample=0.01).entries.tobytes()
    monkeypatch.setattr("mt2st.embedding.glove.counting.STEP_WORDS", 7)
    seen: list[CountingReport] = []
    assert counted(documents, tmp_path, seen=seen).entries.tobytes() == whole
    assert counted(documents, tmp_path, frequent=99, sample=0.01).entries.tobytes() == thinned != whole
    assert [report.words for report in seen] == [*range(7, 502, 7), 502]
    assert {report.total_words for report in seen} == {502}


def test_a_part_of_a_corpus_can_be_counted(tmp_path: Path) -> None:
    ids = np.array([9, 9, 2, 3, 4, 9], dtype=np.int32)
    counts = np.ones(WORDS, dtype=np.int64)
    part = count_cooccurrences(ids, np.array([2, 4, 5]), counts, folder=tmp_path, window=2)
    assert whole_matrix(part) == {(2, 3): 1.0, (3, 2): 1.0}


@pytest.mark.parametrize("documents", [[], [[]], [[0, 1, 0]], [[2], [3], []]])
def test_a_corpus_in_which_no_words_meet_has_no_entries(documents: Documents, tmp_path: Path) -> None:
    found = counted(documents, tmp_path)
    assert (len(found), found.directed) == (0, 0)


@pytest.mark.parametrize("word", [-1, WORDS])
def test_an_id_outside_the_vocabulary_is_named(word: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"ids\[4\] \(document 2\) must be in \[0, {WORDS}\).*found {word}"):
        counted([[2, 3], [], [4, 5, word, 6]], tmp_path)


@pytest.mark.parametrize("window", [0, -1, True, 2.5, 100_001])
def test_a_window_out_of_range_is_refused(window: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="window should be .*, found"):
        counted([[2, 3]], tmp_path, window=window)


def test_a_memory_below_a_byte_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="memory should be greater than or equal to 1, found 0"):
        counted([[2, 3]], tmp_path, memory=0)


def test_a_disk_that_refuses_is_the_users_to_know(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be counted in .*missing.*TMPDIR"):
        counted([[2, 3]], tmp_path / "missing")


def test_the_memory_bound_holds(tmp_path: Path) -> None:
    import tracemalloc

    rng = np.random.default_rng(3)
    ids = rng.integers(0, 2000, 60_000).astype(np.int32)  # some 500,000 pairs, 24 bytes a slot
    offsets, counts = np.array([0, ids.size]), np.ones(2000, dtype=np.int64)
    memory = 4 << 20
    count_cooccurrences(ids[:10], np.array([0, 10]), counts, folder=tmp_path)  # compiled before it is measured
    tracemalloc.start()
    try:
        count_cooccurrences(ids, offsets, counts, folder=tmp_path, memory=memory)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert memory / 2 < peak < memory + (6 << 20)


@pytest.mark.parametrize("documents", [1, 40, 700])
def test_the_memory_of_a_small_corpus_is_bounded_by_its_pairs(
    documents: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table never grows beyond what was told, for few words as for many, and is not told far too large."""
    sizes = []

    class Watched(SumTable):
        def _allocate(self, size: int) -> None:
            sizes.append(size)
            super()._allocate(size)

    monkeypatch.setattr(counting, "SumTable", Watched)
    ids = np.random.default_rng(0).integers(0, 3000, 200 * documents).astype(np.int32)
    offsets, counts = np.arange(documents + 1) * 200, np.bincount(ids, minlength=3000)
    count_cooccurrences(ids, offsets, counts, folder=tmp_path, window=8)
    told = counting_memory(ids.size, 3000, 8, 1 << 30)
    assert BYTES_PER_SLOT * max(sizes) <= told <= 2 * BYTES_PER_SLOT * max(sizes)
    assert counting_memory(ids.size, 3000, 8, 1000) == 1000
