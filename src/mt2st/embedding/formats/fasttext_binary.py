"""fastText's own format, ``.bin``, read only: words and the rows of their n-grams (`mt2st.embedding.subwords`).

The layout is walked here and checked against the size of the file before memory is reserved. Published models have
words that were cut within a character: their broken bytes are spelled out, as in gensim.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.formats.files import Source
from mt2st.embedding.formats.ngrams import NgramTable, check_ngrams
from mt2st.embedding.formats.stream import MOST_DIMENSIONS, VectorStream, stream_of
from mt2st.embedding.subwords import LONGEST_NGRAM, SubwordSettings
from mt2st.errors import InputError

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
