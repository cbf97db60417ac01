"""First word vectors that several runs share: trained by the first that needs them, found by the others."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from mt2st._files import complete_file
from mt2st.errors import InputError
from mt2st.models.settings import GLOVE, ModelSettings
from mt2st.models.start import Start, start_rate
from mt2st.models.word_embedding import subword_settings
from mt2st.text import Corpus


@dataclass(frozen=True)
class KeptStarts:
    """A folder of first vectors, by a hash of all that decides them.

    Runs of several processes may use it at once: one trains, under a lock, while those that need the same vectors wait.

    Attributes:
        folder: where; made when it is not there.
    """

    folder: Path

    def start(self, settings: ModelSettings, corpus: Corpus, train: Callable[[], Start]) -> Start:
        """Return the vectors that the settings and the corpus decide: kept ones, or those that ``train`` makes.

        Raises:
            InputError: when the folder cannot be written, or what it holds is broken.
        """
        path = self.folder / f"{_key(settings, corpus)}.safetensors"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.folder} cannot be made: {error.strerror}") from error
        with _locked(path.with_suffix(".lock")):
            if path.is_file():
                return _read(path)
            first = train()
            about = {"known": str(first.known), "seconds": repr(first.seconds)}
            with complete_file(path, overwrite=True) as file:
                file.write(save({"table": first.table}, metadata=about))
        return first


def _key(settings: ModelSettings, corpus: Corpus) -> str:
    embedding, context, ngrams = settings.embedding, settings.context, subword_settings(settings)
    # Defaults count by their values: another version's vectors are not taken for these.
    given = {
        **asdict(embedding),
        "n-grams": [ngrams.min_n, ngrams.max_n, ngrams.bucket, settings.has_ngrams],
        "rate": start_rate(embedding.init),
        "window": settings.window,
        "seed": settings.seed,
    }
    if embedding.init == GLOVE:
        given |= {"sample": context.glove_sample, "x_max": context.x_max}
    else:
        given |= {"sample": context.sample, "negative": context.negative}
    digest = hashlib.sha256(json.dumps(given).encode())
    digest.update("\n".join(corpus.vocabulary.tokens).encode("utf-8", "surrogatepass"))
    digest.update(np.ascontiguousarray(corpus.ids).data)
    digest.update(np.ascontiguousarray(corpus.offsets).data)
    return digest.hexdigest()[:16]


def _read(path: Path) -> Start:
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata()
            return Start(file.get_tensor("table"), int(about["known"]), float(about["seconds"]))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is broken ({error}): delete it, and its vectors are trained again") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock; where the file system knows none, two runs may train the same vectors, and keep the same."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
