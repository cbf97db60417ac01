"""``mt2st vectors train``: word vectors from a corpus of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from mt2st.cli.interruption import SAVING, Stop, check_keeping, interruptible
from mt2st.cli.options import parse, say
from mt2st.cli.status_line import COMPILING, StatusLine, compiled, duration, status_line
from mt2st.cli.vectors import continued, destination, glove, subwords
from mt2st.errors import InputError, listed, suggestion
from mt2st.scratch import scratch_folder

if TYPE_CHECKING:
    from mt2st.embedding import Footprint, Progress, WordVectors
    from mt2st.text import Corpus

_TEXTS_BETWEEN, _LONG_TEXT = 100, 10_000
"""The reading tells where it is after so many texts, or one of so many characters."""

METHODS = ("skipgram", "cbow", *subwords.METHODS, glove.METHOD)


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
    sample: float = 1e-3
    """Threshold above which frequent words are thinned out; 0 keeps all."""
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


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(VectorsTrainOptions, arguments, program="mt2st vectors train", description="Train word vectors.")
    check_options(options)
    given = continued.given_vectors(options)
    from mt2st.embedding import TrainingInterrupted

    with interruptible() as stop, scratch_folder("corpus") as folder:
        interrupted: TrainingInterrupted | None = None
        try:
            with _named(options):
                corpus = _read(options, folder, stop)
                if options.method == glove.METHOD:
                    vectors = glove.train(corpus, options, given, stop)
                else:
                    vectors = _train(corpus, options, given, stop)
        except TrainingInterrupted as end:
            if not end.words:
                say("nothing was trained yet: nothing is saved")
                raise
            vectors, interrupted = end.vectors, end
        stop.finish_first(SAVING)
        destination.save(vectors, options)
    print(f"{options.output}: {len(vectors):,} vectors of {vectors.vector_size} dimensions")
    if interrupted is not None:
        say(f"{interrupted}: the vectors as far as they were trained are saved")
        return stop.exit_code
    if stop.received:
        say("the signal came after the training: its vectors are complete")
        return stop.exit_code
    return 0


def check_options(options: VectorsTrainOptions) -> None:
    """Refuse wrong options before anything is read.

    Raises:
        InputError: naming the first.
    """
    if options.method not in METHODS:
        raise InputError(
            f"unknown method '{options.method}': choose from {listed(METHODS)}.{suggestion(options.method, METHODS)}"
        )
    if options.min_count < 1:
        raise InputError(f"min_count must be 1 or more; found {options.min_count}")
    destination.check_options(options)
    subwords.check_options(options)
    glove.check_options(options)
    if options.method != glove.METHOD:
        from mt2st.embedding import WordVectorSettings

        WordVectorSettings(**settings_of(options))


def settings_of(options: VectorsTrainOptions) -> dict[str, Any]:
    """Return the settings of `mt2st.embedding.train_word_vectors` that the options give."""
    names = ("vector_size", "window", "alpha", "epochs", *subwords.ONLY_HERE)
    given = {name: getattr(options, name) for name in names}
    return {
        "method": options.method,
        "negative": options.negative,
        "sample": options.sample,
        "ns_exponent": options.ns_exponent,
        "min_alpha": options.min_alpha,
        "workers": options.workers,
        "seed": options.seed,
        **{name: value for name, value in given.items() if value is not None},
    }


def _read(options: VectorsTrainOptions, folder: Path, stop: Stop) -> Corpus:
    from mt2st.text import Corpus, Tokeniser, iterate_texts

    with status_line() as line:
        corpus = Corpus.build(
            _counted(iterate_texts(options.corpus, text=options.text), line, stop),
            tokeniser=Tokeniser(lowercase=options.lowercase, remove_breaks=options.remove_breaks),
            min_count=options.min_count,
            directory=folder / "corpus",
        )
    say(f"{len(corpus):,} documents, {corpus.n_tokens:,} tokens, vocabulary {len(corpus.vocabulary):,}")
    return corpus


def _counted(texts: Iterator[str], line: StatusLine, stop: Stop) -> Iterator[str]:
    """Pass texts on and tell how many they are."""
    characters = 0
    for number, text in enumerate(texts, 1):
        characters += len(text)
        if number % _TEXTS_BETWEEN == 0 or len(text) > _LONG_TEXT:
            stop.check()
            line.show(None, f"reading: {number:,} documents, {characters / 1e6:,.1f} million characters")
        yield text


@contextmanager
def _named(options: VectorsTrainOptions) -> Iterator[None]:
    """Let what is wrong with the corpus name it, and with the given vectors, them."""
    from mt2st.embedding.grown_vocabulary import NoSharedWordsError

    try:
        yield
    except NoSharedWordsError as error:
        raise InputError(f"--init {options.init}, corpus {options.corpus}: {error}") from error
    except InputError as error:
        if options.corpus in str(error):
            raise
        raise InputError(f"{options.corpus}: {error}") from error


def _train(corpus: Corpus, options: VectorsTrainOptions, given: list[WordVectors], stop: Stop) -> WordVectors:
    from mt2st.embedding import train_word_vectors

    last: Progress | None = None
    with status_line() as line:

        def report(progress: Progress) -> None:
            nonlocal last
            last = progress
            check_keeping(stop)
            line.show(progress.words / max(1, progress.total_words), _described(progress))

        def on_memory(footprint: Footprint) -> None:
            say(f"memory: at most {footprint} and the program itself")
            line.show(None, COMPILING)

        def on_compiled(seconds: float) -> None:
            line.end(compiled(seconds))
            stop.check()
            stop.finish_first()  # what is trained from here on is kept

        vectors = train_word_vectors(
            corpus,
            **settings_of(options),
            init_vectors=given.pop if given else None,
            frozen=continued.frozen_words(options),
            on_memory=on_memory,
            on_compiled=on_compiled,
            progress=report,
        )
        if last is not None:
            line.end(
                f"{last.words:,} words ({last.kept:,} effective) in {duration(last.seconds)}: "
                f"{last.words_per_second:,.0f} words/s ({last.effective_words_per_second:,.0f} effective), "
                f"mean loss {last.mean_loss:.4f}"
            )
    return vectors


def _described(progress: Progress) -> str:
    return (
        f"{progress.words_per_second:,.0f} words/s ({progress.effective_words_per_second:,.0f} effective)  "
        f"loss {progress.loss:.4f}  {duration(progress.seconds_left)} left"
    )
