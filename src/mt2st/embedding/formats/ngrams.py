"""Words with the rows of their character n-grams: as a stream, and in the folder that a ``-fasttext`` training writes.

A word's vector is the mean of its own row and the rows of its n-grams (`mt2st.embedding.subwords`). The folder holds
``table.safetensors`` with the float32 matrices ``words`` [V, D] and ``ngrams`` [bucket, D], ``words.json`` with the V
words, and ``subwords.json`` with ``min_n``, ``max_n`` and ``bucket``.

fastText's own format, ``.bin``, is read only: its layout is walked here and checked against the size of the file before
memory is reserved. Published models have words that were cut within a character: their broken bytes are spelled out, as
in gensim.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.formats.files import Source
from mt2st.embedding.formats.safetensors import Tensor, tensors_of
from mt2st.embedding.formats.stream import MOST_DIMENSIONS, Block, VectorStream, checked, rows_per_block, stream_of
from mt2st.embedding.subwords import LONGEST_NGRAM, SubwordRows, SubwordSettings
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


MAGIC = struct.pack("<i", 793712314)
_HEADER = struct.Struct("<2i12id")  # magic, version, then dim ws epoch minCount neg wordNgrams loss model bucket ...
_DICTIONARY = struct.Struct("<3iqq")  # entries, words, labels, tokens, pruned
_ENTRY = struct.Struct("<qb")  # count and kind, after the word and a zero byte
_PRUNED = struct.Struct("<2i")
_MATRIX = struct.Struct("<?qq")  # quantised, rows, columns
_VERSIONS = (11, 12)


def read_fasttext_binary(path: Path) -> VectorStream:
    """Open the word vectors of a fastText model; the words are held in memory, the matrix is not."""
    model = _opened(path)
    if model.settings is not None:
        return NgramTable(model.words, model.size, model.settings, model.parts).stream(str(path))
    # Buckets without n-grams of characters are those of word n-grams, which make no vectors of words.
    return stream_of(model.words, model.parts()[0][: len(model.words)], path)


def open_fasttext(path: Path) -> NgramTable | None:
    """Open a fastText model with its n-grams; None if its words are made of none."""
    model = _opened(path)
    return None if model.settings is None else NgramTable(model.words, model.size, model.settings, model.parts)


@dataclass(frozen=True)
class _Model:
    """A model whose parts lie within its file; the matrix begins at the byte ``offset``."""

    path: Path
    words: list[str]
    size: int
    bucket: int
    settings: SubwordSettings | None
    offset: int

    def parts(self) -> tuple[NDArray[np.float32]]:
        shape = (len(self.words) + self.bucket, self.size)
        try:
            return (np.memmap(self.path, "<f4", "r", offset=self.offset, shape=shape),)
        except (OSError, ValueError) as error:
            raise InputError(f"cannot read {self.path}: {error}") from error


def _opened(path: Path) -> _Model:
    with Source(path) as source:
        if source.size is None:
            raise InputError(f"{path} is packed: fastText's .bin is read here and there, so unpack it first")
        magic, version, *args = _unpacked(source, _HEADER, "its settings")
        size, bucket, shortest, longest = args[0], args[8], args[9], args[10]
        if struct.pack("<i", magic) != MAGIC or version not in _VERSIONS:
            raise InputError(f"{path}: no fastText model of a version that is read ({_VERSIONS[0]} and {_VERSIONS[1]})")
        if not (1 <= size <= MOST_DIMENSIONS and bucket >= 0 and 0 <= longest <= LONGEST_NGRAM and shortest >= 0):
            raise InputError(
                f"{path}: damaged: {size} dimensions, {bucket} buckets, n-grams of {shortest} to {longest}"
            )
        words = _words(source)
        quantised, rows, columns = _unpacked(source, _MATRIX, "the size of its matrix")
        if quantised:
            raise InputError(f"{path}: a quantised fastText model (.ftz); only .bin has the vectors themselves")
        if columns != size or rows != len(words) + bucket:
            raise InputError(
                f"{path}: damaged: a matrix of {rows:,} x {columns:,} where {len(words):,} words, {bucket:,} buckets "
                f"and {size:,} dimensions were announced"
            )
        offset = source.tell()
        if 4 * rows * columns > source.size - offset:
            raise InputError(
                f"{path}: cut short: {rows:,} vectors of {columns:,} values take {4 * rows * columns:,} bytes, "
                f"{source.size - offset:,} are left"
            )
    settings = None
    shortest = max(1, shortest)
    if bucket > 0 and longest >= shortest:
        try:
            settings = SubwordSettings(shortest, longest, bucket)
            check_ngrams(words, settings)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
    return _Model(path, words, size, bucket, settings, offset)


def _words(source: Source) -> list[str]:
    entries, n_words, labels, _, pruned = _unpacked(source, _DICTIONARY, "the size of its dictionary")
    least = entries * (1 + _ENTRY.size) + max(0, pruned) * _PRUNED.size
    assert source.size is not None
    if min(entries, labels) < 0 or n_words < 1 or entries != n_words + labels or least > source.size:
        raise InputError(
            f"{source.path}: damaged: {entries:,} entries of {n_words:,} words and {labels:,} labels, "
            f"{pruned:,} of them pruned, in {source.size:,} bytes"
        )
    words: list[str] = []
    records = source.records(entries, b"\0", _ENTRY.size, cut_short="within its words: it is cut short")
    for number, (word, entry) in enumerate(records, 1):
        _, kind = _ENTRY.unpack(entry)
        if kind != (number > n_words):  # labels, of kind 1, follow the words
            raise InputError(f"{source.path}, word {number}: damaged: an entry of kind {kind}")
        if number <= n_words:
            words.append(word.decode("utf-8", errors="backslashreplace"))
    source.seek(source.tell() + max(0, pruned) * _PRUNED.size)
    return words


def _unpacked(source: Source, layout: struct.Struct, what: str) -> tuple[int, ...]:
    raw = source.read(layout.size)
    if len(raw) < layout.size:
        raise InputError(f"{source.path}: the file ends before {what}: it is cut short")
    return layout.unpack(raw)
