"""Co-occurrence counting in a stated memory: sums in a hash table, sorted runs on disk when it is full, one merge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt2st._settings import Bytes, Share, checked
from mt2st.embedding.kernels.glove_counting import (
    DOCUMENT,
    EMPTY,
    INVALID,
    POSITION,
    USED,
    WALK_SIZE,
    compact,
    copy_into,
    count,
    to_entries,
)
from mt2st.embedding.kernels.sampling import keep_thresholds, start_state
from mt2st.embedding.kernels.windows import checked_slice
from mt2st.embedding.memory import give_back
from mt2st.embedding.settings import GloveWindow
from mt2st.errors import InputError

RECORD = np.dtype([("key", np.uint64), ("sum", np.int64)])
"""A pair as one number (`kernels.glove_counting`) and its sum."""

_BYTES_PER_RECORD = 96
"""Of what is merged at once, with what is sorted and added up."""
_MOST_AT_ONCE = 1 << 16
"""Records of a run."""

Sums = tuple[NDArray[np.uint64], NDArray[np.int64]]


@dataclass
class Runs:
    """Runs of rising keys one behind the other in a file; ``bounds`` are their starts and the last end, in records."""

    path: Path
    bounds: list[int] = field(default_factory=lambda: [0])

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def append(self, pieces: Iterator[Sums]) -> None:
        """Write a run, given in pieces of rising keys."""
        length = 0
        with self.path.open("ab") as file:
            for keys, sums in pieces:
                records = np.empty(keys.size, dtype=RECORD)
                records["key"], records["sum"] = keys, sums
                records.tofile(file)
                length += keys.size
        self.bounds.append(self.bounds[-1] + length)


def merged(runs: Runs, memory: int) -> Iterator[Sums]:
    """Yield all pairs of all runs in rising order, each once with its whole sum; then remove the runs' file.

    The memory (in bytes) has room for as many records of each run, but for 64 at least: 6 KB a run.
    """
    if not runs.bounds[-1]:
        runs.path.unlink(missing_ok=True)
        return
    records = np.asarray(np.memmap(runs.path, RECORD, "r"))
    all_keys = records["key"]
    most = int(np.clip(memory // (len(runs) * _BYTES_PER_RECORD), 64, _MOST_AT_ONCE))
    at, ends = runs.bounds[:-1], runs.bounds[1:]
    while at != ends:
        # A key is complete up to the least last key of the parts whose runs go on.
        stops = [min(start + most, end) for start, end in zip(at, ends, strict=True)]
        last = min((all_keys[stop - 1] for stop, end in zip(stops, ends, strict=True) if stop < end), default=None)
        if last is not None:
            stops = [
                start + int(all_keys[start:stop].searchsorted(last, side="right"))
                for start, stop in zip(at, stops, strict=True)
            ]
        complete = np.concatenate([records[start:stop] for start, stop in zip(at, stops, strict=True)])
        give_back(records, 0, len(records))
        order = np.argsort(complete["key"], kind="stable")
        keys, sums = complete["key"][order], complete["sum"][order]
        first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        yield keys[first], np.add.reduceat(sums, first)
        at = stops
    del records, all_keys  # a mapped file cannot be removed everywhere
    runs.path.unlink()


BYTES_PER_SLOT = 24
"""16 for key and sum; the rest is for the copy when a table grows twofold, or for sorting a full one."""

_FIRST_SLOTS = 1 << 16
_FULLEST = 0.7
"""Part of the slots in use at most: beyond, the search for a free one gets long."""
_PIECE = 1 << 16


class SumTable:
    """A hash table in two flat arrays, ``keys`` uint64 [S] and ``sums`` int64 [S], that grows.

    It may take ``memory`` bytes, the sorting included, and takes ``at_least`` new pairs at a time, whatever the memory.
    """

    def __init__(self, memory: int, at_least: int) -> None:
        smallest = _smallest(at_least)
        self._largest = min(max(memory // BYTES_PER_SLOT, smallest), 2**32 - 1)
        self._allocate(max(smallest, min(self._largest, _FIRST_SLOTS)))

    @staticmethod
    def least_bytes(at_least: int) -> int:
        """Return the bytes of a table that takes ``at_least`` new pairs at a time, whatever its bound."""
        return BYTES_PER_SLOT * _smallest(at_least)

    @staticmethod
    def bytes_for(pairs: int, at_least: int) -> int:
        """Return the most bytes that a table without a bound would take for a number of pairs."""
        slots = max(_smallest(at_least), _FIRST_SLOTS)
        while _most_used(slots) < pairs + at_least:
            slots *= 2
        return BYTES_PER_SLOT * slots

    @property
    def most_used(self) -> int:
        """Most slots in use."""
        return _most_used(self.keys.size)

    def grow(self) -> bool:
        """Double the table, or as much as the memory allows; return whether it allowed any."""
        size = min(2 * self.keys.size, self._largest)
        if size <= self.keys.size:
            return False
        keys, sums = self.keys, self.sums
        self._allocate(size)
        copy_into(keys, sums, self.keys, self.sums)
        return True

    def drain(self) -> Iterator[Sums]:
        """Yield all pairs in rising order, in pieces, and leave the table empty."""
        used = compact(self.keys, self.sums)
        order = np.argsort(self.keys[:used])
        for start in range(0, used, _PIECE):
            chosen = order[start : start + _PIECE]
            yield self.keys[chosen], self.sums[chosen]
        self.keys.fill(EMPTY)

    def _allocate(self, size: int) -> None:
        self.keys: NDArray[np.uint64] = np.full(size, EMPTY, dtype=np.uint64)
        self.sums: NDArray[np.int64] = np.empty(size, dtype=np.int64)


def _smallest(at_least: int) -> int:
    return int(2 * at_least / _FULLEST) + 1


def _most_used(slots: int) -> int:
    return int(_FULLEST * slots)


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
