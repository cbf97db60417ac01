"""Options that were given, but that nothing in the run would read: refused, so that nobody believes in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mt2st.cli.strategy_options import ADAPTIVE, BASELINES, StrategyOptions
from mt2st.errors import InputError, listed
from mt2st.models.settings import CONTEXT_METHODS, GLOVE, SUBWORD_METHODS, WORD_METHODS, ClassifierSettings

CONTEXT = "context"
TRAINED_STARTS = CONTEXT_METHODS
"""Starts of the embedding that are trained on the text first."""
DIMINISHING = ("diminish", "adaptive-diminish")
READING_STRATEGIES: dict[str, tuple[str, ...]] = {
    "decay": DIMINISHING,
    "factor": ("diminish",),
    "initial": DIMINISHING,
    "curvature": ("diminish",),
    "negligible": DIMINISHING,
    "switch_at": ("switch", "pretrain-finetune"),
    "auxiliary_weight": ("multi-task", "switch", "adaptive-switch", *(each for each in BASELINES if each != "dwa")),
    "switch_patience": ("adaptive-switch",),
    "switch_minimum_gain": ("adaptive-switch",),
    "switch_earliest": ("adaptive-switch",),
    "switch_latest": ("adaptive-switch",),
    "signal": ADAPTIVE,
    "off_below": ("adaptive-switch",),
    "clear_above": ("adaptive-switch",),
    "sensitivity": ("adaptive-diminish",),
    "uncertainty_rate": ("uncertainty",),
    "dwa_temperature": ("dwa",),
    "cagrad_radius": ("cagrad",),
    "cosine_gate": ("gradient-cosine",),
    "bloop_memory": ("bloop",),
    "unit": ("diminish", "switch", "pretrain-finetune", *ADAPTIVE),
}
"""For each option of the strategies, those that read it."""
ON_WORDS = ("semantic-syntactic", "misalignment", "analogy", "spearman")
READING_TASKS: dict[str, tuple[str, ...]] = {
    "gamma": ("misalignment",),
    "raw_products": ("semantic-syntactic", "misalignment"),
    "analogy_coefficients": ("analogy",),
    "analogy_temperature": ("analogy",),
    "analogy_logarithm": ("analogy",),
    "analogy_candidates": ("analogy",),
    "spearman_softness": ("spearman",),
    "spearman_reading": ("spearman",),
    "held_out": ON_WORDS,
    "auxiliary_batch": ON_WORDS,
}
"""For each option of auxiliary tasks, those that read it. Options that name files are checked with the files."""
READING_ENCODERS: dict[str, tuple[str, ...]] = {"hidden_size": ("bilstm", "cnn"), "pooling": ("bilstm", "cnn")}
"""For each option of encoders, those that read it."""
OF_CONTEXT = ("context_passes", "context_alpha", "context_min_alpha", "context_block")
"""Options that the context task alone reads."""
READING_METHODS: dict[str, tuple[str, ...]] = {
    "context_window": CONTEXT_METHODS,
    "context_negative": (*WORD_METHODS, *SUBWORD_METHODS),
    "context_sample": (*WORD_METHODS, *SUBWORD_METHODS),
    "context_x_max": (GLOVE,),
    "glove_sample": (GLOVE,),
    "context_memory": (GLOVE,),
}
"""For each option of learning from contexts, the methods that read it: the context task's, or that of the vectors which
the embedding starts from."""
SINGLE_TASK = "single-task"
READING_CONVERGENCE: dict[str, tuple[str, ...]] = {
    "tolerance": ("gradient-norm",),
    "minimum_gain": ("validation-loss",),
    "earliest_end": ("validation-loss",),
    "patience": ("gradient-norm", "validation-loss"),
}
"""For each option of the run's end, the forms of --convergence that read it."""


def refuse_unread(
    schedule: StrategyOptions,
    model: ClassifierSettings,
    *,
    strategies: Sequence[str],
    auxiliaries: Iterable[str],
    encoders: Sequence[str] = (),
    embeddings: Sequence[str] = (),
) -> None:
    """Refuse options that differ from their defaults and that nothing reads.

    Args:
        schedule: the options of the strategies.
        model: the settings.
        strategies: the chosen strategies: one, or those of a comparison.
        auxiliaries: the chosen auxiliary tasks, those of all sets in a comparison.
        encoders: those of a comparison; the settings' if not given.
        embeddings: likewise.

    Raises:
        InputError: naming each such option, its value and what would read it.
    """
    tasks = () if set(strategies) <= {SINGLE_TASK} else tuple(auxiliaries)
    problems = [
        *_of_strategies(schedule, strategies),
        *_of_model(model, strategies, tasks),
        *_of_text(model, tasks, encoders or (model.encoder,), embeddings or (model.embedding,)),
    ]
    if problems:
        raise InputError("; ".join(problems))


def _of_strategies(schedule: StrategyOptions, strategies: Sequence[str]) -> Iterator[str]:
    for name, readers in READING_STRATEGIES.items():
        if _given(schedule, name) and not set(readers) & set(strategies):
            yield _unread(
                schedule, name, f"by the strategy {' or '.join(readers)}, and the choice is {listed(strategies)}"
            )


def _of_model(model: ClassifierSettings, strategies: Sequence[str], auxiliaries: Sequence[str]) -> Iterator[str]:
    for name, readers in READING_TASKS.items():
        if _given(model, name) and not set(readers) & set(auxiliaries):
            yield _unread(model, name, f"by the auxiliary task {' or '.join(readers)}, and {_chosen(auxiliaries)}")
    for name, readers in READING_CONVERGENCE.items():
        if _given(model, name) and model.convergence not in readers:
            yield _unread(model, name, f"with --convergence {' or '.join(readers)}, and that is '{model.convergence}'")
    if _given(model, "plateau_factor") and model.plateau_patience is None:
        yield _unread(model, "plateau_factor", "with --plateau-patience")
    for name in ("word_ngram_buckets", "word_ngram_ratios"):
        if _given(model, name) and not model.word_ngrams:
            yield _unread(model, name, "with --word-ngrams")
    if _given(model, "feedback_every") and not set(ADAPTIVE) & set(strategies):
        adaptive = " or ".join(ADAPTIVE)
        yield _unread(model, "feedback_every", f"by the strategy {adaptive}, and the choice is {listed(strategies)}")


def _of_text(
    model: ClassifierSettings, auxiliaries: Sequence[str], encoders: Sequence[str], embeddings: Sequence[str]
) -> Iterator[str]:
    for name, readers in READING_ENCODERS.items():
        if _given(model, name) and not set(readers) & set(encoders):
            yield _unread(model, name, f"by the encoder {' or '.join(readers)}, and the choice is {listed(encoders)}")
    trained = set(TRAINED_STARTS) & set(embeddings)
    if _given(model, "start_epochs") and not trained:
        yield _unread(model, "start_epochs", f"with --embedding {' or '.join(TRAINED_STARTS)}")
    if CONTEXT in auxiliaries:
        methods = {model.context_method, *trained}
    else:
        methods = trained
        for name in (*OF_CONTEXT, *(READING_METHODS if not trained else ())):
            if _given(model, name):
                yield _unread(model, name, f"by the auxiliary task {CONTEXT}, and {_chosen(auxiliaries)}")
    for name, readers in READING_METHODS.items():
        if methods and _given(model, name) and not methods & set(readers):
            yield _unread(
                model,
                name,
                f"by the context method {' or '.join(readers)}, and the choice is {listed(sorted(methods))}",
            )


def _chosen(auxiliaries: Sequence[str]) -> str:
    return f"the choice is {listed(auxiliaries)}" if auxiliaries else "none is trained"


def _given(options: StrategyOptions | ClassifierSettings, name: str) -> bool:
    """Whether an option differs from its default; one that was given as it is by default misleads nobody."""
    return bool(getattr(options, name) != getattr(type(options), name))


def _unread(options: object, name: str, readers: str) -> str:
    option, value = name.replace("_", "-"), getattr(options, name)
    given = f"--no-{option}" if value is False else f"--{option} ({value})"
    return f"{given} would change nothing: it is read only {readers}"
