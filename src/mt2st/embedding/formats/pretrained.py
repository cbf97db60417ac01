"""Vectors that others published, by name: ``gensim:glove-twitter-100``, through gensim's downloader."""

from __future__ import annotations

import logging
import os
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path

from mt2st.errors import InputError, MissingExtraError, suggestion

PREFIX = "gensim:"
PUBLISHED = (
    "conceptnet-numberbatch-17-06-300",
    "fasttext-wiki-news-subwords-300",
    *(f"glove-twitter-{size}" for size in (25, 50, 100, 200)),
    *(f"glove-wiki-gigaword-{size}" for size in (50, 100, 200, 300)),
    "word2vec-google-news-300",
    "word2vec-ruscorpora-300",
)
"""What gensim-data has for word vectors, known without network. Others are asked for too: there may be new ones."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def is_pretrained(name: str) -> bool:
    """Tell whether a name is one of published vectors, not of a file."""
    return name.startswith(PREFIX)


def pretrained_file(name: str) -> Path:
    """Return the file of published vectors, downloaded if it is not there yet.

    A file in the downloader's folder (``GENSIM_DATA_DIR``, else ``~/gensim-data``) is used as it is, without network
    and without gensim. If none can be had, the `InputError` says which file to place where, and which names are known.
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
        advice = f"Without network, place the file as {file}"
        if model not in PUBLISHED:
            advice = (
                f"No vectors of that name are known.{suggestion(model, PUBLISHED)} Known: {', '.join(PUBLISHED)}. If "
                f"there are such all the same, place the file as {file}"
            )
        raise InputError(f"{name} cannot be fetched ({error}). {advice}") from error
    finally:
        logger.disabled = was_disabled
