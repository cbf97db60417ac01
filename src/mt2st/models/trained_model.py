"""What all estimators share: fitting on labelled rows, evaluation, word vectors, saving and loading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Generic, Self

import numpy as np
import torch
from sklearn.exceptions import NotFittedError

from mt2st.embedding import WordVectors
from mt2st.errors import InputError
from mt2st.models.assembly import new_network
from mt2st.models.auxiliaries import AuxiliaryReport
from mt2st.models.card import model_card
from mt2st.models.document_encoder import DocumentEncoder
from mt2st.models.embedding_init import new_embedding, subwords_of, word_vectors
from mt2st.models.fitting import FitOptions, Fitting, primary_task, tokeniser_of
from mt2st.models.folder import ModelFolder
from mt2st.models.inputs import Classes, names_of
from mt2st.models.parameters import SettingsEstimator
from mt2st.models.problem_types import ProblemType, RowsT, truncation_of
from mt2st.models.progress_bar import ProgressBar
from mt2st.models.settings import ModelSettings
from mt2st.network import Network
from mt2st.strategy import PRIMARY_TASK, Strategy, as_strategy, load_strategy
from mt2st.tasks import Texts
from mt2st.text import Vocabulary
from mt2st.training import Run
from mt2st.training.processor import torch_threads


class UnfittedError(InputError, NotFittedError):  # type: ignore[misc]  # scikit-learn has no types
    """The estimator is not fitted yet."""


class TrainedModel(SettingsEstimator, Generic[RowsT]):
    """An estimator for one problem type. The parameters are those of `SettingsEstimator`.

    Attributes:
        problem_type: what it learns from.
        settings_: the validated settings.
        classes_: ``[n_classes]`` labels, in the type that the user gave: numbers by size, strings by the alphabet.
        run_: the course of the training.
        network_: the trained network, with the primary task's head alone.
        vocabulary_: the words of its embedding's rows.
        metrics_: the metrics on each part of the data.
        auxiliaries_: for each auxiliary task on words, how much of its data was used and held out, and its metrics.
        init_seconds_: seconds of training the embedding's first values, if they were trained. They are no part of the
            run's training time.
    """

    problem_type: ClassVar[ProblemType[Any]]
    _fitting: Fitting[Any] | None = None

    def fit_rows(
        self,
        rows: RowsT,
        *,
        validation: float | RowsT = 0.2,
        classes: Classes | None = None,
        **options: Any,
    ) -> Self:
        """Train on labelled data as the readers of `mt2st.text` give it; `fit` is the same on lists and arrays.

        Args:
            rows: the labelled data.
            validation: labelled data to choose the best evaluation by, or the share, in (0, 1), to split off for this.
            classes: the classes in the type of the user's labels, in their order; by default the names in the rows.
            options: see `mt2st.models.fitting.FitOptions`.

        Raises:
            InputError: the settings or the data cannot be used.
        """
        settings, strategy = self.checked_settings(), as_strategy(self.strategy)
        given = FitOptions(**options)
        if self.verbose:
            given = replace(given, callbacks=[*given.callbacks, ProgressBar()])
        self.problem_type.check(rows)
        held_out: Any = validation
        if not hasattr(validation, "source"):
            rows, held_out = self.problem_type.split(rows, _share(validation), seed=settings.seed)
        if classes is None:
            classes = np.array(self.problem_type.classes(rows))
        self._fitting = Fitting(settings, strategy, self.problem_type, names_of(classes), given)
        try:
            fitted = self._fitting.fit(rows, held_out)
        finally:
            self._fitting = None
        self.settings_, self.classes_, self.run_ = settings, classes, fitted.run
        self.network_, self.vocabulary_ = fitted.network, fitted.vocabulary
        self.auxiliaries_, self.init_seconds_ = dict(fitted.auxiliaries), fitted.init_seconds
        self.metrics_: dict[str, dict[str, float]] = {}
        if self.run_.evaluations and self.run_.stopped != "interrupted":
            self.metrics_["validation"] = dict(self.run_.evaluations[self.run_.best].validation)
        return self

    def stop(self) -> bool:
        """Ask a running `fit` to end after its current step, with a checkpoint; safe in a signal handler.

        Returns:
            Whether there was a training to end: while the text is still being read, there is none.
        """
        trainer = self._fitting.trainer if self._fitting is not None else None
        if trainer is None:
            return False
        trainer.stop()
        return True

    def evaluate_rows(self, rows: RowsT, *, name: str = "test") -> dict[str, float]:
        """Measure on labelled data and keep the result in ``metrics_[name]`` for the model's card.

        Raises:
            InputError: before `fit`, or the data cannot be measured.
        """
        network, vocabulary = self._fitted()
        settings, names = self.settings_, names_of(self.classes_)
        tokeniser = tokeniser_of(settings)
        reader = DocumentEncoder.of(network, vocabulary, tokeniser)
        prepared = self.problem_type.prepare(rows, names, tokeniser, truncation=truncation_of(settings))
        if not prepared.documents:
            raise InputError(f"{rows.source}: nothing to measure on; give at least one text")
        data = prepared.encoded(reader.read(prepared.documents))
        with torch_threads(settings.compute.threads):
            task = primary_task(settings, self.problem_type, names, data)
            self.metrics_[name] = task.measure(reader.network(network), data)
        return self.metrics_[name]

    @property
    def word_vectors(self) -> WordVectors:
        """The task-specific word vectors; `SubwordVectors` where they are made of n-grams.

        Raises:
            InputError: before `fit`.
        """
        network, vocabulary = self._fitted()
        return word_vectors(network.embedding, vocabulary)

    def save(
        self,
        folder: str | PathLike[str],
        *,
        overwrite: bool = False,
        about: Iterable[str] = (),
        columns: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the model folder: parameters, vocabulary, configuration and card.

        Args:
            folder: where.
            overwrite: replace a model folder that is there.
            about: lines about the data for the card.
            columns: where the training data had their texts and labels, which the command line finds again there.

        Raises:
            InputError: before `fit`, or the folder cannot be written.
        """
        network, vocabulary = self._fitted()
        config = {
            "problem_type": self.problem_type.name,
            "classes": self.classes_.tolist(),
            "settings": self.settings_.as_dict(),
            "strategy": as_strategy(self.strategy).state_dict(),
            "run": self.run_.as_dict(),
            "metrics": self.metrics_,
            "columns": dict(columns or {}),
            "auxiliaries": {name: report.as_dict() for name, report in self.auxiliaries_.items()},
            **self._extra_config(),
        }
        card = model_card(config, title=self.problem_type.title, vocabulary_size=len(vocabulary), about=list(about))
        parameters = {name: value.detach().cpu().numpy() for name, value in network.state_dict().items()}
        ModelFolder(parameters, vocabulary, config, card).save(Path(folder), overwrite=overwrite)

    @classmethod
    def load(cls, folder: str | PathLike[str], *, strategies: Iterable[type[Strategy]] = ()) -> Self:
        """Read a model folder that `save` wrote.

        Args:
            folder: where.
            strategies: classes of your own that the folder may name. Those that are defined by now are known. A model
                whose strategy is unknown predicts, but cannot be trained again.

        Raises:
            InputError: naming what is missing or broken.
        """
        return cls.restored(ModelFolder.load(Path(folder)), folder, strategies=strategies)

    @classmethod
    def restored(
        cls, saved: ModelFolder, folder: str | PathLike[str], *, strategies: Iterable[type[Strategy]] = ()
    ) -> Self:
        """Return the model that a folder holds.

        Args:
            saved: what was read from the folder.
            folder: its name, for messages.
            strategies: as for `load`.

        Raises:
            InputError: it holds a model of another problem type, or its parts do not fit together.
        """
        if saved.problem_type != cls.problem_type.name:
            raise InputError(
                f"{folder} holds a model for {saved.problem_type}, {cls.__name__} loads one for "
                f"{cls.problem_type.name}: mt2st.load loads any"
            )
        try:
            settings = ModelSettings.from_dict(saved.config["settings"]).checked(of_words=cls._of_words)
            model = cls.from_settings(
                settings, load_strategy(saved.config["strategy"], strategies, may_be_unknown=True)
            )
            model.settings_, model.classes_ = settings, np.array(saved.config["classes"])
            model.run_, model.metrics_ = Run.from_dict(saved.config["run"]), saved.config["metrics"]
            reports: Mapping[str, Any] = saved.config["auxiliaries"]
            model.auxiliaries_ = {name: AuxiliaryReport.from_dict(report) for name, report in reports.items()}
            model.vocabulary_, model.network_ = saved.vocabulary, _network_of(saved, settings, cls.problem_type)
            model.init_seconds_ = 0.0
            model._restore_extra(saved.config)
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise InputError(f"{folder} does not fit together: {' '.join(str(error).split())}") from error
        return model

    def _extra_config(self) -> dict[str, Any]:
        """Return what else the model folder holds."""
        return {}

    def _restore_extra(self, config: Mapping[str, Any]) -> None:
        """Take what `_extra_config` gave."""

    def _fitted(self) -> tuple[Network, Vocabulary]:
        if not self.__sklearn_is_fitted__():
            raise UnfittedError(f"this {type(self).__name__} is not fitted yet: call fit first, or load a saved one")
        return self.network_, self.vocabulary_

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def _read(self, documents: Iterable[str]) -> tuple[Network, Texts]:
        """Return the trained network and documents, encoded so that it can read them.

        Raises:
            InputError: before `fit`.
        """
        network, vocabulary = self._fitted()
        reader = DocumentEncoder.of(network, vocabulary, tokeniser_of(self.settings_))
        texts = reader.read(documents)
        return reader.network(network), texts


def _network_of(saved: ModelFolder, settings: ModelSettings, problem: ProblemType[Any]) -> Network:
    """Return the network of a model folder.

    Raises:
        RuntimeError: the parameters do not fit the settings.
    """
    with torch.random.fork_rng(devices=[]):  # the first values are thrown away
        subwords = subwords_of(settings, saved.vocabulary)
        n_rows = subwords.rows.table_rows if subwords is not None else len(saved.vocabulary)
        embedding = new_embedding(torch.zeros(n_rows, settings.embedding.vector_size), subwords)
        network = new_network(settings, embedding, {PRIMARY_TASK: (problem, len(saved.config["classes"]))})
    network.load_state_dict({name: torch.from_numpy(value) for name, value in saved.parameters.items()})
    return network.eval()


def _share(validation: object) -> float:
    """Return a share of the labelled data, as a float.

    Raises:
        InputError: it is none.
    """
    if isinstance(validation, int | float | np.number) and not isinstance(validation, bool):
        return float(validation)
    raise InputError(f"validation must be a share between 0 and 1, or (texts, labels), found {validation!r:.60}")
