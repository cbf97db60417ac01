"""Whether the transition to single-task training will come, told before the training where the strategy knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mt2st.cli.options import say
from mt2st.errors import InputError, listed
from mt2st.models.settings import ClassifierSettings
from mt2st.models.transition_rules import at_transition_only
from mt2st.strategy import Strategy

FAR = 10**6
"""Up to this time it is looked for when it would come in a longer training."""


def no_transition(
    strategy: Strategy, auxiliaries: Iterable[str], *, epochs: int, steps_per_epoch: int | None = None
) -> str | None:
    """Return why the transition does not come within the epochs; None where it comes, or that cannot be told.

    Args:
        strategy: the strategy, bound or not.
        auxiliaries: names of the auxiliary tasks.
        epochs: of the training.
        steps_per_epoch: what a strategy that counts steps needs; None if not known yet.

    Example:
        >>> from mt2st.strategy import Diminish, Switch
        >>> no_transition(Switch(at=9), ["context"], epochs=8)
        'the last auxiliary task goes off at epoch 9, and there are 8'
        >>> no_transition(Diminish(), ["context"], epochs=8) is None
        True
    """
    if not strategy.foreseeable or (strategy.unit == "step" and steps_per_epoch is None):
        return None
    bound = strategy.bind(auxiliaries)
    last = epochs * (steps_per_epoch or 1) if strategy.unit == "step" else epochs
    if bound.single_task_from(last) is not None:
        return None
    if not any(bound.weights(1).values()):
        return "no auxiliary task is ever on"
    later = bound.single_task_from(FAR)
    if later is None:
        return "the auxiliary tasks stay on for ever"
    return f"the last auxiliary task goes off at {strategy.unit} {later}, and there are {last:,}"


def tell_outlook(name: str, model: ClassifierSettings, reason: str | None) -> None:
    """Say in a line that a run has no transition, if there is a reason; refuse options that act at it alone.

    Args:
        name: of the strategy.
        model: the settings.
        reason: of `no_transition`.

    Raises:
        InputError: naming the options.
    """
    if reason is None:
        return
    _refuse_idle(model, f"{name}: {reason}")
    if name != "single-task":
        say(f"{name}: no transition to single-task training within {_epochs(model)}: {reason}")


def tell_outlooks(
    model: ClassifierSettings, courses: Sequence[tuple[str, Strategy, Sequence[str]]], *, steps_per_epoch: int | None
) -> None:
    """Do the same for a comparison: options of the transition are refused where no run comes to one.

    Args:
        model: the settings.
        courses: for each combination, the strategy's name, the strategy and its auxiliary tasks.
        steps_per_epoch: what strategies that count steps need; None if not known yet.

    Raises:
        InputError: naming the options.
    """
    reasons = [
        (name, no_transition(strategy, tasks, epochs=model.epochs, steps_per_epoch=steps_per_epoch))
        for name, strategy, tasks in courses
    ]
    if all(reason for _, reason in reasons):
        _refuse_idle(model, "; ".join(dict.fromkeys(f"{name}: {reason}" for name, reason in reasons)))
    for name, reason in dict.fromkeys(reasons):
        if reason and name in MOVING:
            say(f"{name}: no transition to single-task training within {_epochs(model)}: {reason}")


MOVING = ("diminish", "switch", "pretrain-finetune")
"""Strategies that are there to come to single-task training; that the others do not is what they are compared for."""


def _refuse_idle(model: ClassifierSettings, reason: str) -> None:
    idle = at_transition_only(model)
    if idle:
        raise InputError(
            f"{listed(idle)} would change nothing: the transition to single-task training, at which they act, does not "
            f"come within {_epochs(model)} ({reason}); train for more epochs, let the tasks go off earlier, or leave "
            "them out"
        )


def _epochs(model: ClassifierSettings) -> str:
    return f"{model.epochs} epoch" + ("" if model.epochs == 1 else "s")
