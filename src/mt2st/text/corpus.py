"""Many texts as token ids, in memory or mapped from disk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt2st._files import complete_folder
from mt2st.errors import InputError
from mt2st.text.corpus_writer import IDS_TYPE, OFFSETS_TYPE, write_texts
from mt2st.text.tokeniser import Tokeniser
from mt2st.text.vocabulary import Vocabulary

VERSION = 1
"""Format number of the folder's layout."""
IDS, OFFSETS, VOCABULARY, MANIFEST = "ids.bin", "offsets.bin", "vocabulary.txt", "corpus.json"

VALUES_PER_CHECK = 1 << 16
BLOCKS_CHECKED = 256
"""Opening a corpus checks at most so many blocks of so many values of each array: 67 MB, 0.1 s."""


@dataclass(frozen=True, eq=False)
class Corpus:
    """Documents as token ids, one after the other in a flat array.

    ``ids[offsets[i]:offsets[i + 1]]`` is document i; it may be empty.

    Attributes:
        ids: T token ids, int32, read-only.
        offsets: D + 1 positions in `ids`, int64, read-only.
        vocabulary: what the ids mean.
        tokeniser: what cut the texts.

    Example:
        >>> corpus = Corpus.build(["A film.", "", "A good film."], tokeniser=Tokeniser(), min_count=1)
        >>> len(corpus), corpus.n_tokens, corpus.offsets.tolist()
        (3, 7, [0, 3, 3, 7])
        >>> corpus.vocabulary.decode(corpus[2])
        ['a', 'good', 'film', '.']
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    vocabulary: Vocabulary
    tokeniser: Tokeniser

    @property
    def n_tokens(self) -> int:
        """The number of tokens of all documents, T."""
        return len(self.ids)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, document: int) -> NDArray[np.int32]:
        n_documents = len(self)
        if not -n_documents <= document < n_documents:
            raise IndexError(f"the corpus has {n_documents} documents, found the index {document}")
        document %= n_documents
        return self.ids[self.offsets[document] : self.offsets[document + 1]]

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        return (self[document] for document in range(len(self)))

    @classmethod
    def build(
        cls,
        texts: Iterable[str],
        *,
        tokeniser: Tokeniser,
        vocabulary: Vocabulary | None = None,
        min_count: int = 5,
        max_vocabulary: int | None = None,
        directory: str | Path | None = None,
        workers: int = 1,
    ) -> Corpus:
        """Tokenise texts in one pass.

        Memory stays flat, except for the arrays themselves without a `directory`. Of more than a million distinct
        tokens the rarest are dropped on the way (see `write_texts`).

        Args:
            texts: the documents; read once.
            tokeniser: cuts them into tokens.
            vocabulary: gives the ids; None to make one from the texts.
            min_count: tokens seen fewer times become ``<unk>``; ignored with a `vocabulary`.
            max_vocabulary: at most so many tokens get an id, the specials not counted; ignored likewise.
            directory: folder to write the corpus to, which must not exist or be empty; the arrays are mapped from
                there. None to hold the arrays in memory.
            workers: threads that tokenise; the result does not depend on it.

        Raises:
            InputError: the vocabulary is left empty, `directory` is taken, or the disk cannot be written.
        """
        options: dict[str, Any] = {"min_count": min_count, "max_size": max_vocabulary, "workers": workers}
        try:
            if directory is None:
                ids, offsets = BytesIO(), BytesIO()
                vocabulary = write_texts(texts, tokeniser, vocabulary, ids, offsets, **options)
                arrays = np.frombuffer(ids.getvalue(), IDS_TYPE), np.frombuffer(offsets.getvalue(), OFFSETS_TYPE)
                return cls(*arrays, vocabulary, tokeniser)
            directory = Path(directory)
            if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
                raise InputError(f"{directory}: exists and is not an empty folder; name another or remove it")
            with complete_folder(directory) as partial:
                with (partial / IDS).open("w+b") as id_file, (partial / OFFSETS).open("wb") as offset_file:
                    vocabulary = write_texts(texts, tokeniser, vocabulary, id_file, offset_file, **options)
                _describe(partial, vocabulary, tokeniser)
        except OSError as error:
            where = error.filename or directory or "the folder for temporary files"
            raise InputError(f"{where}: the corpus cannot be written: {error.strerror or error}") from error
        return cls.open(directory)

    @classmethod
    def open(cls, directory: str | Path) -> Corpus:
        """Map a corpus that `build` wrote, read-only.

        Raises:
            InputError: the folder holds no corpus, one of another version, or a damaged one. File sizes are checked
                exactly, ids and offsets in full up to 16 million of each and in samples beyond.
        """
        directory = Path(directory)
        if not (directory / MANIFEST).is_file():
            raise InputError(f"{directory}: holds no corpus (no file {MANIFEST}); build one there first")
        manifest = _manifest(directory / MANIFEST)
        vocabulary = Vocabulary.load(directory / VOCABULARY)
        if len(vocabulary) != manifest["n_vocabulary"]:
            raise InputError(
                f"{directory / VOCABULARY}: expected {manifest['n_vocabulary']} tokens, as {MANIFEST} says, "
                f"found {len(vocabulary)}; build the corpus again"
            )
        n_tokens, n_documents = manifest["n_tokens"], manifest["n_documents"]
        ids = _array(directory / IDS, IDS_TYPE, n_tokens)
        offsets = _array(directory / OFFSETS, OFFSETS_TYPE, n_documents + 1)
        for block in _sampled(directory / OFFSETS, OFFSETS_TYPE, n_documents + 1):
            if block[0] < 0 or block[-1] > n_tokens or (np.diff(block) < 0).any():
                raise InputError(f"{directory / OFFSETS}: the offsets do not rise; build the corpus again")
        if offsets[0] != 0 or offsets[-1] != n_tokens:
            raise InputError(f"{directory / OFFSETS}: the offsets do not span the ids; build the corpus again")
        for block in _sampled(directory / IDS, IDS_TYPE, n_tokens):
            if block.min() < 0 or block.max() >= len(vocabulary):
                raise InputError(
                    f"{directory / IDS}: holds ids outside the vocabulary's 0 to {len(vocabulary) - 1}; "
                    f"build the corpus again"
                )
        return cls(ids, offsets, vocabulary, Tokeniser.from_dict(manifest["tokeniser"]))


def _describe(directory: Path, vocabulary: Vocabulary, tokeniser: Tokeniser) -> None:
    vocabulary.save(directory / VOCABULARY)
    manifest = {
        "version": VERSION,
        "n_documents": (directory / OFFSETS).stat().st_size // OFFSETS_TYPE.itemsize - 1,
        "n_tokens": (directory / IDS).stat().st_size // IDS_TYPE.itemsize,
        "n_vocabulary": len(vocabulary),
        "ids": IDS_TYPE.str,
        "offsets": OFFSETS_TYPE.str,
        "tokeniser": tokeniser.to_dict(),
    }
    (directory / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error}); build the corpus again") from error
    if not isinstance(manifest, dict) or manifest.get("version") != VERSION:
        found = manifest.get("version") if isinstance(manifest, dict) else None
        raise InputError(f"{path}: expected a corpus of version {VERSION}, found {found!r}; build the corpus again")
    types = {"n_documents": int, "n_tokens": int, "n_vocabulary": int, "ids": str, "offsets": str, "tokeniser": dict}
    for key, kind in types.items():
        if not isinstance(manifest.get(key), kind) or (kind is int and manifest[key] < 0):
            raise InputError(f"{path}: the key '{key}' holds {manifest.get(key)!r}; build the corpus again")
    for key, expected in (("ids", IDS_TYPE.str), ("offsets", OFFSETS_TYPE.str)):
        if manifest[key] != expected:
            raise InputError(
                f"{path}: expected {key} of type {expected}, found {manifest[key]}; build the corpus again"
            )
    return manifest


def _array(path: Path, dtype: np.dtype[Any], length: int) -> NDArray[Any]:
    """Return the array in a file of exactly its size, mapped read-only."""
    try:
        size = path.stat().st_size
        if size != length * dtype.itemsize:
            raise InputError(
                f"{path}: expected {length * dtype.itemsize:,} bytes, as {MANIFEST} says, found {size:,}; "
                f"build the corpus again"
            )
        # An empty file cannot be mapped.
        array = np.asarray(np.memmap(path, dtype, "r")) if length else np.fromfile(path, dtype)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}; build the corpus again") from error
    array.flags.writeable = False
    return array


def _sampled(path: Path, dtype: np.dtype[Any], length: int) -> Iterator[NDArray[Any]]:
    """Yield blocks spread evenly over the array in a file, all of a small one; read, not mapped, to stay small."""
    starts = np.arange(0, length, VALUES_PER_CHECK)
    if len(starts) > BLOCKS_CHECKED:
        starts = np.linspace(0, length - VALUES_PER_CHECK, BLOCKS_CHECKED).astype(np.int64)
    with path.open("rb") as file:
        for start in starts.tolist():
            file.seek(start * dtype.itemsize)
            # One value of overlap, so that no step between two blocks of a whole array goes unchecked.
            size = min(VALUES_PER_CHECK + 1, length - start) * dtype.itemsize
            yield np.frombuffer(file.read(size), dtype)
