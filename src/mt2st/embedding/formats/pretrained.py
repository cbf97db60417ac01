"""Vectors that others published, by name: ``gensim:glove-twitter-100``, through gensim's downloader."""

from __future__ import annotations

import logging
import os
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path

from mt2st.errors import InputError, MissingExtraError

PREFIX = "gensim:"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def is_pretrained(name: str) -> bool:
    """Tell whether a name is one of published vectors, not of a file.

    Example:
        >>> is_pretrained("gensim:glove-twitter-100"), is_pretrained("glove.txt")
        (True, False)
    """
    return name.startswith(PREFIX)


def pretrained_file(name: str) -> Path:
    """Return the file of published vectors, fetched if it is not there yet.

    A file that is in the downloader's folder (``GENSIM_DATA_DIR``, else ``~/gensim-data``) is used as it is: without
    network, and without gensim.

    Args:
        name: ``gensim:`` and a name from https://github.com/piskvorky/gensim-data, such as ``glove-twitter-100``.

    Raises:
        MissingExtraError: the file is not there and gensim is not installed.
        InputError: the name is impossible or unknown, or the file can be neither found nor fetched; the message says
            which file to place where.
    """
    model = name.removeprefix(PREFIX)
    if not _NAME.fullmatch(model):
        raise InputError(f"'{name}' names no published vectors; an example is {PREFIX}glove-twitter-100")
    folder = Path(os.environ.get("GENSIM_DATA_DIR", "~/gensim-data")).expanduser()
    file = folder / model / f"{model}.gz"
    if file.is_file():
        return file
    try:
        from gensim import downloader
    except ImportError as error:
        raise MissingExtraError(f"fetching {name} (there is no {file})", "gensim") from error
    logger = logging.getLogger(downloader.__name__)
    was_disabled, logger.disabled = logger.disabled, True  # it logs a traceback when there is no network
    try:
        with redirect_stdout(sys.stderr):  # its progress bar; results alone go to stdout
            return Path(downloader.load(model, return_path=True))
    except Exception as error:  # the downloader raises Exception itself
        known = "Incorrect model" not in str(error)
        raise InputError(
            f"{name} cannot be fetched ({error}). "
            + (f"Without network, place the file as {file}" if known else "See gensim-data for the names there are")
        ) from error
    finally:
        logger.disabled = was_disabled
