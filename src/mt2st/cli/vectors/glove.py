"""What ``mt2st vectors train --method glove`` does differently: its options, its memory, its progress."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from mt2st.cli.bar import COMPILING, compiled, duration, progress_bar
from mt2st.cli.interruption import check_keeping
from mt2st.cli.options import say
from mt2st.cli.vectors import continued
from mt2st.cli.vectors.train_options import GLOVE, glove_settings_of
from mt2st.embedding.memory import megabytes
from mt2st.errors import InputError, listed

if TYPE_CHECKING:
    from mt2st.cli.interruption import Stop
    from mt2st.cli.vectors.train_options import VectorsTrainOptions
    from mt2st.embedding import GloveProgress, WordVectors
    from mt2st.embedding.chunks import EncodedCorpus

ONLY_HERE = ("x_max", "weight_exponent", "memory")
NOT_HERE = ("negative", "ns_exponent", "min_alpha")


def check_options(options: VectorsTrainOptions) -> None:
    """Refuse options that the method would not heed, and values out of their range.

    Raises:
        InputError: naming them.
    """
    defaults = {field.name: field.default for field in fields(options)}
    names = NOT_HERE if options.method == GLOVE else ONLY_HERE
    without_meaning = [name for name in names if getattr(options, name) != defaults[name]]
    if without_meaning:
        flags = listed(f"--{name.replace('_', '-')}" for name in without_meaning)
        raise InputError(f"{flags} cannot be given with --method {options.method}: it has no such setting")
    if options.method == GLOVE:
        from mt2st.embedding import GloveSettings

        GloveSettings(**glove_settings_of(options))


def train(corpus: EncodedCorpus, options: VectorsTrainOptions, given: list[WordVectors], stop: Stop) -> WordVectors:
    """Train GloVe vectors with the command's options.

    Raises:
        InputError: a corpus in which no two words meet, or too little memory.
        GloveInterrupted: after Ctrl-C, with the vectors trained so far.
    """
    from mt2st.embedding import GloveSettings, glove_memory, train_glove
    from mt2st.embedding.grown_vocabulary import GrownVocabulary
    from mt2st.embedding.memory import held_by

    settings = GloveSettings(**glove_settings_of(options))
    vocabulary_size = len(corpus.vocabulary.tokens)
    if given:
        settings = settings.going_on_from(given[0])
        vocabulary_size = len(GrownVocabulary.of(corpus.vocabulary, given[0]))
    needed = glove_memory(
        vocabulary_size,
        settings.size,
        settings.memory_mb,
        n_words=int(corpus.offsets[-1] - corpus.offsets[0]),
        window=settings.window,
    )
    needed += sum(held_by(each) for each in given)
    say(f"memory: at most {megabytes(needed)} and the program itself")
    last: GloveProgress | None = None
    with progress_bar() as bar:

        def report(progress: GloveProgress) -> None:
            nonlocal last
            if last is not None and last.stage != progress.stage:
                bar.end(_summary(last))
            last = progress
            if progress.stage == "training":
                stop.finish_first()  # what is trained from here on is kept
            check_keeping(stop)
            bar.show(progress.done / max(1, progress.total), _described(progress))

        bar.show(None, COMPILING)
        vectors = train_glove(
            corpus,
            **glove_settings_of(options),
            init_vectors=given.pop if given else None,
            frozen=continued.frozen_words(options),
            on_compiled=lambda seconds: bar.end(compiled(seconds)),
            progress=report,
        )
        if last is not None:
            bar.end(_summary(last))
    return vectors


def _described(progress: GloveProgress) -> str:
    loss = f"  loss {progress.mean_loss:.4f}" if progress.stage == "training" else ""
    return (
        f"{progress.stage}: {progress.per_second:,.0f} {progress.unit}/s{loss}  {duration(progress.seconds_left)} left"
    )


def _summary(last: GloveProgress) -> str:
    loss = f", loss {last.mean_loss:.4f} in the last epoch" if last.stage == "training" else ""
    return (
        f"{last.stage}: {last.done:,} {last.unit} in {duration(last.seconds)}, "
        f"{last.per_second:,.0f} {last.unit}/s{loss}"
    )
