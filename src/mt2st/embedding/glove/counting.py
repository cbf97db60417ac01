"""Co-occurrence counting in a stated memory: sums in a table, sorted runs on disk, one merge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt2st._settings import Bytes, Share, checked
from mt2st.embedding.glove.sums import Runs, Sums, SumTable, merged
from mt2st.embedding.kernels.glove_counting import DOCUMENT, INVALID, POSITION, USED, WALK_SIZE, count, to_entries
from mt2st.embedding.kernels.sampling import keep_thresholds, start_state
from mt2st.embedding.kernels.windows import checked_slice
from mt2st.embedding.memory import give_back
from mt2st.embedding.settings import GloveWindow
from mt2st.errors import InputError

ENTRY = np.dtype([("row", np.int32), ("column", np.int32), ("value", np.float32)])
"""How often two words co-occur, weighted; 12 bytes."""


@dataclass(frozen=True, eq=False)
class Cooccurrences:
    """The upper triangle of the symmetric matrix of co-occurrences, sorted by row and column; no zeros.

    Attributes:
        entries: `ENTRY` [n] with ``row <= column``, read-only; values are above 0.
        vocabulary_size: rows and columns of the matrix.
        diagonal: entries on the diagonal.
    """

    entries: NDArray[Any]
    vocabulary_size: int
    diagonal: int

    def __len__(self) -> int:
        return int(self.entries.size)

    @property
    def directed(self) -> int:
        """Non-zero entries of the whole matrix: those of one epoch."""
        return 2 * len(self) - self.diagonal


UNIT = 232_792_560
"""A co-occurrence at distance 1, as an integer: the least common multiple of 1 to 22.

Sums of integers are exact in any order, so the result does not depend on the memory. 1/distance is exact up to
distance 22 and right to 1e-6 at 500; a pair may co-occur 4e10 times next to each other.
"""
SAMPLING = 0x5A3B1E
"""The stream of random numbers, of a seed, that subsampling has."""

STEP_WORDS = 1 << 20
"""Words counted between two reports: a fraction of a second."""


@dataclass(frozen=True)
class CountingReport:
    """Progress of the counting: words read, words of the corpus, and sorted runs written to disk."""

    words: int
    total_words: int
    runs: int


def count_cooccurrences(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int64],
    *,
    folder: Path,
    window: GloveWindow = 10,
    sample: Share = 0.0,
    seed: int = 1,
    memory: Bytes = 1 << 30,
    report: Callable[[CountingReport], None] | None = None,
) -> Cooccurrences:
    """Count how often words occur near each other, each time weighted by 1/distance (Pennington et al. 2014, 4.2).

    ``X[i, j]`` is the sum of ``1 / d`` over all places where ``j`` is ``d`` words before or after ``i`` in the same
    document, ``1 <= d <= window``. X is symmetric; only its upper triangle is kept. Words of count 0 (``<pad>``,
    ``<unk>``) and words that ``sample`` removes take **no place**: their neighbours are at distance 1. The published
    program does so with unknown words and has no ``sample``, which Levy, Goldberg and Dagan 2015 ("Improving
    Distributional Similarity with Lessons Learned from Word Embeddings") carry over from word2vec.

    The sums are in a hash table. When it reaches its memory, it is written to disk as a sorted run and emptied; the
    runs are merged at the end. The result is the same to the bit whatever the memory. Disk: at most 32 bytes for each
    pair of each run.

    Args:
        ids: the corpus, int32 [*]; may be memory-mapped.
        offsets: bounds of its documents, int64 [m + 1].
        counts: occurrences of each word, int64 [V].
        folder: existing folder for the temporary files and the result, which is mapped from there.
        window: as in `mt2st.embedding.GloveSettings`.
        sample: likewise.
        seed: likewise.
        memory: bytes for the counting, at least 1, and a few megabytes more.
        report: called about every million words.

    Returns:
        The co-occurrences, mapped from ``folder``; empty if no two words meet.

    Raises:
        InputError: a setting is out of range, an id is outside the vocabulary, or the disk refuses the write.
    """
    checked(count_cooccurrences, window=window, sample=sample, memory=memory)
    ids, offsets = checked_slice(ids, offsets)
    try:
        runs = Runs(folder / "runs.bin")
        table = SumTable(memory, at_least=window)
        keep = keep_thresholds(counts, sample)
        amounts = np.rint(UNIT / np.arange(1, window + 1)).astype(np.int64)
        _count_all(ids, offsets, keep, start_state(seed, SAMPLING)[0], amounts, table, runs, report)
        runs.append(table.drain())
        del table  # its memory is the merge's now
        path = folder / "cooccurrences.bin"
        diagonal = _write_entries(merged(runs, memory), path)
        # An empty file cannot be mapped.
        entries = np.asarray(np.memmap(path, ENTRY, "r")) if path.stat().st_size else np.zeros(0, ENTRY)
        entries.flags.writeable = False
        return Cooccurrences(entries, counts.size, diagonal)
    except OSError as error:
        raise InputError(
            f"the co-occurrences cannot be counted in {folder}: {error.strerror or error}; "
            f"TMPDIR names the folder of temporary files"
        ) from error


def counting_memory(n_words: int, vocabulary_size: int, window: int, memory: int) -> int:
    """Return the bytes that `count_cooccurrences` takes at most: fewer than the bound ``memory`` for a small corpus."""
    pairs = min(n_words * window, vocabulary_size * (vocabulary_size + 1) // 2)
    return min(memory, SumTable.bytes_for(pairs, at_least=window))


def _count_all(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    keep: NDArray[np.uint32],
    seed: np.uint64,
    amounts: NDArray[np.int64],
    table: SumTable,
    runs: Runs,
    report: Callable[[CountingReport], None] | None,
) -> None:
    walk = np.zeros(WALK_SIZE, dtype=np.int64)
    walk[POSITION] = begin = given_back = int(offsets[0])
    end = int(offsets[-1])
    recent = np.zeros(1 << (amounts.size - 1).bit_length(), dtype=np.int32)
    while walk[POSITION] < end:
        stop = min(int(walk[POSITION]) + STEP_WORDS, end)
        while walk[POSITION] < stop:
            count(ids, offsets, keep, seed, amounts, recent, walk, stop, table.keys, table.sums, table.most_used)
            if walk[INVALID]:
                at = int(walk[POSITION])
                raise InputError(
                    f"ids[{at}] (document {int(walk[DOCUMENT])}) must be in [0, {keep.size}), the vocabulary; "
                    f"found {int(ids[at])}"
                )
            give_back(ids, given_back, int(walk[POSITION]))
            given_back = int(walk[POSITION])
            if walk[POSITION] < stop and not table.grow():
                runs.append(table.drain())
                walk[USED] = 0
        if report is not None:
            report(CountingReport(stop - begin, end - begin, len(runs)))


def _write_entries(sums: Iterator[Sums], path: Path) -> int:
    diagonal = 0
    with path.open("wb") as file:
        for keys, amounts in sums:
            entries = np.empty(keys.size, dtype=ENTRY)
            diagonal += to_entries(keys, amounts, float(UNIT), entries)
            entries.tofile(file)
    return diagonal
