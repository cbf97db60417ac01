"""``mt2st vectors train``: word vectors from a corpus of text."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from glob import glob
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from signal import SIGINT
from threading import Event
from typing import TYPE_CHECKING, Any

from mt2st._files import check_apart, check_new_file, check_place, check_space, restore, scratch_folder
from mt2st._lock import only_writer
from mt2st.cli.interruption import Interrupted, stopped_by_signals
from mt2st.cli.launched import launched
from mt2st.cli.options import named_by_flags, parse
from mt2st.cli.run_folder import kept
from mt2st.cli.terminal import Bar, duration, progress_bar, say
from mt2st.cli.vectors.train_options import (
    GLOVE,
    VectorsTrainOptions,
    check_options,
    frozen_words,
    given_vectors,
    names_of_glove,
    settings_of,
)
from mt2st.embedding.settings import SUBWORD_METHODS, VECTOR_SIZE
from mt2st.errors import DivergedError, InputError, LostProcessError, MissingExtraError, NotWrittenError, listed

if TYPE_CHECKING:
    from mt2st.embedding import VectorCheckpoints, VectorProgress, WordVectors
    from mt2st.embedding.formats.catalogue import Format
    from mt2st.embedding.memory import Footprint
    from mt2st.text import Corpus
    from mt2st.training import Alone

STATE = "state"
"""The checkpoint's files in its folder, next to the lock."""
_TEXTS_BETWEEN, _LONG_TEXT = 100, 10_000
"""Reading shows its progress after so many texts, or one of so many characters."""
SAVING = "saving the vectors first; once more ends the program without them"


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(VectorsTrainOptions, arguments, program="mt2st vectors train", description="Train word vectors.")
    with named_by_flags(type(options), names_of_glove(options)), launched() as processes:
        check_options(options)
        every = 60 * options.checkpoint_minutes
        if processes is not None and options.method == GLOVE:
            raise InputError(f"--method {GLOVE} counts in one process: choose another method, or train in one")
        if processes is not None and processes.rank:
            return _trained(options, None, given_vectors(options), None, processes)
        return _in_first(options, every, processes)


def _in_first(options: VectorsTrainOptions, every: float, processes: Alone | None) -> int:
    """Train in the first process, or the only one, which writes and tells."""
    chosen = _checked_format(options)
    if options.fallback is not None:
        check_place(options.fallback, "--fallback")
    place = options.checkpoint or options.output.with_name(f"{options.output.name}.checkpoint")
    check_place(place, "--checkpoint")
    with only_writer(place, f"--checkpoint {place}"):
        given = given_vectors(options)
        return _trained(options, chosen, given, _checkpoints(options, place / STATE, every), processes)


def _checkpoints(options: VectorsTrainOptions, state: Path, seconds: float) -> VectorCheckpoints:
    """Return what saves the training; refuse to begin where one was interrupted, or to go on where none was."""
    from mt2st.embedding import VectorCheckpoints

    restore(state.parent)
    if options.resume and not state.is_dir():
        raise InputError(f"--resume: there is no interrupted training in {state.parent}")
    if state.is_dir() and not (options.resume or options.overwrite):
        raise InputError(
            f"{state.parent} holds an interrupted training: go on with it by --resume, or begin again by --overwrite"
        )
    return VectorCheckpoints(state, seconds=seconds, resume=options.resume)


def _trained(
    options: VectorsTrainOptions,
    chosen: Format | None,
    given: list[WordVectors],
    checkpoints: VectorCheckpoints | None,
    processes: Alone | None,
) -> int:
    from mt2st.embedding import TrainingInterrupted

    keeping = Event()  # from when on there are vectors to keep; before, a signal ends the program at once
    with stopped_by_signals(keeping.is_set, SAVING) as received, scratch_folder("corpus") as folder:
        interrupted: TrainingInterrupted | None = None
        try:
            with _named(options):
                corpus = _read(options, folder, processes)
                vectors = _train(corpus, options, given, checkpoints, processes, keeping, received)
        except TrainingInterrupted as end:
            if checkpoints is None or not end.done:
                say("nothing was trained yet: nothing is saved")
                raise Interrupted(received[0] if received else SIGINT) from end
            vectors, interrupted = end.vectors, end
        if chosen is None or checkpoints is None:  # the first process keeps the vectors
            return 0
        output = kept(lambda place: _save(vectors, place, options, chosen), options.output, _second_place(options))
        if interrupted is None:
            shutil.rmtree(checkpoints.folder, ignore_errors=True)
    print(f"{output}: {len(vectors):,} vectors of {vectors.vector_size} dimensions")
    if interrupted is not None:
        go_on = f"; --resume --overwrite goes on from {checkpoints.folder.parent}" * checkpoints.folder.is_dir()
        if isinstance(interrupted.__cause__, LostProcessError):
            say(str(interrupted.__cause__))
        say(f"{interrupted}: the vectors as far as they were trained are saved{go_on}")
    elif received:
        say("the signal came after the training: its vectors are complete")
    else:
        return 0
    return 128 + (received[0] if received else SIGINT)


def _checked_format(options: VectorsTrainOptions) -> Format:
    """Return the format to write; refuse a place where the vectors may not be written, or not in that format."""
    from mt2st.embedding.formats.catalogue import KEYEDVECTORS, NGRAMS, WORD2VEC, check_destination, format_to_write

    second = _second_place(options)
    check_new_file(options.output, "--output")
    for each in _files(options.corpus):
        for place in (options.output, second):
            if place is not None:
                check_apart(place, each)
    otherwise = NGRAMS if options.method in SUBWORD_METHODS else WORD2VEC
    chosen = format_to_write(options.output, options.to, otherwise=otherwise)
    if chosen is NGRAMS and options.method not in SUBWORD_METHODS:
        raise InputError(
            f"--to ngrams cannot be given with --method {options.method}: only {listed(SUBWORD_METHODS)} have n-grams"
        )
    if chosen.write is None and chosen is not NGRAMS:
        raise InputError(f"--to {chosen.name}: vectors are not written in this format: choose another")
    check_destination(options.output, chosen, overwrite=options.overwrite)
    if second is not None and second.parent.is_dir():
        check_destination(second, chosen, overwrite=options.overwrite)
    if chosen is KEYEDVECTORS and find_spec("gensim") is None:
        raise MissingExtraError(f"writing {options.output} in gensim's format", "gensim")
    return chosen


def _second_place(options: VectorsTrainOptions) -> Path | None:
    return options.fallback / options.output.name if options.fallback is not None else None


def _save(vectors: WordVectors, output: Path, options: VectorsTrainOptions, chosen: Format) -> Path:
    """Write the vectors, and return where; say so if that loses their n-grams."""
    from mt2st.embedding import SubwordVectors
    from mt2st.embedding.formats.catalogue import NGRAMS

    if chosen is NGRAMS and isinstance(vectors, SubwordVectors):
        vectors.save_folder(output, overwrite=options.overwrite)
        return output
    vectors.save(output, format=chosen.name, overwrite=options.overwrite)
    if isinstance(vectors, SubwordVectors):
        say(
            f"the format {chosen.name} holds no n-grams: words that {output} lacks have no vectors there; "
            f"--to ngrams keeps them, and so does an --output without the ending of a file"
        )
    return output


def _read(options: VectorsTrainOptions, folder: Path, processes: Alone | None) -> Corpus:
    """Read the corpus, or this process's share of it."""
    from mt2st.text import Corpus, Tokeniser

    with progress_bar() as bar:
        corpus = Corpus.build(
            _counted(_texts(options, processes), bar),
            tokeniser=Tokeniser(
                lowercase=options.lowercase, remove_breaks=options.remove_breaks, tokens=options.tokens
            ),
            min_count=options.min_count if processes is None else 1,  # rare here, frequent elsewhere
            directory=folder / "corpus",
            workers=settings_of(options).get("workers", 1),
        )
        if processes is not None:
            from mt2st.embedding.together import joined_corpus

            corpus = joined_corpus(corpus, processes, min_count=options.min_count, directory=folder)
            say(f"{processes.count} processes; this one has:")
    say(f"{len(corpus):,} documents, {corpus.n_tokens:,} tokens, vocabulary {len(corpus.vocabulary):,}")
    return corpus


def _texts(options: VectorsTrainOptions, processes: Alone | None) -> Iterator[str]:
    """Stream the texts: of several processes, each has some files, or if there are too few, some documents of all."""
    from mt2st.text import iterate_texts

    def read(files: Iterable[str]) -> Iterator[str]:
        for each in files:
            yield from iterate_texts(each, text=options.text, dialect=options.dialect)

    files = _files(options.corpus)
    if processes is None:
        return read(files)
    if len(files) < processes.count:
        return islice(read(files), processes.rank, None, processes.count)
    shares: list[list[str]] = [[] for _ in range(processes.count)]
    sizes = [0] * processes.count
    for size, name in sorted(((Path(each).stat().st_size, each) for each in files), reverse=True):
        least = sizes.index(min(sizes))
        shares[least].append(name)
        sizes[least] += size
    return read(shares[processes.rank])


def _files(corpus: str) -> list[str]:
    """Return the files of a corpus: those that match a pattern, in the order of the alphabet, or itself."""
    if not any(sign in corpus for sign in "*?[") or Path(corpus).exists():
        return [corpus]
    if found := sorted(glob(corpus)):  # noqa: PTH207  # with or without a folder before it, absolute or not
        return found
    raise InputError(f"no file matches the pattern '{corpus}'")


def _counted(texts: Iterator[str], bar: Bar) -> Iterator[str]:
    """Pass texts on and show how many they are."""
    characters = 0
    for number, text in enumerate(texts, 1):
        characters += len(text)
        if number % _TEXTS_BETWEEN == 0 or len(text) > _LONG_TEXT:
            bar.show(None, f"reading: {number:,} documents, {characters / 1e6:,.1f} million characters")
        yield text


@contextmanager
def _named(options: VectorsTrainOptions) -> Iterator[None]:
    """Name the corpus, or the given vectors, in errors about them."""
    from mt2st.embedding.grown_vocabulary import NoSharedWordsError

    try:
        yield
    except NoSharedWordsError as error:
        raise InputError(f"--init {options.init}, corpus {options.corpus}: {error}") from error
    except (NotWrittenError, DivergedError):  # which the corpus has no part in
        raise
    except InputError as error:
        if options.corpus in str(error):
            raise
        raise InputError(f"{options.corpus}: {error}") from error


def _train(
    corpus: Corpus,
    options: VectorsTrainOptions,
    given: list[WordVectors],
    checkpoints: VectorCheckpoints | None,
    processes: Alone | None,
    keeping: Event,
    received: list[int],
) -> WordVectors:
    from mt2st.embedding import train_glove, train_word_vectors

    train: Any = train_glove if options.method == GLOVE else train_word_vectors
    chosen = settings_of(options)
    size = given[0].vector_size if given else chosen.get("vector_size", VECTOR_SIZE)
    least = 3 * len(corpus.vocabulary) * size  # bytes: a compressed file may do with less than 4 a number
    if checkpoints is not None:
        check_space(options.output.absolute().parent, least, options.output)
    last: VectorProgress | None = None
    with progress_bar() as bar:

        def on_memory(footprint: Footprint) -> None:
            say(f"memory: at most {footprint} and the program itself")
            bar.show(None, "compiling the kernels, which is done once")

        def on_compiled(seconds: float) -> None:
            bar.end(f"kernels: compiled, or loaded from an earlier time, in {seconds:.1f} s")
            if received:  # what the signal raised was lost: Python cannot carry it through the compiler
                raise Interrupted(received[0])
            if options.method != GLOVE:  # which counts first, and keeps nothing of that
                keeping.set()

        def report(progress: VectorProgress) -> None:
            nonlocal last
            if last is not None and last.stage != progress.stage:
                bar.end(_summary(last))
            last = progress
            if progress.stage == "training":
                keeping.set()
            if received:
                raise KeyboardInterrupt
            bar.show(progress.done / max(1, progress.total), _described(progress))

        vectors: WordVectors = train(
            corpus,
            **chosen,
            init_vectors=given.pop if given else None,
            frozen=frozen_words(options),
            checkpoints=checkpoints,
            **({} if options.method == GLOVE else {"together": processes}),
            on_memory=on_memory,
            on_compiled=on_compiled,
            progress=report,
        )
        if last is not None:
            bar.end(_summary(last))
    return vectors


def _described(progress: VectorProgress) -> str:
    loss = f"  loss {progress.mean_loss:.4f}" if progress.stage == "training" else ""
    return f"{progress.stage}: {_speed(progress)}{loss}  {duration(progress.seconds_left)} left"


def _summary(last: VectorProgress) -> str:
    kept = f" ({last.kept:,} effective)" if last.kept else ""
    loss = f", mean loss {last.mean_loss:.4f}" if last.stage == "training" else ""
    return f"{last.stage}: {last.done:,} {last.unit}{kept} in {duration(last.seconds)}, {_speed(last)}{loss}"


def _speed(progress: VectorProgress) -> str:
    kept = f" ({progress.kept_per_second:,.0f} effective)" if progress.kept else ""
    return f"{progress.per_second:,.0f} {progress.unit}/s{kept}"
