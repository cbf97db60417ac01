"""All formats, and how the format of a file is found: by what is in it to read, by its name to write."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mt2st.embedding.formats import fasttext_binary, ngram_folder, safetensors_folder, static_embedding
from mt2st.embedding.formats.fasttext_binary import read_fasttext_binary
from mt2st.embedding.formats.glove_text import read_glove_text, write_glove_text
from mt2st.embedding.formats.keyedvectors import read_keyedvectors, write_keyedvectors
from mt2st.embedding.formats.ngram_folder import read_ngram_folder
from mt2st.embedding.formats.safetensors_folder import read_safetensors_folder, write_safetensors_folder
from mt2st.embedding.formats.source import Source
from mt2st.embedding.formats.static_embedding import read_static_embedding, write_static_embedding
from mt2st.embedding.formats.stream import MOST_DIMENSIONS, VectorStream
from mt2st.embedding.formats.text_rows import HEAD, excerpt, longest_line, looks_binary
from mt2st.embedding.formats.word2vec_binary import read_word2vec_binary, write_word2vec_binary
from mt2st.embedding.formats.word2vec_text import parsed_header, read_word2vec_text, write_word2vec_text
from mt2st.errors import InputError, listed, suggestion


class Writer(Protocol):
    """Writes a stream to a place, whole or not at all, and returns the number of words."""

    def __call__(self, stream: VectorStream, path: Path, *, overwrite: bool = False) -> int:
        """Write."""


@dataclass(frozen=True)
class Format:
    """One way to keep word vectors in files.

    Attributes:
        name: what the command line calls it.
        read: opens a file or folder as a stream.
        write: writes a stream; None where that is not done.
        suffixes: ends of file names that tell it, in lower case, without ``.gz``.
        packs: whether its files may be gzip files, which a further ``.gz`` asks for.
    """

    name: str
    read: Callable[[Path], VectorStream]
    write: Writer | None
    suffixes: tuple[str, ...] = ()
    packs: bool = False


WORD2VEC = Format("word2vec", read_word2vec_text, write_word2vec_text, (".vec", ".w2v", ".txt"), packs=True)
WORD2VEC_BINARY = Format("word2vec-binary", read_word2vec_binary, write_word2vec_binary, (".bin",), packs=True)
GLOVE = Format("glove", read_glove_text, write_glove_text, (".glove", ".glove.txt"), packs=True)
KEYEDVECTORS = Format("keyedvectors", read_keyedvectors, write_keyedvectors, (".kv", ".model"))
FASTTEXT = Format("fasttext", read_fasttext_binary, None)
SAFETENSORS = Format("safetensors", read_safetensors_folder, write_safetensors_folder)
STATIC_EMBEDDING = Format("static-embedding", read_static_embedding, write_static_embedding)
NGRAMS = Format("ngrams", read_ngram_folder, None)

FORMATS = (WORD2VEC, WORD2VEC_BINARY, GLOVE, KEYEDVECTORS, FASTTEXT, SAFETENSORS, STATIC_EMBEDDING, NGRAMS)
"""Every format there is. ``word2vec`` is fastText's ``.vec`` too."""


def format_named(name: str) -> Format:
    """Return the format of a name.

    Raises:
        InputError: there is none; the message names those there are.

    Example:
        >>> format_named("glove").suffixes[0]
        '.glove'
    """
    found = next((each for each in FORMATS if each.name == name), None)
    if found is None:
        names = [each.name for each in FORMATS]
        raise InputError(f"unknown format '{name}' of word vectors.{suggestion(name, names)} Known: {listed(names)}")
    return found


def format_by_name_of(path: Path) -> Format | None:
    """Return the format that a file's name tells; None if it tells none.

    Raises:
        InputError: it tells a format whose files are not packed, and ends in ``.gz``.

    Example:
        >>> format_by_name_of(Path("news.VEC.gz")).name, format_by_name_of(Path("news"))
        ('word2vec', None)
    """
    found = _told_by_name(path)
    if found is not None and path.name.lower().endswith(".gz") and not found.packs:
        raise InputError(f"{path}: files in the format '{found.name}' are not packed: give a name without .gz")
    return found


def _told_by_name(path: Path) -> Format | None:
    name = path.name.lower().removesuffix(".gz")
    if name.startswith("glove.") and name.endswith(".txt"):  # as the published ones are called: glove.6B.100d.txt
        return GLOVE
    fitting = [(suffix, each) for each in FORMATS for suffix in each.suffixes if name.endswith(suffix)]
    return max(fitting, key=lambda pair: len(pair[0]))[1] if fitting else None


def format_of(path: Path) -> Format:
    """Return the format of a file or folder, found by what is in it, and only where that tells nothing by its name.

    What tells nothing is a first line of two numbers that may be word2vec's header or a word and value of GloVe's.

    Raises:
        InputError: it cannot be read, or is in no format that is known.
    """
    if path.is_dir():
        return _format_of_folder(path)
    found = _format_of_file(path) or format_by_name_of(path)
    if found is None:
        with Source(path) as source:
            line = source.readline(HEAD)
        raise InputError(
            f"{path}: in none of the known formats of word vectors ({_names(FORMATS)}); its first line is "
            f"{excerpt(line)}. If it is one of them, name the format"
        )
    return found


def _format_of_folder(folder: Path) -> Format:
    if (folder / ngram_folder.SETTINGS_FILE).is_file():
        return NGRAMS
    for home in (folder, folder / static_embedding.NESTED):
        if all((home / name).is_file() for name in (static_embedding.VECTORS, static_embedding.TOKENIZER)):
            return STATIC_EMBEDDING
    if (folder / safetensors_folder.VECTORS).is_file():
        return SAFETENSORS
    raise InputError(
        f"cannot read {folder}: a folder of word vectors holds {static_embedding.VECTORS} and "
        f"{static_embedding.TOKENIZER}, {safetensors_folder.VECTORS} and {safetensors_folder.VOCABULARY}, or "
        f"{ngram_folder.TABLE_FILE}, {ngram_folder.WORDS_FILE} and {ngram_folder.SETTINGS_FILE}"
    )


def _format_of_file(path: Path) -> Format | None:
    with Source(path) as source:
        line = source.readline(longest_line(MOST_DIMENSIONS))
        if line.startswith(fasttext_binary.MAGIC):
            return FASTTEXT
        if len(line) > 1 and line[0] == 0x80 and line[1] in range(2, 6):  # PROTO and a version: a pickle
            return KEYEDVECTORS
        header = parsed_header(line)
        if header is None:
            return GLOVE if _is_word_and_numbers(line) else None
        rest = source.read(HEAD)
        if looks_binary(rest):
            return WORD2VEC_BINARY
    return GLOVE if _told_by_name(path) is GLOVE and not _follows_header(rest, header[1]) else WORD2VEC


def _follows_header(rest: bytes, size: int) -> bool:
    """Tell whether the line behind two numbers has ``size`` values, so that they were a header, no word and its value.

    Behind ``2 1`` a word and a number may follow in either case.
    """
    line, end, _ = rest.partition(b"\n")
    return size > 1 and (not end or len(line.split()) == size + 1)


def _is_word_and_numbers(line: bytes) -> bool:
    fields = line.split()
    try:
        float(fields[-1])
    except (ValueError, IndexError):
        return False
    return len(fields) > 1


def _names(formats: Iterable[Format]) -> str:
    return ", ".join(each.name for each in formats)


def write_vectors(stream: VectorStream, path: Path, chosen: Format, *, overwrite: bool = False) -> int:
    """Write a stream in a format; return the number of words.

    Raises:
        InputError: the format is only read, or as its writer does.
    """
    if chosen.write is None:
        raise InputError(f"vectors are not written in the format '{chosen.name}': choose another")
    return chosen.write(stream, path, overwrite=overwrite)
