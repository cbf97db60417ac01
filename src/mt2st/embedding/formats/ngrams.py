"""Words with the rows of their character n-grams: as a stream, and in the folder that a ``-fasttext`` training writes.

A word's vector is the mean of its own row and the rows of its n-grams (`mt2st.embedding.subwords`). The folder holds
``table.safetensors`` with the float32 matrices ``words`` [V, D] and ``ngrams`` [bucket, D], ``words.json`` with the V
words, and ``subwords.json`` with ``min_n``, ``max_n`` and ``bucket``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.formats.safetensors import Tensor, tensors_of
from mt2st.embedding.formats.stream import MOST_DIMENSIONS, Block, VectorStream, checked, rows_per_block
from mt2st.embedding.subwords import SubwordRows, SubwordSettings
from mt2st.errors import InputError

TABLE_FILE, WORDS_FILE, SETTINGS_FILE = "table.safetensors", "words.json", "subwords.json"
WORDS, NGRAMS = "words", "ngrams"
"""The matrices in ``table.safetensors``."""
_MOST_NGRAMS = 1 << 18  # of one word: 65,536 characters in lengths of 3 to 6
_MOST_NGRAMS_PER_WORD = 1_000  # on average; words of a text have about 20


@dataclass(frozen=True)
class NgramTable:
    """Words made of n-grams in a file that was opened and checked; the rows are still on disk.

    Attributes:
        words: V words.
        size: D, the number of dimensions.
        settings: which n-grams, in how many rows.
        parts: returns the words' rows, then those of the n-grams, float32 [V + bucket, D], in one part, or in two, of
            which they are the first and the second. They may be mapped: read on access.
    """

    words: list[str]
    size: int
    settings: SubwordSettings
    parts: Callable[[], Sequence[NDArray[np.float32]]]

    def table(self) -> NDArray[np.float32]:
        """Return all rows as one array."""
        parts = self.parts()
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def stream(self, place: str) -> VectorStream:
        """Return the words' vectors as a stream, in flat memory apart from the words; ``place`` is for errors."""
        return checked(VectorStream(self.size, len(self.words), self._blocks, lambda row: f"{place}, word {row + 1}"))

    def _blocks(self) -> Iterator[Block]:
        parts, step = self.parts(), rows_per_block(self.size)
        own, ngrams = parts[0], parts[-1][-self.settings.bucket :]
        for start in range(0, len(self.words), step):
            block = self.words[start : start + step]
            rows = SubwordRows.of(block, self.settings)
            # Only the rows of n-grams that the block needs; its own rows come first, as every word has one.
            needed, places = np.unique(rows.rows, return_inverse=True)
            table = np.concatenate([own[start : start + len(block)], ngrams[needed[len(block) :] - len(block)]])
            with np.errstate(over="ignore", invalid="ignore"):  # reported as not finite
                vectors = SubwordRows(rows.offsets, places.astype(np.int32), len(table) - len(block)).composed(table)
            yield block, vectors


def open_ngram_folder(folder: Path) -> NgramTable:
    """Open a folder of words with n-grams."""
    for name in (TABLE_FILE, WORDS_FILE, SETTINGS_FILE):
        if not (folder / name).is_file():
            raise InputError(f"{folder} is no folder of vectors with n-grams: it has no file {name}")
    words = read_json(folder / WORDS_FILE)
    if not (isinstance(words, list) and words and all(isinstance(word, str) for word in words)):
        raise InputError(f"{folder / WORDS_FILE} must hold a list of words")
    found = read_json(folder / SETTINGS_FILE)
    if not (isinstance(found, dict) and set(found) == {"min_n", "max_n", "bucket"}):
        raise InputError(f"{folder / SETTINGS_FILE} must hold min_n, max_n and bucket; found {found!r:.200}")
    try:
        settings = SubwordSettings(**found)
    except InputError as error:
        raise InputError(f"{folder / SETTINGS_FILE}: {error}") from error
    try:
        check_ngrams(words, settings)
    except InputError as error:
        raise InputError(f"{folder}: {error}") from error
    own, ngrams = _matrices_of(folder / TABLE_FILE)
    if own.shape[0] != len(words):
        raise InputError(f"{folder} has {len(words):,} words but {own.shape[0]:,} vectors of words")
    if ngrams.shape[0] != settings.bucket:
        raise InputError(
            f"{folder} has {ngrams.shape[0]:,} vectors of n-grams, but {SETTINGS_FILE} has {settings.bucket:,} buckets"
        )
    return NgramTable(words, own.shape[1], settings, lambda: (own.mapped(), ngrams.mapped()))


def read_ngram_folder(folder: Path) -> VectorStream:
    """Open the words' vectors in a folder with n-grams."""
    return open_ngram_folder(folder).stream(str(folder / WORDS_FILE))


def check_ngrams(words: Sequence[str], settings: SubwordSettings) -> None:
    """Raise `InputError` for words with so many n-grams that their file must be damaged, before it takes memory."""
    length = np.fromiter(map(len, words), np.int64, len(words)) + 2  # with the boundaries
    most = np.minimum(length, settings.max_n)
    kinds = np.maximum(most - settings.min_n + 1, 0)
    # Of n characters there are length - n + 1: an arithmetic series from min_n to most.
    ngrams = int((kinds * (2 * (length + 1) - settings.min_n - most) // 2).sum())
    if ngrams > max(_MOST_NGRAMS, _MOST_NGRAMS_PER_WORD * len(words)):
        raise InputError(
            f"{len(words):,} words, the longest of {int(length.max()) - 2:,} characters, would have {ngrams:,} n-grams "
            f"of {settings.min_n} to {settings.max_n}: damaged"
        )


def _matrices_of(path: Path) -> tuple[Tensor, Tensor]:
    tensors = tensors_of(path)
    if set(tensors) == {WORDS, NGRAMS} and all(len(t.shape) == 2 and t.kind == "F32" for t in tensors.values()):
        own, ngrams = tensors[WORDS], tensors[NGRAMS]
        if own.shape[1] == ngrams.shape[1] and 1 <= own.shape[1] <= MOST_DIMENSIONS:
            return own, ngrams
    found = ", ".join(f"{name} {tensor.kind} {list(tensor.shape)}" for name, tensor in sorted(tensors.items())[:5])
    raise InputError(
        f"{path} must hold the float32 tables {WORDS} and {NGRAMS} of the same vector size; found {found or 'none'}"
    )


def read_json(path: Path) -> object:
    """Return what a JSON file holds."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
