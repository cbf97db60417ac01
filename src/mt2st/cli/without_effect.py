"""Options that would change nothing in a run, and transitions that do not come: said before the run begins."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from mt2st.cli.options import given
from mt2st.cli.strategy_options import readers_of_options
from mt2st.cli.terminal import warn
from mt2st.embedding.settings import SUBWORD_METHODS, WORD_METHODS
from mt2st.errors import listed
from mt2st.models.groups import AUTO, CONTEXT_METHODS, ENCODERS, GLOVE
from mt2st.models.settings import ModelSettings
from mt2st.strategy import Strategy, known_strategies

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
    """Warn in one line of the options of a command that differ from their defaults and that nothing reads.

    Auxiliary tasks are those of all sets in a comparison; no encoders or embeddings stand for the settings' own.
    """
    unused = _unused(
        given(options),
        model,
        strategies,
        auxiliaries,
        set(ENCODERS) if AUTO in (names := encoders or (model.encoder.name,)) else set(names),
        set(CONTEXT_METHODS) & set(embeddings or (model.embedding.init,)),
    )
    if text := "; ".join(unused):
        warn(f"these options change nothing here: {text}")


def _unused(
    options: Mapping[str, Any],
    model: ModelSettings,
    strategies: Sequence[str],
    auxiliaries: Collection[str],
    encoders: set[str],
    trained: set[str],
) -> Iterator[str]:
    tasks = set() if set(strategies) == {"single-task"} else set(auxiliaries)
    chosen: dict[str, set[str]] = {
        STRATEGY: set(strategies),
        TASK: tasks,
        METHOD: trained | ({model.context.method} if "context" in tasks else set()),
        ENCODER: encoders,
        CONVERGENCE: {model.optimisation.convergence},
    }
    needing_feedback = tuple(name for name, each in known_strategies().items() if each.needs_feedback)
    of_strategies = readers_of_options(strategies) | {"--feedback-every": needing_feedback}
    all_readers = READERS | {flag: (STRATEGY, names) for flag, names in of_strategies.items()}
    for flag, value in options.items():
        what, readers = all_readers.get(flag, ("", ()))
        if readers and not chosen[what] & set(readers):
            yield f"{_as_given(flag, value)} (read by the {what} {' or '.join(readers)})"
        if (other := NEEDED.get(flag)) and other not in options:
            yield f"{_as_given(flag, value)} (read with {other})"
        if flag == "--init-epochs" and not trained:
            yield f"{_as_given(flag, value)} (read with --init {' or '.join(CONTEXT_METHODS)})"


def _as_given(flag: str, value: object) -> str:
    prefix, dot, name = flag[2:].rpartition(".")
    return f"--{prefix}{dot}no-{name}" if value is False else flag if value is True else f"{flag} {value}"


def check_schedule(
    schedules: Sequence[tuple[str, Strategy, Sequence[str]]],
    model: ModelSettings,
    *,
    steps_per_epoch: int | None = None,
) -> None:
    """Say which strategies have no transition, and warn of options that act only at one, if no run has one.

    Each kind of run has a strategy's name, the strategy, and the names of its auxiliary tasks. The steps are for
    strategies that count them; None where their number is not known yet.
    """
    epochs = model.optimisation.epochs
    reasons: dict[tuple[str, str | None], bool] = {}
    for name, strategy, tasks in schedules:
        reason = _no_transition(strategy, tasks, epochs=epochs, steps_per_epoch=steps_per_epoch)
        reasons[name, reason] = strategy.reaches_single_task
    within = f"within {epochs} epoch{'' if epochs == 1 else 's'}"
    for (name, reason), is_meant_to in reasons.items():
        if reason and is_meant_to:
            warn(f"{name}: no transition to single-task training {within}: {reason}")
    idle = model.transition.acts_at_transition
    if idle and all(reason for _, reason in reasons):
        why = "; ".join(f"{name}: {reason}" for name, reason in reasons)
        warn(f"{listed(idle)} change nothing here: they act at the transition, which does not come {within} ({why})")


def _no_transition(
    strategy: Strategy, auxiliaries: Iterable[str], *, epochs: int, steps_per_epoch: int | None
) -> str | None:
    if not strategy.is_fixed or (strategy.unit == "step" and steps_per_epoch is None):
        return None
    last = epochs * (steps_per_epoch or 1) if strategy.unit == "step" else epochs
    return strategy.bind(auxiliaries).no_transition(last)
