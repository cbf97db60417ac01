"""What ``mt2st vectors`` does differently for vectors with n-grams: their options, and the folder that keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mt2st.errors import InputError, listed
from mt2st.files import check_writable

if TYPE_CHECKING:
    from mt2st.cli.vectors.train import VectorsTrainOptions

METHODS = ("skipgram-fasttext", "cbow-fasttext")
ONLY_HERE = ("min_n", "max_n", "bucket")


def check_options(options: VectorsTrainOptions) -> None:
    """Refuse options that the method would not heed, and a place where its vectors may not be written.

    Raises:
        InputError: naming them.
    """
    given = [name for name in ONLY_HERE if getattr(options, name) is not None]
    if given and options.method not in METHODS:
        flags = listed(f"--{name.replace('_', '-')}" for name in given)
        raise InputError(f"{flags} cannot be given with --method {options.method}: it has no n-grams")
    if keeps_ngrams(options.method, options.output):
        from mt2st.embedding.subword_vectors import check_folder_writable

        check_folder_writable(options.output, overwrite=options.overwrite)
    else:
        check_writable(options.output, overwrite=options.overwrite)


def keeps_ngrams(method: str, output: Path) -> bool:
    """Return whether vectors go into a folder with their n-grams: the method has such and the name has no ending."""
    return method in METHODS and not output.suffix
