"""What ``mt2st vectors train`` does differently for vectors with n-grams: their options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mt2st.cli.vectors.train_options import OF_NGRAMS
from mt2st.errors import InputError, listed

if TYPE_CHECKING:
    from mt2st.cli.vectors.train_options import VectorsTrainOptions

METHODS = ("skipgram-fasttext", "cbow-fasttext")


def check_options(options: VectorsTrainOptions) -> None:
    """Refuse options that the method would not heed.

    Raises:
        InputError: naming them.
    """
    given = [name for name in OF_NGRAMS if getattr(options, name) is not None]
    if given and options.method not in METHODS:
        flags = listed(f"--{name.replace('_', '-')}" for name in given)
        raise InputError(f"{flags} cannot be given with --method {options.method}: it has no n-grams")
