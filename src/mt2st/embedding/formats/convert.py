"""From a file of word vectors in one format to one in another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path

from mt2st.embedding.formats.catalogue import format_named, format_of, format_to_write, write_vectors
from mt2st.embedding.formats.pretrained import is_pretrained, pretrained_file
from mt2st.embedding.formats.stream import Block, VectorStream, checked
from mt2st.errors import InputError


@dataclass(frozen=True)
class Conversion:
    """What was converted.

    Attributes:
        count: the number of words.
        size: the number of dimensions.
        source_format: the name of the format that was read.
        target_format: the name of the format that was written.
    """

    count: int
    size: int
    source_format: str
    target_format: str


def open_vectors(path: str | PathLike[str], format: str | None = None) -> VectorStream:
    """Open word vectors as a stream of blocks, in flat memory.

    Args:
        path: a file or folder in any format that is read, or published vectors: ``gensim:glove-twitter-100``.
        format: the name of the format; found by the content if None.

    Raises:
        InputError: it is missing, unreadable, damaged or in no known format. What is wrong further down is raised
            when the stream comes to it.
    """
    return _opened(path, format)[1]


def convert_vectors(
    source: str | PathLike[str],
    target: str | PathLike[str],
    *,
    source_format: str | None = None,
    target_format: str | None = None,
    overwrite: bool = False,
    spaces: str | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> Conversion:
    """Write the word vectors of one file to another, block by block.

    Args:
        source: a file or folder in any format that is read, or published vectors: ``gensim:glove-twitter-100``.
        target: the file or folder to write; it appears whole or not at all.
        source_format: the name of the source's format; found by its content if None.
        target_format: the name of the target's format; found by its name if None.
        overwrite: replace a target that is there.
        spaces: replaces each space inside a word, for formats that cannot hold one; None leaves words alone.
        progress: called after each block with the words done, and the words in all (None if unknown).

    Raises:
        InputError: a format is unknown, the two places are the same, or as the reader and the writer do.
    """
    place = Path(target)
    if not is_pretrained(fspath(source)) and place.exists() and Path(source).exists() and place.samefile(source):
        raise InputError(f"{target} would be read and written at once: choose another name for the result")
    chosen = format_to_write(place, target_format)
    name, stream = _opened(source, source_format)
    if spaces is not None:
        stream = _without_spaces(stream, spaces)
    if progress is not None:
        stream = _watched(stream, progress)
    count = write_vectors(stream, place, chosen, overwrite=overwrite)
    return Conversion(count, stream.size, name, chosen.name)


def _opened(path: str | PathLike[str], name: str | None) -> tuple[str, VectorStream]:
    file = pretrained_file(fspath(path)) if is_pretrained(fspath(path)) else Path(path)
    found = format_named(name) if name is not None else format_of(file)
    return found.name, found.read(file)


def _without_spaces(stream: VectorStream, instead: str) -> VectorStream:
    def blocks() -> Iterator[Block]:
        for words, vectors in stream.blocks():
            yield [word.replace(" ", instead) for word in words], vectors

    return checked(replace(stream, blocks=blocks))  # words that differed by a space may be equal now


def _watched(stream: VectorStream, progress: Callable[[int, int | None], None]) -> VectorStream:
    def blocks() -> Iterator[Block]:
        through = 0
        for words, vectors in stream.blocks():
            yield words, vectors
            through += len(words)
            progress(through, stream.count)

    return replace(stream, blocks=blocks)
