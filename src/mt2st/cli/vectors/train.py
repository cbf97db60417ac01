"""``mt2st vectors train``: word vectors from a corpus of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mt2st._files import scratch_folder
from mt2st.cli.bar import COMPILING, Bar, compiled, duration, progress_bar
from mt2st.cli.interruption import SAVING, Stop, check_keeping, interruptible
from mt2st.cli.options import parse, say
from mt2st.cli.vectors import continued, destination, glove, subwords
from mt2st.cli.vectors.train_options import GLOVE, VectorsTrainOptions, settings_of
from mt2st.errors import InputError, listed, suggestion

if TYPE_CHECKING:
    from mt2st.embedding import Footprint, Progress, WordVectors
    from mt2st.text import Corpus

_TEXTS_BETWEEN, _LONG_TEXT = 100, 10_000
"""The reading tells where it is after so many texts, or one of so many characters."""

METHODS = ("skipgram", "cbow", *subwords.METHODS, GLOVE)


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
                if options.method == GLOVE:
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
    if options.method != GLOVE:
        from mt2st.embedding import WordVectorSettings

        WordVectorSettings(**settings_of(options))


def _read(options: VectorsTrainOptions, folder: Path, stop: Stop) -> Corpus:
    from mt2st.text import Corpus, Tokeniser, iterate_texts

    with progress_bar() as bar:
        corpus = Corpus.build(
            _counted(iterate_texts(options.corpus, text=options.text), bar, stop),
            tokeniser=Tokeniser(lowercase=options.lowercase, remove_breaks=options.remove_breaks),
            min_count=options.min_count,
            directory=folder / "corpus",
        )
    say(f"{len(corpus):,} documents, {corpus.n_tokens:,} tokens, vocabulary {len(corpus.vocabulary):,}")
    return corpus


def _counted(texts: Iterator[str], bar: Bar, stop: Stop) -> Iterator[str]:
    """Pass texts on and tell how many they are."""
    characters = 0
    for number, text in enumerate(texts, 1):
        characters += len(text)
        if number % _TEXTS_BETWEEN == 0 or len(text) > _LONG_TEXT:
            stop.check()
            bar.show(None, f"reading: {number:,} documents, {characters / 1e6:,.1f} million characters")
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
    with progress_bar() as bar:

        def report(progress: Progress) -> None:
            nonlocal last
            last = progress
            check_keeping(stop)
            bar.show(progress.words / max(1, progress.total_words), _described(progress))

        def on_memory(footprint: Footprint) -> None:
            say(f"memory: at most {footprint} and the program itself")
            bar.show(None, COMPILING)

        def on_compiled(seconds: float) -> None:
            bar.end(compiled(seconds))
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
            bar.end(
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
