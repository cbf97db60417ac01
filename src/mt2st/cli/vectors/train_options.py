"""The options of ``mt2st vectors train``, and the settings they give."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

GLOVE = "glove"
"""The method that counts co-occurrences; the others go over the text."""
OF_NGRAMS = ("min_n", "max_n", "bucket")
"""The options that only the -fasttext methods read."""


@dataclass(frozen=True)
class VectorsTrainOptions:
    """Options of ``mt2st vectors train``; the names and defaults are gensim's."""

    corpus: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="CORPUS")]
    """Text: .txt (a document a line), .csv, .tsv, .jsonl (each also .gz), .parquet, a folder, or hf:owner/name."""
    output: Path
    """File or folder for the vectors. Its name tells the format: .bin word2vec's binary, .kv gensim's, .glove GloVe's,
    .vec and .txt word2vec's text; .gz compresses. Any other name is word2vec's text too, or, with a -fasttext method, a
    folder that keeps the n-grams."""
    to: str | None = None
    """Format to write, where the name does not tell it: word2vec, word2vec-binary, glove, keyedvectors, safetensors or
    static-embedding (folders), ngrams (the folder of a -fasttext method)."""
    text: str | None = None
    """Column of the texts; needed where the corpus has several columns and none is called 'text'."""
    method: str = "skipgram"
    """skipgram, cbow, skipgram-fasttext, cbow-fasttext or glove."""
    vector_size: int | None = None
    """Dimensions of the vectors, by default 100, or those of --init."""
    window: int | None = None
    """Widest reach of a context, in words; by default 5, glove 10."""
    negative: int = 5
    """Weight of noise against each true word, in noise words, 1 to 100. The kernels draw their own number and share
    them: a larger weight takes no more time."""
    min_count: int = 5
    """Leave out words that occur less often."""
    sample: float | None = None
    """Threshold above which frequent words are thinned out, by default 0.001; 0 keeps all, which is glove's default."""
    ns_exponent: float = 0.75
    """Noise words are drawn in proportion to their count to this power, -5 to 5."""
    alpha: float | None = None
    """Learning rate at the start, by default 0.025; glove's own throughout, by default 0.05."""
    min_alpha: float = 1e-4
    """Learning rate at the end."""
    epochs: int | None = None
    """Passes over the corpus, by default 5; of glove over its co-occurrences, by default 25."""
    x_max: float | None = None
    """glove: co-occurrences from which on a pair has its full weight, by default 100; 10 suits a few million words."""
    weight_exponent: float | None = None
    """glove: of the weight of rarer pairs, by default 0.75."""
    memory: float | None = None
    """glove: MB for counting and holding co-occurrences, by default 1024, at least 4; the rest is in files (TMPDIR)."""
    min_n: int | None = None
    """-fasttext: characters of the shortest n-gram, by default 3."""
    max_n: int | None = None
    """-fasttext: characters of the longest n-gram, by default 6."""
    bucket: int | None = None
    """-fasttext: rows that all n-grams share, by default 200,000."""
    init: str | None = None
    """Go on from these vectors: a file or folder in any format, or gensim:NAME. The result has their words and those
    of the corpus. With a -fasttext method, a folder that it wrote or fastText's .bin."""
    freeze: str | None = None
    """Words of --init whose vectors must not change: 'known' for all, or a file with one a line."""
    workers: int = 1
    """Threads. One repeats a seed's result to the bit; several do not."""
    seed: int = 1
    """Decides the first vectors, the windows and the noise."""
    lowercase: bool = True
    """Lower-case all text."""
    remove_breaks: bool = True
    """Read HTML line breaks as spaces."""
    overwrite: bool = False
    """Replace the output file."""


def settings_of(options: VectorsTrainOptions) -> dict[str, Any]:
    """Return the settings of `mt2st.embedding.train_word_vectors` that the options give."""
    names = ("vector_size", "window", "sample", "alpha", "epochs", *OF_NGRAMS)
    given = {name: getattr(options, name) for name in names}
    return {
        "method": options.method,
        "negative": options.negative,
        "ns_exponent": options.ns_exponent,
        "min_alpha": options.min_alpha,
        "workers": options.workers,
        "seed": options.seed,
        **{name: value for name, value in given.items() if value is not None},
    }


def glove_settings_of(options: VectorsTrainOptions) -> dict[str, Any]:
    """Return the settings of `mt2st.embedding.train_glove` that the options give."""
    given = {
        "vector_size": options.vector_size,
        "window": options.window,
        "sample": options.sample,
        "learning_rate": options.alpha,
        "epochs": options.epochs,
        "x_max": options.x_max,
        "alpha": options.weight_exponent,
        "memory_mb": options.memory,
        "workers": options.workers,
        "seed": options.seed,
    }
    return {name: value for name, value in given.items() if value is not None}
