"""The folder of a trained model (``mt2st train``), as word vectors: parameters, vocabulary and settings, without torch.

The word embedding is the parameter ``embedding.weight``: a row for each token of the vocabulary, ``<pad>`` and
``<unk>`` first, which are no words. Where words are made of n-grams, the rows of the vocabulary's n-grams follow
(`mt2st.embedding.subwords.KnownSubwords`). The output folder of ``mt2st train``, which holds ``model/``, will do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.formats.model_files import CONFIG, FILES, HASHES, PARAMETERS, VOCABULARY, check_hashes, model_home
from mt2st.embedding.formats.ngrams import NgramTable, read_json
from mt2st.embedding.formats.safetensors import Tensor, matrix_of
from mt2st.embedding.formats.stream import Block, VectorStream, checked, rows_per_block, stream_of
from mt2st.embedding.subwords import KnownSubwords, SubwordSettings
from mt2st.errors import InputError
from mt2st.text.vocabulary import SPECIALS, Vocabulary

TENSOR = "embedding.weight"


def read_model_folder(folder: Path) -> VectorStream:
    """Open the word vectors of a trained model."""
    model = _Model.opened(folder)
    tokens, table, known = model.tokens, model.table(), model.known
    if known is None:
        return stream_of(tokens[len(SPECIALS) :], table[len(SPECIALS) :], folder)

    def blocks() -> Iterator[Block]:
        step = rows_per_block(table.shape[1])
        for start in range(len(SPECIALS), len(tokens), step):
            stop = min(start + step, len(tokens))
            yield list(tokens[start:stop]), known.rows.composed(table, slice(start, stop))

    count = len(tokens) - len(SPECIALS)
    return checked(VectorStream(table.shape[1], count, blocks, lambda row: f"{folder}, word {row + 1}"))


def open_model_ngrams(folder: Path) -> NgramTable | None:
    """Open the word vectors of a trained model with their n-grams; None if its words are made of none."""
    model = _Model.opened(folder)
    known, words = model.known, list(model.tokens[len(SPECIALS) :])
    if known is None:
        return None
    return NgramTable(words, model.matrix.shape[1], known.settings, lambda: (known.whole_table(model.table()),))


@dataclass(frozen=True)
class _Model:
    tokens: tuple[str, ...]
    matrix: Tensor
    known: KnownSubwords | None

    @classmethod
    def opened(cls, folder: Path) -> _Model:
        home = model_home(folder)
        if home is None:
            raise InputError(f"{folder} is no folder of a trained model: it needs {', '.join(FILES)}")
        tokens = Vocabulary.load(home / VOCABULARY).tokens
        matrix = matrix_of(home / PARAMETERS, TENSOR)
        config = read_json(home / CONFIG)
        if isinstance(config, dict) and HASHES in config:
            check_hashes(home, config)
        if len(tokens) == len(SPECIALS):
            raise InputError(f"{home / VOCABULARY}: there is no word")
        if matrix.shape[0] == len(tokens):
            return cls(tokens, matrix, None)
        known = KnownSubwords.of(tokens, _ngram_settings(home / CONFIG))
        if matrix.shape[0] != known.rows.table_rows:
            raise InputError(
                f"{home}: '{TENSOR}' has {matrix.shape[0]:,} rows, but the vocabulary has {len(tokens):,} tokens, "
                f"or {known.rows.table_rows:,} rows with n-grams"
            )
        return cls(tokens, matrix, known)

    def table(self) -> NDArray[np.float32]:
        if self.matrix.kind == "F32":
            return self.matrix.mapped()
        return np.concatenate(list(self.matrix.blocks()))


def _ngram_settings(path: Path) -> SubwordSettings:
    config = read_json(path)
    try:
        group = config["settings"]["embedding"]  # type: ignore[index]
        given = {name: group[name] for name in ("min_n", "max_n", "bucket") if group.get(name) is not None}
        return SubwordSettings(**given)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: has no settings of the embedding, which its n-grams need") from error
