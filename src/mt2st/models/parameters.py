"""The constructor parameters that all estimators share, with scikit-learn's rules for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from mt2st.errors import InputError, suggestion
from mt2st.models.groups import (
    TAG_WINDOW,
    TEXT_WINDOW,
    AuxiliaryData,
    Compute,
    Context,
    Embedding,
    Encoder,
    Optimisation,
    Text,
    Transition,
    WordTasks,
    names_of_fields,
)
from mt2st.models.settings import ModelSettings, encoder_group
from mt2st.strategy import Strategy

if TYPE_CHECKING:
    from mt2st.network import Encoder as EncoderModule
    from mt2st.training import KernelTask, Task


class UnfittedError(InputError, NotFittedError):  # type: ignore[misc]  # scikit-learn has no types
    """The estimator is not fitted yet."""


_GROUPS = {each.name: each.default_factory for each in fields(ModelSettings) if each.default_factory is not MISSING}
"""The class of each group of settings, by the name of its parameter."""


class SettingsEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Takes a strategy and groups of settings, and stores them as they are given; `fit` validates them.

    `mt2st.TextClassifier` explains the parameters. ``set_params(context__window=5)`` changes one setting of a group.
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
        """Return an estimator with all these settings.

        Args:
            settings: the settings.
            strategy: a strategy or its name.
            parameters: other parameters of the constructor.
        """
        given = {name: getattr(settings, name) for name in names_of_fields(ModelSettings)}
        given |= {name: None for name, group in _GROUPS.items() if given[name] == group()}
        return cls(strategy, **given, **parameters)

    @property
    def settings(self) -> ModelSettings:
        """The settings in all groups, as they were given or by default; not validated."""
        given = {name: self._group(name) for name in _GROUPS}
        names = [each for each in _several(self.auxiliaries) if isinstance(each, str)]
        return ModelSettings(auxiliaries=names, seed=self.seed, **given)  # type: ignore[arg-type]

    @property
    def own_tasks(self) -> list[Task | KernelTask]:
        """The auxiliary tasks that were given as objects."""
        return [each for each in _several(self.auxiliaries) if not isinstance(each, str)]

    def checked_settings(self) -> ModelSettings:
        """Return the settings of all groups after validation, with the default window of the problem type."""
        settings = self.settings.checked(of_words=self._of_words)
        if settings.context.window is None:
            settings = settings.updated(context__window=TAG_WINDOW if self._of_words else TEXT_WINDOW)
        return settings

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name; deep, those of each group too: ``context__window``."""
        parameters: dict[str, Any] = super().get_params(deep=deep)
        if deep:
            for name, kind in _GROUPS.items():
                group = self._group(name)
                if isinstance(group, kind):  # type: ignore[arg-type]  # default factories are the groups' classes
                    parameters |= {f"{name}__{each}": getattr(group, each) for each in names_of_fields(type(group))}
        return parameters

    def set_params(self, **parameters: Any) -> Self:
        """Set parameters by name, those of a group as ``context__window``.

        Raises:
            InputError: a name that does not exist.
        """
        nested = [path for path in parameters if path.partition("__")[0] in _GROUPS and "__" in path]
        # Whole groups first, so that one call can give a group and change a setting of it.
        super().set_params(**{path: value for path, value in parameters.items() if path not in nested})
        for path in nested:
            name, _, inner = path.partition("__")
            known = names_of_fields(_GROUPS[name])  # type: ignore[arg-type]
            if inner not in known:
                raise InputError(f"{name} has no setting '{inner}'.{suggestion(inner, known)}")
            setattr(self, name, replace(self._group(name), **{inner: parameters[path]}))
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.target_tags.required = True
        tags.non_deterministic = self._group("compute").parallel_context
        return tags

    def _group(self, name: str) -> Any:
        """Return a group as it was given, or with its defaults."""
        value = getattr(self, name)
        if value is None:
            return _GROUPS[name]()
        return encoder_group(value) if name == "encoder" else value


def _several(auxiliaries: Any) -> Sequence[Any]:
    """Return auxiliary tasks as they were given; a single one is taken for a list of one."""
    return auxiliaries if isinstance(auxiliaries, Sequence) and not isinstance(auxiliaries, str) else [auxiliaries]
