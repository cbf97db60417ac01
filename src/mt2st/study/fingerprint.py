"""Hashes of labelled data and of word vectors: what tells a finished cell on other data from one on these."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from glob import escape
from pathlib import Path

from mt2st.errors import InputError
from mt2st.models import ModelSettings
from mt2st.models.labelled_auxiliaries import Rows, named_in
from mt2st.models.settings import LABELLED_AUXILIARIES, STARTS, AuxiliaryData, AuxiliaryName
from mt2st.text import MultiLabelledText, TaggedText


def auxiliary_labels(settings: ModelSettings) -> str | None:
    """Return a hash of the labelled data that the auxiliary tasks of settings name; None where they name none.

    Raises:
        InputError: data that cannot be read.
    """
    sources = [getattr(settings.auxiliary_data, task) for task in LABELLED_AUXILIARIES if task in settings.auxiliaries]
    if not sources:
        return None
    return _of_files(tuple(map(_state, sources)), settings.auxiliaries, settings.auxiliary_data)


def start_vectors(settings: ModelSettings) -> str | None:
    """Return a hash of the file or folder of word vectors that settings start from; None where they name none.

    Published vectors (``gensim:NAME``) are known by their name.

    Raises:
        InputError: a file that cannot be read.
    """
    path = Path(settings.embedding.init)
    if settings.embedding.init in STARTS or not path.exists():
        return None
    if path.is_dir():
        files = sorted(each for each in path.rglob("*") if each.is_file())
    else:  # gensim writes large arrays beside a file: NAME.vectors.npy
        files = [path, *sorted(path.parent.glob(f"{escape(path.name)}.*npy"))]
    return _of_content(tuple((str(each), *_state(str(each))) for each in files))


def add_rows(digest: hashlib._Hash, name: str, part: Rows) -> None:
    """Add the labels and texts of a part of the data to a hash, so that no two different parts make the same bytes."""
    for labels, text in _rows(part):
        add_fields(digest, name, *labels, text)


def add_fields(digest: hashlib._Hash, *fields: str) -> None:
    """Add fields to a hash."""
    for field in fields:  # each with its length, so that no two rows make the same bytes
        content = field.encode("utf-8", "surrogatepass")
        digest.update(b"%d:%s" % (len(content), content))


@lru_cache(maxsize=16)  # all cells of a study name the same files
def _of_files(
    states: tuple[object, ...],  # noqa: ARG001  # a file that has changed is another one
    auxiliaries: tuple[AuxiliaryName, ...],
    files: AuxiliaryData,
) -> str:
    digest = hashlib.sha256()
    settings = ModelSettings(auxiliaries=auxiliaries, auxiliary_data=files)
    for name, rows in named_in(settings):
        add_rows(digest, name, rows)
    return digest.hexdigest()[:16]


@lru_cache(maxsize=16)
def _of_content(states: tuple[tuple[object, ...], ...]) -> str:
    digest = hashlib.sha256()
    for name, *_ in states:
        try:
            with Path(str(name)).open("rb") as file:
                content = hashlib.file_digest(file, "sha256")
        except OSError as error:
            raise InputError(f"{name} cannot be read: {error.strerror}") from error
        digest.update(content.digest())
    return digest.hexdigest()[:16]


def _state(source: str) -> tuple[object, ...]:
    path = Path(source)
    if not path.exists():  # a dataset of a hub, or what reading it will complain of
        return (source,)
    found = path.stat()
    return source, found.st_size, found.st_mtime_ns


def _rows(part: Rows) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the labels and the text of each row, so that no two different parts yield the same."""
    if isinstance(part, TaggedText):
        for words, tags in zip(part.sentences, part.tags, strict=True):
            for word, tag in zip(words, tags, strict=True):
                yield (tag,), word
            yield (), ""
    elif isinstance(part, MultiLabelledText):
        for text, labels in zip(part.texts, part.labels, strict=True):
            yield (str(len(labels)), *labels), text
    else:
        for text, label in zip(part.texts, part.labels, strict=True):
            yield (label,), text
