"""``mt2st vectors train``: word vectors from a corpus of text."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from mt2st.cli.options import parse, say
from mt2st.cli.vectors import glove, subwords
from mt2st.errors import InputError, listed, suggestion

if TYPE_CHECKING:
    from mt2st.embedding import Progress, WordVectors
    from mt2st.text import Corpus

METHODS = ("skipgram", "cbow", *subwords.METHODS, glove.METHOD)


@dataclass(frozen=True)
class VectorsTrainOptions:
    """Options of ``mt2st vectors train``; the names and defaults are gensim's."""

    corpus: Annotated[str, tyro.conf.Positional]
    """Text: .txt (a document a line), .csv, .tsv, .jsonl (each also .gz), .parquet, a folder, or hf:owner/name."""
    output: Path
    """File for the vectors. Its name tells the format: .bin word2vec's binary, .kv gensim's, .glove GloVe's, anything
    else word2vec's text format; .gz compresses. With a -fasttext method, a name without an ending is a folder that
    keeps the n-grams too."""
    text: str | None = None
    """Column of the texts; needed where the corpus has several columns and none is called 'text'."""
    method: str = "skipgram"
    """skipgram, cbow, skipgram-fasttext, cbow-fasttext or glove."""
    vector_size: int = 100
    """Dimensions of the vectors."""
    window: int | None = None
    """Widest reach of a context, in words; by default 5, glove 10."""
    negative: int = 5
    """Noise words against each true one."""
    min_count: int = 5
    """Leave out words that occur less often."""
    sample: float = 1e-3
    """Threshold above which frequent words are thinned out; 0 keeps all."""
    ns_exponent: float = 0.75
    """Noise words are drawn in proportion to their count to this power."""
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
    """glove: MB for counting and holding co-occurrences, by default 1024; the rest is in temporary files (TMPDIR)."""
    min_n: int | None = None
    """-fasttext: characters of the shortest n-gram, by default 3."""
    max_n: int | None = None
    """-fasttext: characters of the longest n-gram, by default 6."""
    bucket: int | None = None
    """-fasttext: rows that all n-grams share, by default 200,000."""
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


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(VectorsTrainOptions, arguments, program="mt2st vectors train", description="Train word vectors.")
    from mt2st.embedding import SubwordVectors, TrainingInterrupted
    from mt2st.text import Corpus, Tokeniser, iterate_texts

    check_method(options.method)
    glove.check_options(options)
    subwords.check_options(options)
    with tempfile.TemporaryDirectory(prefix="mt2st-corpus-") as folder:
        corpus = Corpus.build(
            iterate_texts(options.corpus, text=options.text),
            tokeniser=Tokeniser(lowercase=options.lowercase, remove_breaks=options.remove_breaks),
            min_count=options.min_count,
            directory=Path(folder) / "corpus",
        )
        say(f"{len(corpus):,} documents, {corpus.n_tokens:,} tokens, vocabulary {len(corpus.vocabulary):,}")
        interrupted: TrainingInterrupted | None = None
        try:
            vectors = glove.train(corpus, options) if options.method == glove.METHOD else _train(corpus, options)
        except TrainingInterrupted as stop:
            vectors, interrupted = stop.vectors, stop
        if isinstance(vectors, SubwordVectors) and subwords.keeps_ngrams(options.method, options.output):
            vectors.save_folder(options.output, overwrite=options.overwrite)
        else:
            vectors.save(options.output, overwrite=options.overwrite)
    print(f"{options.output}: {len(vectors):,} vectors of {vectors.vector_size} dimensions")
    if interrupted is not None:
        say(f"{interrupted}: the vectors as far as they were trained are saved")
        return 130
    return 0


def check_method(method: str) -> None:
    """Refuse a method that does not exist, before the corpus is read.

    Raises:
        InputError: naming those that do.
    """
    if method not in METHODS:
        raise InputError(f"unknown method '{method}': choose from {listed(METHODS)}.{suggestion(method, METHODS)}")


def _train(corpus: Corpus, options: VectorsTrainOptions) -> WordVectors:
    from mt2st.embedding import train_word_vectors

    names = ("window", "alpha", "epochs", *subwords.ONLY_HERE)
    given = {name: getattr(options, name) for name in names}
    settings = {name: value for name, value in given.items() if value is not None}
    return train_word_vectors(
        corpus,
        method=options.method,
        vector_size=options.vector_size,
        negative=options.negative,
        sample=options.sample,
        ns_exponent=options.ns_exponent,
        min_alpha=options.min_alpha,
        workers=options.workers,
        seed=options.seed,
        progress=_reporter(),
        **settings,
    )


def _reporter() -> Callable[[Progress], None]:
    """Return what shows progress: a line a tenth, redrawn in a terminal."""
    shown = -1

    def report(progress: Progress) -> None:
        nonlocal shown
        tenth = 10 * progress.words // max(1, progress.total_words)
        if tenth == shown:
            return
        shown = tenth
        say(
            f"{progress.words / max(1, progress.total_words):4.0%}  {progress.words_per_second:,.0f} words/s  "
            f"loss {progress.loss:.4f}  {progress.seconds_left:.0f} s left"
        )

    return report
