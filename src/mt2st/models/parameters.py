"""The constructor parameters that all estimators share, with scikit-learn's rules for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from mt2st.errors import InputError, suggestion
from mt2st.models.groups import (
    GROUPS,
    AuxiliaryData,
    CheckedNames,
    Compute,
    Context,
    Embedding,
    Encoder,
    Optimisation,
    Text,
    Transition,
    WordTasks,
    names_of_fields,
    unknown_name,
)
from mt2st.models.settings import ModelSettings, encoder_group
from mt2st.strategy import Strategy, as_strategy, known_strategies

if TYPE_CHECKING:
    from mt2st.network import Encoder as EncoderModule
    from mt2st.training import KernelTask, Task


class UnfittedError(InputError, NotFittedError):  # type: ignore[misc]  # scikit-learn has no types
    """The estimator is not fitted yet."""


_STRATEGY = "strategy"


class SettingsEstimator(CheckedNames, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Takes a strategy and groups of settings, and stores them as they are given; `fit` validates them.

    `mt2st.TextClassifier` explains the parameters. ``set_params(context__window=5)`` changes a setting of a group,
    ``set_params(strategy__decay=0.5)`` one of the strategy.
    """

    _of_words: ClassVar[bool] = False

    def __init__(
        self,
        strategy: Strategy | str = "diminish",
        *,
        encoder: Encoder | type[EncoderModule] | str | None = None,
        text: Text | None = None,
        embedding: Embedding | None = None,
        context: Context | None = None,
        auxiliaries: Sequence[str | Task | KernelTask] = ("context",),
        auxiliary_data: AuxiliaryData | None = None,
        word_tasks: WordTasks | None = None,
        optimisation: Optimisation | None = None,
        transition: Transition | None = None,
        compute: Compute | None = None,
        class_weight: Mapping[Any, float] | str | None = None,
        seed: int = 1,
        verbose: bool = False,
    ) -> None:
        self.strategy = strategy
        self.encoder = encoder
        self.text = text
        self.embedding = embedding
        self.context = context
        self.auxiliaries = auxiliaries
        self.auxiliary_data = auxiliary_data
        self.word_tasks = word_tasks
        self.optimisation = optimisation
        self.transition = transition
        self.compute = compute
        self.class_weight = class_weight
        self.seed = seed
        self.verbose = verbose

    @classmethod
    def from_settings(cls, settings: ModelSettings, strategy: Strategy | str = "diminish", **parameters: Any) -> Self:
        """Return an estimator with all these settings."""
        given = {name: getattr(settings, name) for name in names_of_fields(ModelSettings)}
        given |= {name: None for name, group in GROUPS.items() if given[name] == group()}
        return cls(strategy, **given, **parameters)

    @property
    def settings(self) -> ModelSettings:
        """The settings in all groups, as they were given or by default; not validated."""
        given = {name: self._group(name) for name in GROUPS}
        names = [each for each in _several(self.auxiliaries) if isinstance(each, str)]
        return ModelSettings(auxiliaries=names, seed=self.seed, **given)  # type: ignore[arg-type]

    @property
    def own_tasks(self) -> list[Task | KernelTask]:
        """The auxiliary tasks that were given as objects."""
        return [each for each in _several(self.auxiliaries) if not isinstance(each, str)]

    def checked_settings(self) -> ModelSettings:
        """Return the settings of all groups after validation, with the defaults of the problem type."""
        return self.settings.checked(of_words=self._of_words).with_defaults(of_words=self._of_words)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name; deep, those of each group and of the strategy too: ``context__window``."""
        parameters: dict[str, Any] = super().get_params(deep=deep)
        if deep:
            for name in (*GROUPS, _STRATEGY):
                parameters |= {f"{name}__{each}": value for each, value in self._inner(name).items()}
        return parameters

    def set_params(self, **parameters: Any) -> Self:
        """Set parameters by name, those of a group or of the strategy as ``context__window``.

        Raises:
            InputError: a name that does not exist, or a value that the strategy refuses.
        """
        nested: dict[str, dict[str, Any]] = {}
        whole: dict[str, Any] = {}
        for path, value in parameters.items():
            name, _, inner = path.partition("__")
            if inner and name in (*GROUPS, _STRATEGY):
                nested.setdefault(name, {})[inner] = value
            elif name in self._get_param_names():
                whole[path] = value
            else:
                raise unknown_name(type(self), path, value, self._get_param_names())
        # Whole groups first, so that one call can give a group and change a setting of it.
        super().set_params(**whole)
        for name, changes in nested.items():
            known = list(self._inner(name))
            for inner in changes:
                if inner not in known:
                    raise InputError(f"{name} has no setting '{inner}'.{suggestion(inner, known)}")
            if name == _STRATEGY:  # rebuilt, as its constructor checks what goes together
                self.strategy = type(as_strategy(self.strategy))(**{**self._inner(name), **changes})
            else:
                setattr(self, name, replace(self._group(name), **changes))
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.target_tags.required = True
        tags.non_deterministic = self._group("compute").parallel_context
        return tags

    def _inner(self, name: str) -> dict[str, Any]:
        """Return the settings of a group or of the strategy; none of a value that `fit` refuses."""
        if name != _STRATEGY:
            group = self._group(name)
            return {each: getattr(group, each) for each in names_of_fields(GROUPS[name]) if hasattr(group, each)}
        strategy = self.strategy
        if isinstance(strategy, str) and strategy in known_strategies():
            strategy = as_strategy(strategy)
        return (
            {each: getattr(strategy, each) for each in strategy.setting_names()}
            if isinstance(strategy, Strategy)
            else {}
        )

    def _group(self, name: str) -> Any:
        """Return a group as it was given, or with its defaults."""
        value = getattr(self, name)
        if value is None:
            return GROUPS[name]()
        return encoder_group(value) if name == "encoder" else value


def _several(auxiliaries: Any) -> Sequence[Any]:
    """Return auxiliary tasks as they were given; a single one is taken for a list of one."""
    return auxiliaries if isinstance(auxiliaries, Sequence) and not isinstance(auxiliaries, str) else [auxiliaries]
