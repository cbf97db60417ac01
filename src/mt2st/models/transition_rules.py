"""Which settings of the transition can be used: learning rates, frozen dimensions, the end of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from mt2st.errors import InputError, listed, suggestion

if TYPE_CHECKING:
    from mt2st.models.settings import ClassifierSettings

ValueT = TypeVar("ValueT")

GROUPS = ("embedding", "encoder", "heads")
"""The groups of parameters that have a learning rate of their own."""
OTHERS = "others"
"""Stands for the groups that a mapping does not name."""
StepsByGroup = int | dict[str, int]
"""One number of steps for all groups, or ``{group: steps}``."""
FactorByGroup = float | dict[str, float]
"""One factor for all groups, or ``{group: factor}``."""
ChoiceByGroup = str | float | dict[str, str | float]
"""One choice for all groups, or ``{group: choice}``."""
AT_TRANSITION = ("keep", "rewarm", "drop")
FREEZE_RELEVANCE = ("fisher", "saliency")
FREEZE_WHICH = ("least", "most")
CONVERGENCE = ("gradient-norm", "validation-loss", "never")


def transition_problems(settings: ClassifierSettings) -> Iterator[str]:
    """Yield what is wrong with each setting of the transition by itself: its name, the rule and the value found."""
    yield from _each("warmup_steps", settings.warmup_steps, "a whole number of at least 0", _is_count)
    yield from _each(
        "plateau_factor", settings.plateau_factor, "above 0 and at most 1", lambda each: _finite(each) and 0 < each <= 1
    )
    yield from _each(
        "rate_at_transition",
        settings.rate_at_transition,
        f"{listed(AT_TRANSITION)} or a finite factor of at least 0",
        lambda each: each in AT_TRANSITION if isinstance(each, str) else _finite(each) and each >= 0,
    )
    if settings.freeze_fraction is not None and not (
        _finite(settings.freeze_fraction) and 0 < settings.freeze_fraction <= 1
    ):
        yield f"freeze_fraction must be above 0 and at most 1, found {settings.freeze_fraction!r}"
    if settings.freeze_threshold is not None and not (
        _finite(settings.freeze_threshold) and settings.freeze_threshold > 0
    ):
        yield f"freeze_threshold must be a finite number above 0, found {settings.freeze_threshold!r}"
    if settings.freeze_from is not None and not (_is_count(settings.freeze_from) and settings.freeze_from >= 2):
        yield (
            f"freeze_from must be a whole number of at least 2 (the epochs before tell the dimensions' relevance), "
            f"found {settings.freeze_from!r}"
        )


def check_transition(settings: ClassifierSettings) -> None:
    """Refuse settings of the transition that do not go together.

    Raises:
        InputError: naming the settings, what was found and what to do.
    """
    steps, choices = (of_groups(settings.warmup_steps, 0), of_groups(settings.rate_at_transition, "keep"))
    for group in GROUPS:
        if choices[group] == "rewarm" and not steps[group]:
            raise InputError(
                f"rate_at_transition is 'rewarm' for {group}, but warmup_steps is 0 there: say by warmup_steps "
                "how many steps the warm-up takes"
            )
    if settings.freeze_fraction is not None and settings.freeze_threshold is not None:
        raise InputError(
            f"freeze_fraction ({settings.freeze_fraction!r}) and freeze_threshold ({settings.freeze_threshold!r}) both "
            "say how many dimensions to freeze: give one of them"
        )
    if settings.freeze_threshold is not None and settings.freeze_over > 1:
        raise InputError(
            f"freeze_over is {settings.freeze_over}, but a freeze_threshold freezes at once: give a freeze_fraction"
        )
    if settings.freeze_from is not None and settings.freeze_from > settings.epochs:
        raise InputError(
            f"freeze_from is {settings.freeze_from}, but there are {settings.epochs} epochs: nothing would be frozen"
        )
    if settings.refit_texts is not None and settings.refit_head is None:
        raise InputError(
            f"refit_texts is {settings.refit_texts}, but no head is to be fitted anew: say how strictly by refit_head"
        )
    if settings.freeze_fraction is None and settings.freeze_threshold is None:
        for name, default in (
            ("freeze_from", None), ("freeze_over", 1), ("freeze_relevance", "fisher"), ("freeze_which", "least")
        ):  # fmt: skip
            if getattr(settings, name) != default:
                raise InputError(
                    f"{name} is {getattr(settings, name)!r}, but nothing is to be frozen: say how much by "
                    "freeze_fraction or freeze_threshold"
                )


def at_transition_only(settings: ClassifierSettings) -> list[str]:
    """Return the settings that were chosen and act at the transition alone: without one, they change nothing."""
    chosen = {
        "rate_at_transition": any(each != "keep" for each in of_groups(settings.rate_at_transition, "keep").values()),
        "freeze_fraction": settings.freeze_fraction is not None and settings.freeze_from is None,
        "freeze_threshold": settings.freeze_threshold is not None and settings.freeze_from is None,
        "task_layer": settings.task_layer,
        "refit_head": settings.refit_head is not None,
    }
    return [name for name, yes in chosen.items() if yes]


def of_groups(value: ValueT | Mapping[str, ValueT], unnamed: ValueT) -> dict[str, ValueT]:
    """Return a value for each group.

    Args:
        value: one for all, or ``{group: value}``, where `OTHERS` stands for the groups without one.
        unnamed: for groups that a mapping without others does not name.

    Example:
        >>> of_groups({"embedding": 0, "others": 100}, 0)
        {'embedding': 0, 'encoder': 100, 'heads': 100}
    """
    if not isinstance(value, Mapping):
        return dict.fromkeys(GROUPS, value)
    return {group: value.get(group, value.get(OTHERS, unnamed)) for group in GROUPS}


def _each(name: str, value: object, rule: str, holds: Callable[[Any], bool]) -> Iterator[str]:
    if not isinstance(value, Mapping):
        if not holds(value):
            yield f"{name} must be {rule}, found {value!r}"
        return
    known = (*GROUPS, OTHERS)
    for group, each in value.items():
        if group not in known:
            yield f"{name} names the unknown group '{group}'.{suggestion(str(group), known)} Known: {listed(known)}"
        elif not holds(each):
            yield f"{name} of {group} must be {rule}, found {each!r}"


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
