"""Options that were given and that would change nothing in a run: one warning, so that nobody believes in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mt2st.cli.options import given, warn
from mt2st.cli.strategy_options import readers_of_options
from mt2st.embedding.settings import SUBWORD_METHODS, WORD_METHODS
from mt2st.models.groups import CONTEXT_METHODS, GLOVE
from mt2st.models.settings import ModelSettings
from mt2st.strategy import known_strategies

STRATEGY, TASK, METHOD, ENCODER, CONVERGENCE = (
    "strategy", "auxiliary task", "context method", "encoder", "convergence",
)  # fmt: skip
ON_WORDS = ("semantic-syntactic", "misalignment", "analogy", "spearman")
SAMPLING = (*WORD_METHODS, *SUBWORD_METHODS)

READERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "--word-tasks.gamma": (TASK, ("misalignment",)),
    "--word-tasks.raw-products": (TASK, ("semantic-syntactic", "misalignment")),
    **{
        f"--word-tasks.analogy-{name}": (TASK, ("analogy",))
        for name in ("coefficients", "temperature", "logarithm", "candidates")
    },
    **{f"--word-tasks.spearman-{name}": (TASK, ("spearman",)) for name in ("softness", "variant")},
    **dict.fromkeys(("--auxiliary-data.held-out", "--word-tasks.batch-size"), (TASK, ON_WORDS)),
    **{f"--context.{name}": (TASK, ("context",)) for name in ("passes", "alpha", "min-alpha", "block")},
    "--context.window": (METHOD, CONTEXT_METHODS),
    **{f"--context.{name}": (METHOD, SAMPLING) for name in ("negative", "sample")},
    **dict.fromkeys(("--context.x-max", "--context.glove-sample", "--context.memory"), (METHOD, (GLOVE,))),
    **dict.fromkeys(("--hidden-size", "--pooling"), (ENCODER, ("bilstm", "cnn"))),
    "--tolerance": (CONVERGENCE, ("gradient-norm",)),
    "--patience": (CONVERGENCE, ("gradient-norm", "validation-loss")),
    **dict.fromkeys(("--minimum-gain", "--earliest-end"), (CONVERGENCE, ("validation-loss",))),
}
"""For each option that only some choices read: what is chosen, and the choices that read it. Those of the
strategies' options are the strategies that declare them."""
NEEDED = {
    "--plateau-factor": "--plateau-patience",
    "--ngram-buckets": "--word-ngrams",
    "--ngram-ratios": "--word-ngrams",
    "--search-seeds": "--search",
    "--search-epochs": "--search",
}
"""For each option that is read only together with another: the other one."""


def warn_of_unused(
    options: object,
    model: ModelSettings,
    *,
    strategies: Sequence[str],
    auxiliaries: Collection[str],
    encoders: Sequence[str] = (),
    embeddings: Sequence[str] = (),
) -> None:
    """Warn in one line of the options that differ from their defaults and that nothing reads.

    Args:
        options: all options of the command.
        model: its settings of the model.
        strategies: the chosen strategies, one or several.
        auxiliaries: the chosen auxiliary tasks, of all sets in a comparison.
        encoders: those of a comparison; empty for the settings' own.
        embeddings: likewise.
    """
    unused = _unused(
        given(options),
        model,
        strategies,
        auxiliaries,
        encoders or (model.encoder.name,),
        embeddings or (model.embedding.init,),
    )
    if unused:
        warn(f"these options change nothing here: {'; '.join(unused)}")


def _readers(strategies: Sequence[str]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return `READERS` with the options that strategies read."""
    needing_feedback = tuple(name for name, each in known_strategies().items() if each.needs_feedback)
    of_strategies = readers_of_options(strategies) | {"--feedback-every": needing_feedback}
    return READERS | {flag: (STRATEGY, names) for flag, names in of_strategies.items()}


def _unused(
    options: Mapping[str, Any],
    model: ModelSettings,
    strategies: Sequence[str],
    auxiliaries: Collection[str],
    encoders: Sequence[str],
    embeddings: Sequence[str],
) -> list[str]:
    tasks = set() if set(strategies) == {"single-task"} else set(auxiliaries)
    trained = set(CONTEXT_METHODS) & set(embeddings)
    chosen: dict[str, set[str]] = {
        STRATEGY: set(strategies),
        TASK: tasks,
        METHOD: trained | ({model.context.method} if "context" in tasks else set()),
        ENCODER: set(encoders),
        CONVERGENCE: {model.optimisation.convergence},
    }
    found = []
    all_readers = _readers(strategies)
    for flag, value in options.items():
        what, readers = all_readers.get(flag, ("", ()))
        if readers and not chosen[what] & set(readers):
            found.append(f"{_as_given(flag, value)} (read by the {what} {' or '.join(readers)})")
        if (other := NEEDED.get(flag)) and other not in options:
            found.append(f"{_as_given(flag, value)} (read with {other})")
        if flag == "--init-epochs" and not trained:
            found.append(f"{_as_given(flag, value)} (read with --init {' or '.join(CONTEXT_METHODS)})")
    return found


def _as_given(flag: str, value: object) -> str:
    prefix, dot, name = flag[2:].rpartition(".")
    return f"--{prefix}{dot}no-{name}" if value is False else flag if value is True else f"{flag} {value}"
