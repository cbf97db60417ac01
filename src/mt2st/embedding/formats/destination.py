"""In which format vectors are written: the one that is named, or that the place's name tells; none that misleads."""

from __future__ import annotations

from pathlib import Path

from mt2st._files import check_writable
from mt2st.embedding.formats import ngram_folder, safetensors_folder, static_embedding
from mt2st.embedding.formats.catalogue import (
    FORMATS,
    GLOVE,
    KEYEDVECTORS,
    NGRAMS,
    SAFETENSORS,
    STATIC_EMBEDDING,
    WORD2VEC,
    Format,
    format_by_name_of,
    format_named,
)
from mt2st.embedding.formats.folders import check_replaceable
from mt2st.embedding.formats.keyedvectors import check_keyedvectors_writable
from mt2st.errors import InputError, listed

FOLDERS = {
    SAFETENSORS: (safetensors_folder.VECTORS, safetensors_folder.VOCABULARY),
    STATIC_EMBEDDING: (static_embedding.VECTORS, static_embedding.TOKENIZER),
    NGRAMS: (ngram_folder.SETTINGS_FILE,),
}
"""The formats that are folders, and files by which each is told."""

_FOREIGN = (
    ".safetensors", ".npy", ".npz", ".pt", ".pth", ".ckpt", ".h5", ".onnx", ".pkl", ".pickle", ".json", ".jsonl",
    ".csv", ".tsv", ".parquet", ".zip", ".tar", ".tgz", ".bz2", ".xz", ".zst",
)  # fmt: skip
"""Endings of files that no vectors are written to, so that a reader would be misled."""


def format_to_write(path: Path, name: str | None = None, *, otherwise: Format | None = None) -> Format:
    """Return the format in which vectors are to be written to a place.

    Args:
        path: the place; only its name counts.
        name: the name of the format; None to take what the place's name tells.
        otherwise: the format where neither tells one.

    Raises:
        InputError: an unknown format, none at all, or one that the place's name belies.

    Example:
        >>> format_to_write(Path("v.bin")).name, format_to_write(Path("v.1"), otherwise=WORD2VEC).name
        ('word2vec-binary', 'word2vec')
        >>> format_to_write(Path("v.bin"), "glove")
        Traceback (most recent call last):
        mt2st.errors.InputError: v.bin: its name tells the format 'word2vec-binary', and 'glove' was asked for: ...
    """
    told = format_by_name_of(path)
    chosen = format_named(name) if name is not None else told or otherwise
    ending = path.suffix.lower()
    if ending in _FOREIGN and (name is None or ending != f".{name}"):
        raise InputError(
            f"{path}: no vectors are written to a file of the kind {ending}: choose another ending, or for a folder "
            f"none, and name the format"
        )
    if chosen is None:
        writable = [each.name for each in FORMATS if each.write]
        raise InputError(f"{path}: its name tells no format of word vectors; name one of {listed(writable)}")
    if told not in (None, chosen) and not (ending == ".txt" and {told, chosen} == {WORD2VEC, GLOVE}):
        assert told is not None
        raise InputError(
            f"{path}: its name tells the format '{told.name}', and '{chosen.name}' was asked for: choose another name"
        )
    if chosen in FOLDERS and ending == ".gz":
        raise InputError(f"{path}: the format '{chosen.name}' is a folder, which is not packed: leave .gz out")
    return chosen


def check_destination(path: Path, chosen: Format, *, overwrite: bool) -> None:
    """Raise if vectors may not be written to a place in a format; ask before hours of work, not after.

    Raises:
        InputError: it exists and ``overwrite`` is false, is something else, or lies in no existing folder.
    """
    if chosen in FOLDERS:
        check_replaceable(path, FOLDERS[chosen], overwrite=overwrite)
    elif chosen is KEYEDVECTORS:
        check_keyedvectors_writable(path, overwrite=overwrite)
    else:
        check_writable(path, overwrite=overwrite)
