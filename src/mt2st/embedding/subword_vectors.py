"""Word vectors made of subwords: vectors for words that training never saw."""

from __future__ import annotations

import json
from collections.abc import Container, Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from mt2st._files import complete_folder
from mt2st.embedding.formats.catalogue import format_of
from mt2st.embedding.formats.files import check_replaceable
from mt2st.embedding.formats.ngrams import NGRAMS, SETTINGS_FILE, TABLE_FILE, WORDS, WORDS_FILE
from mt2st.embedding.formats.pretrained import is_pretrained
from mt2st.embedding.subwords import KnownSubwords, SubwordRows, SubwordSettings, ngram_buckets
from mt2st.embedding.word_vectors import UnknownWordError, Vector, WordVectors, first_row_not_finite
from mt2st.errors import InputError


class SubwordVectors(WordVectors):
    """Words, their vectors, and the rows of their n-grams, of which unseen words get vectors.

    A word of the vocabulary has the mean of its own row and its n-grams' rows, any other word the mean of its n-grams'
    rows, as in fastText. ``vectors`` holds the former, so that everything `WordVectors` offers works on them; ``in``
    and ``len`` are about the vocabulary.

    Args:
        index_to_key: the words, each once.
        table: their rows, then those of the n-grams, float32 [n_words + bucket, vector_size].
        settings: which n-grams, in how many rows.

    Raises:
        InputError: as `WordVectors`, or a table of another number of rows or with a value that is NaN or infinite.

    Example:
        >>> table = np.random.default_rng(0).normal(size=(1 + 50, 4)).astype(np.float32)
        >>> vectors = SubwordVectors(["filming"], table, SubwordSettings(bucket=50))
        >>> "films" in vectors, vectors["films"].shape
        (False, (4,))
    """

    def __init__(self, index_to_key: Sequence[str], table: NDArray[np.float32], settings: SubwordSettings) -> None:
        rows = SubwordRows.of(list(index_to_key), settings)
        if table.ndim != 2 or len(table) != rows.table_rows or table.dtype.kind != "f":
            raise InputError(
                f"table must be floats with a row for each of the {rows.n_words} words and {settings.bucket} buckets "
                f"of n-grams [{rows.table_rows}, vector_size]; found {table.dtype} {list(table.shape)}"
            )
        self.table: Vector = np.ascontiguousarray(table, dtype=np.float32)
        bad = first_row_not_finite(self.table)
        if bad is not None:
            what = f"of '{index_to_key[bad]}'" if bad < rows.n_words else f"{bad - rows.n_words} of the n-grams"
            raise InputError(f"table must be finite; found NaN or infinity in the row {what}")
        self.settings = settings
        super().__init__(index_to_key, rows.composed(self.table))

    def __repr__(self) -> str:
        s = self.settings
        return (
            f"SubwordVectors({len(self):,} words, {self.vector_size} dimensions, "
            f"n-grams of {s.min_n} to {s.max_n} in {s.bucket:,} rows)"
        )

    def __getitem__(self, word: str | Sequence[str]) -> Vector:
        """Return a word's vector [vector_size], seen or not, or those of several words [n, vector_size].

        Raises:
            UnknownWordError: a word outside the vocabulary that is too short to have an n-gram.
        """
        if not isinstance(word, str):
            return np.stack([self[each] for each in word]) if len(word) else self.vectors[:0]
        if word in self.key_to_index:
            return super().__getitem__(word)
        vector = self.unseen(word)
        if vector is None:
            raise UnknownWordError(
                f"'{word}' is not among the {len(self):,} words and too short for an n-gram of {self.settings.min_n} "
                "characters"
            )
        return vector

    def unseen(self, word: str) -> Vector | None:
        """Return the vector [vector_size] of a word by its n-grams alone; None if it is too short for one.

        Example:
            >>> table = np.array([[9, 9], [1, 2], [1, 2]], dtype=np.float32)
            >>> vectors = SubwordVectors(["film"], table, SubwordSettings(min_n=3, bucket=2))
            >>> vectors.unseen("cinema"), vectors.unseen("")
            (array([1., 2.], dtype=float32), None)
        """
        buckets = ngram_buckets([word], self.settings)[0]
        if not buckets.size:
            return None
        vector: Vector = self.table[len(self) + buckets].mean(axis=0)
        return vector

    def save_folder(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write everything that was trained to a folder, for `load_vectors`; `save` writes the words' vectors alone.

        The folder appears complete or not at all. `mt2st.embedding.formats.ngrams` describes its files.

        Raises:
            InputError: the folder exists and ``overwrite`` is false, something else is there, or its parent does not
                exist.
        """
        path = Path(path)
        check_replaceable(path, (SETTINGS_FILE,), overwrite=overwrite)
        with complete_folder(path, size=self.table.nbytes) as folder:
            save_file({WORDS: self.table[: len(self)], NGRAMS: self.table[len(self) :]}, folder / TABLE_FILE)
            (folder / WORDS_FILE).write_text(json.dumps(self.index_to_key), encoding="utf-8")
            settings = {"min_n": self.settings.min_n, "max_n": self.settings.max_n, "bucket": self.settings.bucket}
            (folder / SETTINGS_FILE).write_text(json.dumps(settings), encoding="utf-8")

    def fill(self, table: NDArray[np.float32], tokens: Sequence[str], known: KnownSubwords) -> int:
        """Copy rows into a model's table [V + K, D]; return how many of the model's words have given rows.

        Args:
            table: the table, changed in place.
            tokens: the V tokens of the model's vocabulary.
            known: the rows of its words.

        Raises:
            InputError: these vectors have other n-grams or another number of buckets.
        """
        if self.settings != known.settings:
            raise InputError(f"the vectors have {_described(self.settings)}, the model {_described(known.settings)}")
        rows = [row for row, token in enumerate(tokens) if token in self.key_to_index]
        if rows:
            table[rows] = self.table[[self.key_to_index[tokens[row]] for row in rows]]
        table[known.rows.n_words :] = self.table[len(self) + known.buckets]
        return len(rows)


def _described(settings: SubwordSettings) -> str:
    return f"n-grams of {settings.min_n} to {settings.max_n} in {settings.bucket:,} buckets"


def load_vectors(
    path: str | PathLike[str], *, limit: int | None = None, vocabulary: Container[str] | None = None
) -> WordVectors:
    """Read word vectors in any format, with their n-grams if they have some.

    The folders of `SubwordVectors.save_folder`, most models in fastText's own format, and trained models with n-grams
    have some. The matrix of fastText's format, ``table``, stays on disk and is read where it is needed: the file must
    stay as it is while the vectors are used; replacing it by renaming does no harm.

    Args:
        path: as for `WordVectors.load`.
        limit: read the first so many words alone, without n-grams.
        vocabulary: keep these words alone; all, if n-grams make others.

    Raises:
        InputError: nothing can be read there.
    """
    if limit is None and not is_pretrained(str(path)):
        open_ngrams = format_of(Path(path)).open_ngrams
        opened = open_ngrams(Path(path)) if open_ngrams is not None else None
        if opened is not None:
            try:
                return SubwordVectors(opened.words, opened.table(), opened.settings)
            except InputError as error:  # let it name the file
                if str(path) in str(error):
                    raise
                raise InputError(f"{path}: {error}") from error
    return WordVectors.load(path, limit=limit, vocabulary=vocabulary)
