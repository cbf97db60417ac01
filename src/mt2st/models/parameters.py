"""The constructor parameters that all estimators share, with scikit-learn's rules for them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, ClassVar, Self

from sklearn.base import BaseEstimator

from mt2st.errors import InputError, suggestion
from mt2st.models.settings import (
    TAG_WINDOW,
    TEXT_WINDOW,
    AuxiliaryData,
    Compute,
    Context,
    Embedding,
    Encoder,
    ModelSettings,
    Optimisation,
    Text,
    Transition,
    WordTasks,
)
from mt2st.strategy import Strategy

_GROUPS: dict[str, type[Any]] = {
    "encoder": Encoder,
    "text": Text,
    "embedding": Embedding,
    "context": Context,
    "auxiliary_data": AuxiliaryData,
    "word_tasks": WordTasks,
    "optimisation": Optimisation,
    "transition": Transition,
    "compute": Compute,
}


class SettingsEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Takes a strategy and groups of settings, and stores them as they are given; `fit` validates them.

    Args:
        strategy: how the auxiliary tasks fade out or go off: a strategy or its name.
        encoder: the shared layers: a group of settings or the encoder's name.
        text: how text becomes token ids.
        embedding: the word embedding and its first values.
        context: the auxiliary task on word context.
        auxiliaries: names of the auxiliary tasks.
        auxiliary_data: files of the auxiliary tasks.
        word_tasks: the auxiliary tasks on analogies and word pairs.
        optimisation: optimizer, learning rates, evaluation, and the end of the training.
        transition: what happens when the last auxiliary task goes off.
        compute: cores and threads.
        seed: decides initial parameters, dropout and the order of all data.
        verbose: show a progress bar while fitting.

    A group that is None has its defaults. ``set_params(context__window=5)`` changes one setting of a group.
    """

    _of_words: ClassVar[bool] = False

    def __init__(
        self,
        strategy: Strategy | str = "diminish",
        *,
        encoder: Encoder | str | None = None,
        text: Text | None = None,
        embedding: Embedding | None = None,
        context: Context | None = None,
        auxiliaries: tuple[str, ...] = ("context",),
        auxiliary_data: AuxiliaryData | None = None,
        word_tasks: WordTasks | None = None,
        optimisation: Optimisation | None = None,
        transition: Transition | None = None,
        compute: Compute | None = None,
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
        given = {each.name: getattr(settings, each.name) for each in fields(settings)}
        given |= {name: None for name, group in _GROUPS.items() if given[name] == group()}
        return cls(strategy, **given, **parameters)

    @property
    def settings(self) -> ModelSettings:
        """The settings in all groups, as they were given or by default; not validated."""
        given = {name: self._group(name) for name in _GROUPS}
        return ModelSettings(auxiliaries=self.auxiliaries, seed=self.seed, **given)  # type: ignore[arg-type]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name; deep, those of each group too: ``context__window``."""
        parameters: dict[str, Any] = super().get_params(deep=deep)
        if deep:
            for name in _GROUPS:
                group = self._group(name)
                if isinstance(group, _GROUPS[name]):
                    parameters |= {f"{name}__{each.name}": getattr(group, each.name) for each in fields(group)}
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
            known = [each.name for each in fields(_GROUPS[name])]
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
        return Encoder(value) if name == "encoder" and isinstance(value, str) else value

    def checked_settings(self) -> ModelSettings:
        """Return the validated settings."""
        settings = self.settings.checked(of_words=self._of_words)
        if settings.context.window is None:
            settings = settings.updated(context__window=TAG_WINDOW if self._of_words else TEXT_WINDOW)
        return settings
