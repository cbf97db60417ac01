"""Word vectors: train, query, read and write.

`WordVectors` holds words and their vectors, `SubwordVectors` those of their character n-grams too.
`train_word_vectors` makes them from a corpus with the compiled kernels of `mt2st.embedding.kernels`, which also serve
as the word-context task of multi-task training: they update tables that torch owns. `mt2st.embedding.formats` reads and
writes vectors in every common format.

Importing this package loads neither numba nor torch; importing the kernels loads numba.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mt2st._lazy import lazily

if TYPE_CHECKING:
    from mt2st.embedding.checkpoint import VectorCheckpoints
    from mt2st.embedding.formats.catalogue import Conversion, convert_vectors, open_vectors
    from mt2st.embedding.formats.stream import VectorStream
    from mt2st.embedding.glove import train_glove
    from mt2st.embedding.memory import Footprint
    from mt2st.embedding.settings import GloveSettings, WordVectorSettings
    from mt2st.embedding.subword_vectors import SubwordVectors, load_vectors
    from mt2st.embedding.subwords import SubwordRows, SubwordSettings
    from mt2st.embedding.training import TrainingInterrupted, VectorProgress, train_word_vectors
    from mt2st.embedding.word_vectors import UnknownWordError, WordVectors

__all__ = [
    "Conversion",
    "Footprint",
    "GloveSettings",
    "SubwordRows",
    "SubwordSettings",
    "SubwordVectors",
    "TrainingInterrupted",
    "UnknownWordError",
    "VectorCheckpoints",
    "VectorProgress",
    "VectorStream",
    "WordVectorSettings",
    "WordVectors",
    "convert_vectors",
    "load_vectors",
    "open_vectors",
    "train_glove",
    "train_word_vectors",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "checkpoint": "VectorCheckpoints",
        "formats.catalogue": "Conversion convert_vectors open_vectors",
        "formats.stream": "VectorStream",
        "glove": "train_glove",
        "memory": "Footprint",
        "settings": "GloveSettings WordVectorSettings",
        "subword_vectors": "SubwordVectors load_vectors",
        "subwords": "SubwordRows SubwordSettings",
        "training": "TrainingInterrupted VectorProgress train_word_vectors",
        "word_vectors": "UnknownWordError WordVectors",
    },
)
