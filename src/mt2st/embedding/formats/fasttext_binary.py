"""fastText's own format, ``.bin``: the vectors of words and of the parts of words that theirs are made of. Read only.

The vector of a word is the mean of its own row and the rows of its character n-grams (fastText's
``Dictionary::initNgrams`` and ``FastText::getWordVector``; ours are the same, see `mt2st.embedding.subwords`). The
layout is walked here, and held against the size of the file before anything is reserved. As a stream the model is its
words' vectors; `mt2st.embedding.SubwordVectors.load_fasttext` has those of unseen words too.

Published models have words that were cut within a character: their broken bytes are spelled out, as gensim does.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.formats.checked import checked
from mt2st.embedding.formats.composed import check_ngrams, composed_blocks
from mt2st.embedding.formats.source import Source
from mt2st.embedding.formats.stream import MOST_DIMENSIONS, Block, VectorStream, rows_per_block
from mt2st.embedding.formats.text_rows import LONGEST_WORD, excerpt
from mt2st.embedding.subwords import LONGEST_NGRAM, SubwordSettings
from mt2st.errors import InputError

MAGIC = struct.pack("<i", 793712314)
_HEADER = struct.Struct("<2i12id")  # magic, version, then dim ws epoch minCount neg wordNgrams loss model bucket ...
_DICTIONARY = struct.Struct("<3iqq")  # entries, words, labels, tokens, pruned
_ENTRY = struct.Struct("<qb")  # count and kind, behind the word and a zero byte
_PRUNED = struct.Struct("<2i")
_MATRIX = struct.Struct("<?qq")  # quantised, rows, columns
_VERSIONS = (11, 12)


@dataclass(frozen=True)
class FasttextModel:
    """A model whose parts were found to lie in its file; the matrix is still on disk.

    Attributes:
        path: the file.
        words: the V words.
        size: D, the number of dimensions.
        bucket: rows behind those of the words.
        settings: which n-grams the words are made of; None where of none.
        offset: the byte of the file at which the matrix begins.
    """

    path: Path
    words: list[str]
    size: int
    bucket: int
    settings: SubwordSettings | None
    offset: int

    @classmethod
    def opened(cls, path: Path) -> FasttextModel:
        """Open a model, and hold what it says against the size of its file.

        Raises:
            InputError: the file is missing, unreadable, cut short or damaged, or a quantised model (``.ftz``).
        """
        return _walked(path)

    def matrix(self) -> NDArray[np.float32]:
        """Return the rows of the words, then those of the n-grams, [V + bucket, D], mapped: read where looked at.

        Raises:
            InputError: the file cannot be mapped.
        """
        try:
            return np.memmap(
                self.path, "<f4", "r", offset=self.offset, shape=(len(self.words) + self.bucket, self.size)
            )
        except (OSError, ValueError) as error:
            raise InputError(f"cannot read {self.path}: {error}") from error


def read_fasttext_binary(path: Path) -> VectorStream:
    """Return the word vectors of a fastText model, as a stream; its words are held in memory, its matrix is not.

    Raises:
        InputError: as `FasttextModel.opened`; a value that is NaN or infinite. The message names the file and the word.
    """
    model = FasttextModel.opened(path)
    step = rows_per_block(model.size)

    def own(matrix: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(model.words), step):
            yield np.array(matrix[start : min(start + step, len(model.words))])

    def blocks() -> Iterator[Block]:
        matrix = model.matrix()
        if model.settings is not None:
            yield from composed_blocks(model.words, own(matrix), matrix[len(model.words) :], model.settings)
            return
        start = 0
        for rows in own(matrix):
            yield model.words[start : start + len(rows)], rows
            start += len(rows)

    return checked(VectorStream(model.size, len(model.words), blocks, lambda row: f"{path}, word {row + 1}"))


def _walked(path: Path) -> FasttextModel:
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
    return FasttextModel(path, words, size, bucket, settings, offset)


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
    rest, at = b"", 0
    for number in range(1, entries + 1):
        place = f"{source.path}, word {number}"
        end = rest.find(b"\0", at)
        while end < 0 or len(rest) - end - 1 < _ENTRY.size:
            if end < 0 and len(rest) - at > LONGEST_WORD:
                raise InputError(f"{place}: no end within {LONGEST_WORD:,} bytes, found {excerpt(rest[at:])}: damaged")
            more = source.read(1 << 16)
            if not more:
                raise InputError(f"{place}: the file ends within its words: it is cut short")
            rest, at = rest[at:] + more, 0
            end = rest.find(b"\0")
        _, kind = _ENTRY.unpack_from(rest, end + 1)
        if kind != (number > n_words):  # labels, of kind 1, follow the words
            raise InputError(f"{place}: damaged: an entry of kind {kind}")
        if number <= n_words:
            words.append(rest[at:end].decode("utf-8", errors="backslashreplace"))
        at = end + 1 + _ENTRY.size
    source.seek(source.tell() - (len(rest) - at) + max(0, pruned) * _PRUNED.size)
    return words


def _unpacked(source: Source, layout: struct.Struct, what: str) -> tuple[int, ...]:
    raw = source.read(layout.size)
    if len(raw) < layout.size:
        raise InputError(f"{source.path}: the file ends before {what}: it is cut short")
    return layout.unpack(raw)
