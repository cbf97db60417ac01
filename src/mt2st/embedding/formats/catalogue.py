"""All formats: how one is chosen, by content to read and by name to write, and the conversion between two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path

from mt2st._files import check_apart, check_writable
from mt2st.embedding.formats import model_files, ngrams, safetensors, static_embedding
from mt2st.embedding.formats.files import Source, check_replaceable, excerpt
from mt2st.embedding.formats.keyedvectors import check_keyedvectors_writable, read_keyedvectors, write_keyedvectors
from mt2st.embedding.formats.model_folder import open_model_ngrams, read_model_folder
from mt2st.embedding.formats.ngrams import (
    NgramTable,
    open_fasttext,
    open_ngram_folder,
    read_fasttext_binary,
    read_ngram_folder,
)
from mt2st.embedding.formats.pretrained import is_pretrained, pretrained_file
from mt2st.embedding.formats.safetensors import read_safetensors_folder, write_safetensors_folder
from mt2st.embedding.formats.static_embedding import read_static_embedding, write_static_embedding
from mt2st.embedding.formats.stream import MOST_DIMENSIONS, Block, VectorStream, checked, limited
from mt2st.embedding.formats.word2vec import (
    HEAD,
    is_number,
    longest_line,
    looks_binary,
    parsed_header,
    read_glove_text,
    read_word2vec_binary,
    read_word2vec_text,
    write_glove_text,
    write_word2vec_binary,
    write_word2vec_text,
)
from mt2st.errors import InputError, listed, suggestion


@dataclass(frozen=True)
class Format:
    """A file format of word vectors.

    Attributes:
        name: its name on the command line.
        read: opens a file or folder as a stream.
        write: writes a stream, whole or not at all, and returns the number of words; None if the format is read only.
        suffixes: its file name endings, in lower case, without ``.gz``.
        packs: whether its files may be gzip files, with a further ``.gz``.
        files: if the format is a folder, files that each such folder holds.
        open_ngrams: opens the words with their n-grams, or returns None if they have none; None if none ever has.
    """

    name: str
    read: Callable[[Path], VectorStream]
    write: Callable[..., int] | None
    suffixes: tuple[str, ...] = ()
    packs: bool = False
    files: tuple[str, ...] = ()
    open_ngrams: Callable[[Path], NgramTable | None] | None = None


WORD2VEC = Format("word2vec", read_word2vec_text, write_word2vec_text, (".vec", ".w2v", ".txt"), packs=True)
WORD2VEC_BINARY = Format("word2vec-binary", read_word2vec_binary, write_word2vec_binary, (".bin",), packs=True)
GLOVE = Format("glove", read_glove_text, write_glove_text, (".glove", ".glove.txt"), packs=True)
KEYEDVECTORS = Format("keyedvectors", read_keyedvectors, write_keyedvectors, (".kv", ".model"))
FASTTEXT = Format("fasttext", read_fasttext_binary, None, open_ngrams=open_fasttext)
SAFETENSORS = Format(
    "safetensors",
    read_safetensors_folder,
    write_safetensors_folder,
    files=(safetensors.VECTORS, safetensors.VOCABULARY),
)
STATIC_EMBEDDING = Format(
    "static-embedding",
    read_static_embedding,
    write_static_embedding,
    files=(static_embedding.VECTORS, static_embedding.TOKENIZER),
)
NGRAMS = Format("ngrams", read_ngram_folder, None, files=(ngrams.SETTINGS_FILE,), open_ngrams=open_ngram_folder)
MODEL = Format("model", read_model_folder, None, files=model_files.FILES, open_ngrams=open_model_ngrams)

FORMATS = (
    WORD2VEC, WORD2VEC_BINARY, GLOVE, KEYEDVECTORS, FASTTEXT, SAFETENSORS, STATIC_EMBEDDING, NGRAMS, MODEL,
)  # fmt: skip
"""Every format. ``word2vec`` is also fastText's ``.vec``; ``model`` is the folder of a trained model."""

_FOREIGN = (
    ".safetensors", ".npy", ".npz", ".pt", ".pth", ".ckpt", ".h5", ".onnx", ".pkl", ".pickle", ".json", ".jsonl",
    ".csv", ".tsv", ".parquet", ".zip", ".tar", ".tgz", ".bz2", ".xz", ".zst",
)  # fmt: skip
"""File name endings of other formats, which would mislead readers of vectors."""


def format_named(name: str) -> Format:
    """Return the format of a name."""
    found = next((each for each in FORMATS if each.name == name), None)
    if found is None:
        names = [each.name for each in FORMATS]
        raise InputError(f"unknown format '{name}' of word vectors.{suggestion(name, names)} Known: {listed(names)}")
    return found


def format_by_name_of(path: Path) -> Format | None:
    """Return the format of a file name's ending; None if there is none.

    Example:
        >>> format_by_name_of(Path("news.VEC.gz")).name, format_by_name_of(Path("news"))
        ('word2vec', None)
    """
    found = _by_ending(path)
    if found is not None and path.name.lower().endswith(".gz") and not found.packs:
        raise InputError(f"{path}: files in the format '{found.name}' are not packed: give a name without .gz")
    return found


def _by_ending(path: Path) -> Format | None:
    name = path.name.lower().removesuffix(".gz")
    if name.startswith("glove.") and name.endswith(".txt"):  # as the published ones are called: glove.6B.100d.txt
        return GLOVE
    fitting = [(suffix, each) for each in FORMATS for suffix in each.suffixes if name.endswith(suffix)]
    return max(fitting, key=lambda pair: len(pair[0]))[1] if fitting else None


def format_of(path: Path) -> Format:
    """Return the format of a file or folder, by its content, and by its name if the content is ambiguous.

    A first line of two numbers is ambiguous: word2vec's header, or a word and value of GloVe's.
    """
    if path.is_dir():
        return _format_of_folder(path)
    found = _format_of_file(path) or format_by_name_of(path)
    if found is None:
        with Source(path) as source:
            line = source.readline(HEAD)
        raise InputError(
            f"{path}: in none of the known formats of word vectors ({', '.join(each.name for each in FORMATS)}); "
            f"its first line is {excerpt(line)}. If it is one of them, name the format"
        )
    return found


def _format_of_folder(folder: Path) -> Format:
    if (folder / ngrams.SETTINGS_FILE).is_file():
        return NGRAMS
    for home in (folder, folder / static_embedding.NESTED):
        if all((home / name).is_file() for name in (static_embedding.VECTORS, static_embedding.TOKENIZER)):
            return STATIC_EMBEDDING
    if (folder / safetensors.VECTORS).is_file():
        return SAFETENSORS
    if model_files.model_home(folder) is not None:
        return MODEL
    raise InputError(
        f"cannot read {folder}: a folder of word vectors holds {static_embedding.VECTORS} and "
        f"{static_embedding.TOKENIZER}, {safetensors.VECTORS} and {safetensors.VOCABULARY}, "
        f"{ngrams.TABLE_FILE}, {ngrams.WORDS_FILE} and {ngrams.SETTINGS_FILE}, or a trained model"
    )


def _format_of_file(path: Path) -> Format | None:
    with Source(path) as source:
        line = source.readline(longest_line(MOST_DIMENSIONS))
        if line.startswith(ngrams.MAGIC):
            return FASTTEXT
        if len(line) > 1 and line[0] == 0x80 and line[1] in range(2, 6):  # PROTO and a version: a pickle
            return KEYEDVECTORS
        header = parsed_header(line)
        if header is None:
            fields = line.split()
            return GLOVE if len(fields) > 1 and is_number(fields[-1]) else None
        rest = source.read(HEAD)
        if looks_binary(rest):
            return WORD2VEC_BINARY
    return GLOVE if _by_ending(path) is GLOVE and not _follows_header(rest, header[1]) else WORD2VEC


def _follows_header(rest: bytes, size: int) -> bool:
    """Return whether the line after two numbers has ``size`` values, so that the two numbers were a header.

    After ``2 1``, a word and a number may follow in either case.
    """
    line, end, _ = rest.partition(b"\n")
    return size > 1 and (not end or len(line.split()) == size + 1)


def write_vectors(stream: VectorStream, path: Path, chosen: Format, *, overwrite: bool = False) -> int:
    """Write a stream in a format; return the number of words."""
    if chosen.write is None:
        raise InputError(f"vectors are not written in the format '{chosen.name}': choose another")
    return chosen.write(stream, path, overwrite=overwrite)


def format_to_write(path: Path, name: str | None = None, *, otherwise: Format | None = None) -> Format:
    """Return the format in which to write vectors to a place: by ``name``, by the place's ending, or ``otherwise``.

    Example:
        >>> format_to_write(Path("v.bin")).name, format_to_write(Path("v.1"), otherwise=WORD2VEC).name
        ('word2vec-binary', 'word2vec')
        >>> format_to_write(Path("v.bin"), "glove")
        Traceback (most recent call last):
        mt2st.errors.InputError: v.bin: its name tells the format 'word2vec-binary', and 'glove' was asked for: ...
    """
    by_ending = format_by_name_of(path)
    chosen = format_named(name) if name is not None else by_ending or otherwise
    ending = path.suffix.lower()
    if ending in _FOREIGN and (name is None or ending != f".{name}"):
        raise InputError(
            f"{path}: no vectors are written to a file of the kind {ending}: choose another ending, or for a folder "
            f"none, and name the format"
        )
    if chosen is None:
        writable = [each.name for each in FORMATS if each.write]
        raise InputError(f"{path}: its name tells no format of word vectors; name one of {listed(writable)}")
    may_be_either = ending == ".txt" and {by_ending, chosen} == {WORD2VEC, GLOVE}
    if by_ending is not None and by_ending != chosen and not may_be_either:
        raise InputError(
            f"{path}: its name tells the format '{by_ending.name}', and '{chosen.name}' was asked for: choose another "
            f"name"
        )
    if chosen.files and ending == ".gz":
        raise InputError(f"{path}: the format '{chosen.name}' is a folder, which is not packed: leave .gz out")
    return chosen


def check_destination(path: Path, chosen: Format, *, overwrite: bool) -> None:
    """Raise `InputError` if vectors may not be written to a place in a format: before hours of work, not after."""
    if chosen.files:
        check_replaceable(path, chosen.files, overwrite=overwrite)
    elif chosen is KEYEDVECTORS:
        check_keyedvectors_writable(path, overwrite=overwrite)
    else:
        check_writable(path, overwrite=overwrite)


@dataclass(frozen=True)
class Conversion:
    """The conversion that was made: words, dimensions, and the names of the two formats."""

    count: int
    size: int
    source_format: str
    target_format: str


def open_vectors(path: str | PathLike[str], format: str | None = None, *, limit: int | None = None) -> VectorStream:
    """Open word vectors as a stream of blocks, in flat memory.

    Args:
        path: a file or folder in any format that is read, or published vectors: ``gensim:glove-twitter-100``.
        format: the name of the format; found by the content if None.
        limit: read the first so many words alone, at least 1.

    Raises:
        InputError: it is missing, unreadable, damaged or in no known format. Faults further down are raised when the
            stream reaches them.
    """
    return _opened(path, format, limit)[1]


def convert_vectors(
    source: str | PathLike[str],
    target: str | PathLike[str],
    *,
    source_format: str | None = None,
    target_format: str | None = None,
    overwrite: bool = False,
    spaces: str | None = None,
    limit: int | None = None,
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
        limit: write the first so many words alone.
        progress: called after each block with the words done, and the words in all (None if unknown).

    Raises:
        InputError: a format is unknown, the two places are the same, or as the reader and the writer do.
    """
    place = Path(target)
    check_apart(place, fspath(source))
    chosen = format_to_write(place, target_format)
    name, stream = _opened(source, source_format, limit)
    if spaces is not None:
        stream = _without_spaces(stream, spaces)
    if progress is not None:
        stream = _watched(stream, progress)
    count = write_vectors(stream, place, chosen, overwrite=overwrite)
    return Conversion(count, stream.size, name, chosen.name)


def _opened(path: str | PathLike[str], name: str | None, limit: int | None) -> tuple[str, VectorStream]:
    if limit is not None and limit < 1:
        raise InputError(f"limit must be at least 1, found {limit}")
    file = pretrained_file(fspath(path)) if is_pretrained(fspath(path)) else Path(path)
    found = format_named(name) if name is not None else format_of(file)
    stream = found.read(file)
    return found.name, stream if limit is None else limited(stream, limit)


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
