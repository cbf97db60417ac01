"""Memory: what a training of word vectors takes, what is available, and how pages of mapped files are released."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.settings import CHUNK_WORDS, LARGEST_BLOCK, WordVectorSettings
from mt2st.embedding.subword_vectors import SubwordVectors
from mt2st.embedding.subwords import WORDS_AT_ONCE, SubwordSettings
from mt2st.embedding.word_vectors import WordVectors
from mt2st.errors import InputError

MEGABYTE = 1 << 20

_PROC, _CONTROL_GROUPS = Path("/proc"), Path("/sys/fs/cgroup")

# Limit, use, and the entries of memory.stat that count what is only a cache of files: versions 1 and 2.
_VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_inactive_file", "total_active_file"))
_VERSION_2 = ("memory.max", "memory.current", ("inactive_file", "active_file"))


def available_memory(*, proc: Path = _PROC, control_groups: Path = _CONTROL_GROUPS) -> int | None:
    """Return the bytes that this process can still take without swapping or being killed; None if unknown.

    The minimum of the machine's available memory and what the limits of the process's control groups (containers,
    batch systems) leave. Cached file contents count as free.
    """
    lines = (line.partition(":") for line in _read(proc / "meminfo").splitlines())
    bounds = [1024 * int(value.split()[0]) for name, _, value in lines if name == "MemAvailable"]
    bounds += _of_control_groups(proc / "self" / "cgroup", control_groups)
    return max(0, min(bounds)) if bounds else None


def check_available(needed: int, what: str, advice: str) -> None:
    """Raise `InputError` if less memory is available than the bytes needed; check before the work, not after.

    ``what``, which needs it, starts the sentence; ``advice`` ends it.
    """
    available = available_memory()
    if available is not None and needed > available:
        raise InputError(
            f"{what} takes {megabytes(needed)} of memory, and {megabytes(available)} are available: {advice}"
        )


def megabytes(size: int) -> str:
    """Return a number of bytes for people.

    Example:
        >>> megabytes(3_500_000_000), megabytes(1)
        ('3,338 MB', '1 MB')
    """
    return f"{-(-size // MEGABYTE):,} MB"


def give_back(array: NDArray[Any], start: int, stop: int) -> None:
    """Release the pages of ``array[start:stop]`` if it is mapped read-only from a file; reading brings them back.

    The system would do so when memory gets short; until then they count as this process's memory. An array that is not
    mapped does not change.
    """
    mapping: object = array
    while mapping is not None and not isinstance(mapping, mmap.mmap):
        mapping = getattr(mapping, "base", None)
    if mapping is None or not hasattr(mmap, "MADV_DONTNEED"):
        return
    whole = np.frombuffer(mapping, dtype=np.uint8)
    if whole.flags.writeable:  # a private copy of the file may hold what is nowhere else
        return
    begin = array.ctypes.data - whole.ctypes.data
    # The pages at both ends hold values of the neighbours too.
    first = -(-(begin + start * array.itemsize) // mmap.PAGESIZE) * mmap.PAGESIZE
    last = min(begin + stop * array.itemsize, whole.size) // mmap.PAGESIZE * mmap.PAGESIZE
    if first < last:
        mapping.madvise(mmap.MADV_DONTNEED, first, last - first)


def _of_control_groups(membership: Path, mounted: Path) -> Iterator[int]:
    for line in _read(membership).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root, names = (mounted / "memory", _VERSION_1) if controllers else (mounted, _VERSION_2)
        # A limit binds all groups below it. In a container the process may see its own group as the root.
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            yield from _left(folder, *names)
            if folder == root:
                break


def _left(folder: Path, limit: str, used: str, caches: tuple[str, ...]) -> Iterator[int]:
    bound, taken = _read(folder / limit).strip(), _read(folder / used).strip()
    if bound.isdigit() and taken.isdigit():  # "max" where there is no limit
        entries = dict(line.split(maxsplit=1) for line in _read(folder / "memory.stat").splitlines() if " " in line)
        yield int(bound) - int(taken) + sum(int(entries.get(name, 0)) for name in caches)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


_FLOAT = 4
WORD_BYTES = 240
"""Of a word: counts, thresholds and noise table (while they are made too), and the result's index."""
_HASHING_BYTES = 100
"""Of an n-gram while its word is hashed, with thousands of others."""
_MOST_TARGETS = 64
"""Noise words and padding of a block or a word, at most."""
_LANES = 16
_PARTS = {"ngrams": "n-grams", "scratch": "kernels", "counting": "co-occurrences", "given": "given vectors"}


@dataclass(frozen=True)
class Footprint:
    """The memory of a training, in addition to the program and a corpus in memory; bytes, at most.

    Attributes:
        tables: input and output vectors. The result is made in their place.
        vocabulary: counts, noise, index.
        ngrams: the rows of each word.
        scratch: scratch memory of the kernels on all threads, and the pages of a mapped corpus that they read.
        counting: GloVe's co-occurrences.
        given: vectors to continue from that nobody else refers to, as far as they exceed the output vectors, which take
            their memory once they are free.
        network: of a model, the layers after the embedding.
        optimizer: of a model, gradients, moments, averages, and the best parameters.
        joining: where several processes train together, what the tables were when they last joined, their momentum, and
            a table on its way.
    """

    tables: int
    vocabulary: int
    ngrams: int = 0
    scratch: int = 0
    counting: int = 0
    given: int = 0
    network: int = 0
    optimizer: int = 0
    joining: int = 0

    @classmethod
    def of(
        cls,
        settings: WordVectorSettings,
        tokens: Sequence[str],
        given: WordVectors | None = None,
        *,
        joined: bool = False,
    ) -> Footprint:
        """Return the memory of a training with these settings, which have the size and n-grams of given vectors.

        ``tokens`` are the vocabulary, specials and given words included; ``given`` the vectors to continue from, if
        they were read for this training or handed over to it; ``joined`` tells that several processes train together.
        """
        rows = 2 * len(tokens) + (settings.ngrams.bucket if settings.has_ngrams else 0)
        tables, outputs = _FLOAT * rows * settings.size, _FLOAT * len(tokens) * settings.size
        return cls(
            tables=tables,
            vocabulary=WORD_BYTES * len(tokens),
            ngrams=ngram_bytes(tokens, settings.ngrams) if settings.has_ngrams else 0,
            scratch=settings.workers * _scratch_bytes(settings.size, settings.window),
            given=max(0, held_by(given) - outputs) if given is not None else 0,
            joining=2 * tables + (tables - outputs) if joined else 0,
        )

    @classmethod
    def of_glove(cls, vocabulary_size: int, vector_size: int, counting: int, given: int = 0) -> Footprint:
        """Return the memory of a training of GloVe whose co-occurrences take ``counting`` bytes."""
        tables = 4 * _FLOAT * vocabulary_size * (vector_size + 1)  # two vectors, two biases, and their sums of squares
        return cls(tables, WORD_BYTES * vocabulary_size, counting=counting, given=given)

    @property
    def total(self) -> int:
        """All of it."""
        return sum(vars(self).values())

    @property
    def parts(self) -> str:
        """Its parts, for people."""
        return ", ".join(f"{_PARTS.get(name, name)} {megabytes(size)}" for name, size in vars(self).items() if size)

    def __str__(self) -> str:
        # Each part is rounded up, and so is their sum, which a reader may check.
        return f"{sum(-(-size // MEGABYTE) for size in vars(self).values()):,} MB ({self.parts})"


def held_by(given: WordVectors) -> int:
    """Return the bytes of vectors, those of their n-grams included."""
    return given.vectors.nbytes + (given.table.nbytes if isinstance(given, SubwordVectors) else 0)


def ngram_bytes(tokens: Sequence[str], ngrams: SubwordSettings) -> int:
    """Return the bytes of the rows of all words' n-grams, at most."""
    # One more than the n-grams: the word's own row.
    longest = ngrams.max_n
    by_length: dict[int, int] = {}
    for token in tokens:
        by_length[len(token)] = by_length.get(len(token), 0) + 1
    rows = sum(
        many * (1 + sum(length + 3 - n for n in range(ngrams.min_n, min(longest, length + 2) + 1)))
        for length, many in by_length.items()
    )
    # int32 rows in parts, whole, and once more for the result; int64 offsets likewise.
    kept = 3 * _FLOAT * rows + 3 * 8 * len(tokens)
    return kept + _HASHING_BYTES * rows * min(WORDS_AT_ONCE, len(tokens)) // len(tokens)


def _scratch_bytes(size: int, window: int) -> int:
    stride = -(-size // _LANES) * _LANES
    span = LARGEST_BLOCK + 2 * window
    copies = _FLOAT * stride * (3 * span + 3 * LARGEST_BLOCK + _MOST_TARGETS)
    scores = 12 * span * (_MOST_TARGETS + 2 * window)
    walk = 20 * max(8192, 4 * window)
    chunk = 2 * CHUNK_WORDS * (_FLOAT + 3 * 8)  # ids, and offsets as they are cut and checked; one more job waits
    return copies + scores + walk + chunk
