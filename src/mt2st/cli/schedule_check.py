"""Whether the transition to single-task training comes within the epochs, where the strategy knows it in advance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mt2st.cli.options import say, warn
from mt2st.errors import listed
from mt2st.models.settings import ModelSettings
from mt2st.strategy import Strategy

FAR = 10**6
"""A transition later than this counts as one that never comes."""


def check_schedule(
    schedules: Sequence[tuple[str, Strategy, Sequence[str]]],
    model: ModelSettings,
    *,
    steps_per_epoch: int | None = None,
) -> None:
    """Say which strategies have no transition, and warn of options that act only at one, if no run has one.

    Args:
        schedules: for each kind of run, the strategy's name, the strategy, and the names of its auxiliary tasks.
        model: the settings.
        steps_per_epoch: for strategies that count steps; None where it is not known yet.
    """
    epochs = model.optimisation.epochs
    reasons: dict[tuple[str, str | None], bool] = {}
    for name, strategy, tasks in schedules:
        reason = no_transition(strategy, tasks, epochs=epochs, steps_per_epoch=steps_per_epoch)
        reasons[name, reason] = strategy.reaches_single_task
    within = f"within {epochs} epoch{'' if epochs == 1 else 's'}"
    for (name, reason), is_meant_to in reasons.items():
        if reason and is_meant_to:
            say(f"{name}: no transition to single-task training {within}: {reason}")
    idle = model.transition.acts_at_transition
    if idle and all(reason for _, reason in reasons):
        why = "; ".join(f"{name}: {reason}" for name, reason in reasons)
        warn(f"{listed(idle)} change nothing here: they act at the transition, which does not come {within} ({why})")


def no_transition(
    strategy: Strategy, auxiliaries: Iterable[str], *, epochs: int, steps_per_epoch: int | None = None
) -> str | None:
    """Return why the transition does not come within the epochs; None where it comes, or nobody can tell.

    Example:
        >>> from mt2st.strategy import Diminish, Switch
        >>> no_transition(Switch(at=9), ["context"], epochs=8)
        'the last auxiliary task goes off at epoch 9, and there are 8'
        >>> no_transition(Diminish(), ["context"], epochs=8) is None
        True
    """
    if not strategy.is_fixed or (strategy.unit == "step" and steps_per_epoch is None):
        return None
    bound = strategy.bind(auxiliaries)
    last = epochs * (steps_per_epoch or 1) if strategy.unit == "step" else epochs
    if bound.transition_time(last) is not None:
        return None
    if not any(bound.weights(1).values()):
        return "no auxiliary task is ever on"
    later = bound.transition_time(FAR)
    if later is None:
        return "the auxiliary tasks stay on for ever"
    return f"the last auxiliary task goes off at {strategy.unit} {later}, and there are {last:,}"
