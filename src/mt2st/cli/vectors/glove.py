"""What ``mt2st vectors train --method glove`` does differently: its options, its memory, its progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING

from mt2st.cli.options import say
from mt2st.errors import InputError, listed

if TYPE_CHECKING:
    from mt2st.cli.vectors.train import VectorsTrainOptions
    from mt2st.embedding import GloveProgress, WordVectors
    from mt2st.embedding.training import EncodedCorpus

METHOD = "glove"
ONLY_HERE = ("x_max", "weight_exponent", "memory")
NOT_HERE = ("negative", "sample", "ns_exponent", "min_alpha")


def check_options(options: VectorsTrainOptions) -> None:
    """Refuse options that the method would not heed.

    Raises:
        InputError: naming them.
    """
    defaults = {field.name: field.default for field in fields(options)}
    names = NOT_HERE if options.method == METHOD else ONLY_HERE
    without_meaning = [name for name in names if getattr(options, name) != defaults[name]]
    if without_meaning:
        flags = listed(f"--{name.replace('_', '-')}" for name in without_meaning)
        raise InputError(f"{flags} cannot be given with --method {options.method}: it has no such setting")


def train(corpus: EncodedCorpus, options: VectorsTrainOptions) -> WordVectors:
    """Train GloVe vectors with the command's options.

    Raises:
        InputError: a setting out of its range.
        GloveInterrupted: after Ctrl-C, with the vectors trained so far.
    """
    from mt2st.embedding import glove_memory, train_glove

    given = {
        "window": options.window,
        "learning_rate": options.alpha,
        "epochs": options.epochs,
        "x_max": options.x_max,
        "alpha": options.weight_exponent,
        "memory_mb": options.memory,
    }
    settings = {name: value for name, value in given.items() if value is not None}
    memory = {"memory_mb": options.memory} if options.memory is not None else {}
    needed = glove_memory(len(corpus.vocabulary.tokens), options.vector_size, **memory)
    say(f"memory: at most {needed / 2**20:,.0f} MB and the program itself")
    return train_glove(
        corpus,
        vector_size=options.vector_size,
        workers=options.workers,
        seed=options.seed,
        progress=reporter(),
        **settings,  # type: ignore[arg-type]
    )


def reporter() -> Callable[[GloveProgress], None]:
    """Return what shows progress: a line a tenth of each stage."""
    shown = ("", -1)

    def report(progress: GloveProgress) -> None:
        nonlocal shown
        tenth = (progress.stage, 10 * progress.done // max(1, progress.total))
        if tenth == shown:
            return
        shown = tenth
        loss = f"loss {progress.mean_loss:.4f}  " if progress.stage == "training" else ""
        say(
            f"{progress.stage}  {progress.done / max(1, progress.total):4.0%}  "
            f"{progress.per_second:,.0f} {progress.unit}/s  {loss}{progress.seconds_left:.0f} s left"
        )

    return report
