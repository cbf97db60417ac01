"""A folder of words with the rows of their character n-grams, which a ``-fasttext`` training writes. Read as a stream.

It holds ``table.safetensors`` with the float32 matrices ``words`` [V, D] and ``ngrams`` [bucket, D], ``words.json``
with the V words, and ``subwords.json`` with ``min_n``, ``max_n`` and ``bucket``. A word's vector is the mean of its own
row and those of its n-grams (`mt2st.embedding.subwords`). As a stream the folder is these vectors, without the n-grams
themselves: `mt2st.embedding.SubwordVectors.load_folder` has them too, and writes the folder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.formats.checked import checked
from mt2st.embedding.formats.composed import check_ngrams, composed_blocks
from mt2st.embedding.formats.safetensors_file import Tensor, tensors_of
from mt2st.embedding.formats.stream import MOST_DIMENSIONS, VectorStream
from mt2st.embedding.subwords import SubwordSettings
from mt2st.errors import InputError

TABLE_FILE, WORDS_FILE, SETTINGS_FILE = "table.safetensors", "words.json", "subwords.json"
WORDS, NGRAMS = "words", "ngrams"
"""The matrices in ``table.safetensors``."""


@dataclass(frozen=True)
class NgramFolder:
    """A folder whose files were found to belong together; the matrices are still on disk.

    Attributes:
        path: the folder.
        words: the V words.
        settings: which n-grams, in how many rows.
        own_rows: where the words' rows are, [V, D].
        ngram_rows: where the n-grams' rows are, [bucket, D].
    """

    path: Path
    words: list[str]
    settings: SubwordSettings
    own_rows: Tensor
    ngram_rows: Tensor

    @classmethod
    def opened(cls, folder: Path) -> NgramFolder:
        """Open a folder, and hold what its files say against each other and against their sizes.

        Raises:
            InputError: no such folder, or one whose files are missing, damaged or do not belong together.
        """
        for name in (TABLE_FILE, WORDS_FILE, SETTINGS_FILE):
            if not (folder / name).is_file():
                raise InputError(f"{folder} is no folder of vectors with n-grams: it has no file {name}")
        words = _words_of(folder / WORDS_FILE)
        settings = _settings_of(folder / SETTINGS_FILE)
        try:
            check_ngrams(words, settings)
        except InputError as error:
            raise InputError(f"{folder}: {error}") from error
        own_rows, ngram_rows = _matrices_of(folder / TABLE_FILE)
        if own_rows.shape[0] != len(words):
            raise InputError(f"{folder} has {len(words):,} words but {own_rows.shape[0]:,} vectors of words")
        if ngram_rows.shape[0] != settings.bucket:
            raise InputError(
                f"{folder} has {ngram_rows.shape[0]:,} vectors of n-grams, but {SETTINGS_FILE} tells of "
                f"{settings.bucket:,} buckets"
            )
        return cls(folder, words, settings, own_rows, ngram_rows)

    @property
    def size(self) -> int:
        """D, the number of dimensions."""
        return self.own_rows.shape[1]

    def table(self) -> NDArray[np.float32]:
        """Return the rows of the words, then those of the n-grams, float32 [V + bucket, D].

        Raises:
            InputError: the file cannot be read, or changed since it was opened.
        """
        table = np.empty((len(self.words) + self.settings.bucket, self.size), dtype=np.float32)
        filled = 0
        for matrix in (self.own_rows, self.ngram_rows):
            for rows in matrix.blocks():
                table[filled : filled + len(rows)] = rows
                filled += len(rows)
        return table


def read_ngram_folder(folder: Path) -> VectorStream:
    """Return the word vectors of a folder with n-grams, as a stream; its words are held in memory, its rows are not.

    Raises:
        InputError: as `NgramFolder.opened`; a word twice, or a value that is NaN or infinite, when the stream comes to
            it.
    """
    opened = NgramFolder.opened(folder)
    place = folder / WORDS_FILE
    return checked(
        VectorStream(
            opened.size,
            len(opened.words),
            lambda: composed_blocks(
                opened.words, opened.own_rows.blocks(), opened.ngram_rows.mapped(), opened.settings
            ),
            lambda row: f"{place}, word {row + 1}",
        )
    )


def _words_of(path: Path) -> list[str]:
    words = _read_json(path)
    if not (isinstance(words, list) and words and all(isinstance(word, str) for word in words)):
        raise InputError(f"{path} must hold a list of words")
    return words


def _settings_of(path: Path) -> SubwordSettings:
    settings = _read_json(path)
    if not (isinstance(settings, dict) and set(settings) == {"min_n", "max_n", "bucket"}):
        raise InputError(f"{path} must hold min_n, max_n and bucket; found {settings!r:.200}")
    try:
        return SubwordSettings(**settings)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


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


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
