"""What all estimators share: fitting, evaluation, word vectors, saving and loading."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Generic, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from mt2st.embedding import WordVectors
from mt2st.errors import DataWarning, InputError, ScheduleWarning, in_brief
from mt2st.models.assembly import new_network, shapes_of
from mt2st.models.auxiliaries import AuxiliaryReport
from mt2st.models.card import model_card
from mt2st.models.embedding_init import new_embedding
from mt2st.models.ensemble import PREFIX, Ensemble, have_known_words, told_by_words, warn_of_unknown
from mt2st.models.fitting import DocumentEncoder, FitOptions, primary_task, reader_of, subwords_in, to_measure
from mt2st.models.folder import RUNTIME, ModelFolder, word_vectors_of
from mt2st.models.inputs import joined, names_of, normalised_weights, not_exhausted, pair, parted, rereadable
from mt2st.models.learning import Learning
from mt2st.models.mean import MeanNetwork, TextReader
from mt2st.models.parameters import SettingsEstimator, UnfittedError
from mt2st.models.problem_types import ProblemType, Rows, RowsT, truncated
from mt2st.models.settings import ModelSettings
from mt2st.models.texts import Classes, checked_texts
from mt2st.network import Network
from mt2st.network.encoders import Mean
from mt2st.strategy import PRIMARY_TASK, Strategy, as_strategy, load_strategy
from mt2st.tasks import LabelledTask, Texts
from mt2st.tasks.classification import predict_probabilities
from mt2st.text import UNK, LabelledText, TaggedText, Vocabulary
from mt2st.training import Callback, Evaluation, KernelTask, Run, Task
from mt2st.training.callbacks import check_callbacks
from mt2st.training.device import torch_threads
from mt2st.training.processes import current

SHOWN = ("accuracy", "micro_f1", "entity_f1", "loss")
"""Validation metrics shown with the progress bar."""


class TrainedModel(SettingsEstimator, Generic[RowsT]):
    """An estimator for one problem type. `mt2st.TextClassifier` explains the parameters.

    What needs a trained model raises `mt2st.errors.InputError` before `fit`.

    Attributes:
        problem_type: what it learns from.
        choice_: what was left to the data and chosen by them, in a line; empty if nothing was.
        settings_: the validated settings; None where a default depends on the others or on the problem type.
        strategy_: the strategy that it was fitted with.
        class_weight_: the weights of classes that it was fitted with.
        classes_: ``[n_classes]`` labels, in the type that the user gave: numbers by size, strings by the alphabet.
        class_prior_: ``[n_classes]`` shares of the classes in the training data, which texts without a known word get;
            None for a tagger.
        run_: the course of the training.
        network_: the trained network, with the primary task's head alone, on the CPU. After
            ``model.network_.to("cuda")`` the GPU makes the predictions.
        vocabulary_: the words of its embedding's rows.
        ensemble_: linear classifiers on n-grams, and how much they and the network count; None for the network alone.
        metrics_: the metrics on each part of the data. Those on ``validation`` are from before the final fit.
        validation_probabilities_: ``[n_validation, n_classes]`` of the validation data by classifiers that had not seen
            them; None for a tagger. With few labels these are all labelled texts, out of fold. The weights of the
            ensemble were chosen on them.
        auxiliaries_: for each auxiliary task on words, how much of its data was used and held out, and its metrics.
        init_seconds_: seconds of training the embedding's first values, if they were trained. They are no part of the
            run's training time.
    """

    problem_type: ClassVar[ProblemType[Any]]
    ensemble_: Ensemble | None
    class_prior_: NDArray[np.float32] | None
    metrics_: dict[str, dict[str, float]]
    _learning: Learning[Any] | None = None
    _data: dict[str, Any]
    """What `save` was told about the data."""
    _chosen: tuple[str, ...]
    """The settings that were left to the data. A loaded model leaves them to the data again."""

    def fit(
        self,
        X: Iterable[Any],
        y: Iterable[Any],
        *,
        sample_weight: ArrayLike | None = None,
        unlabelled: Iterable[str] = (),
        validation: float | Sequence[Any] = 0.2,
        final_fit: bool = True,
        autotune: float | None = None,
        auxiliary_tasks: Sequence[Task | KernelTask] = (),
        auxiliary_rows: Mapping[str, Rows] | None = None,
        callbacks: Sequence[Callback] = (),
        log: str | PathLike[str] | None = None,
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Train on labelled data, with the help of unlabelled texts and of other labelled data.

        A seed repeats a training only if no other one runs in the same process at that time: all of them draw from
        torch's one generator. Train in parallel by processes, as joblib does by default, not by threads.

        Args:
            X: n texts: a list, an array or a column of a data frame. For a `Tagger`, n sentences, each a list of words.
            y: for a `TextClassifier` n labels; for a `MultiLabelClassifier` the labels of each text, maybe none, or an
                indicator matrix ``[n, n_classes]`` of 0 and 1; for a `Tagger` the tag of each word. Tags that mark
                spans (``B-person``, ``I-person``, ``O``) are judged by whole entities.
            sample_weight: n weights of the texts in the loss, that of the validation part too. Not for a `Tagger`.
            unlabelled: further texts for the context task and the vocabulary. They are read again for the final fit, so
                an iterator is kept in memory until then, and serves one call of `fit` only. `GridSearchCV` fits many
                times, and takes a list as long as ``X`` for a value per text and cuts it: give it an iterable without
                a length that can be read again.
            validation: labelled data to choose the best evaluation by, as ``(X, y)``, or the share of the labelled
                data, in (0, 1), that is split off for this at random, by the seed; stratified if each text has one
                label. Copies of a text stay together.
            final_fit: when the choice is made, train again on all labelled data, the share for validation included.
                Strategy and learning rates then change where they did in the first training. It takes about as long
                again. ``(X, y)`` for validation are never trained on. Not for a `Tagger`.
            autotune: minutes for a search of the settings that were left out (extra ``search``): one training after the
                other, the best on the validation data kept. The final fit is within these minutes, about. Nothing is
                searched with few labels, which are learned from in closed form.
            auxiliary_tasks: tasks of your own: any `mt2st.training.Task` or `KernelTask`. The module that its loss gets
                is the model's `mt2st.network.Network`. An attribute ``head``, a torch module, is trained with it. Each
                fit begins with the state that the head, or a kernel task, had at its first one. A task that is also a
                `Callback` gets the corpus, with its vocabulary; a kernel task has to start over then by itself.
            auxiliary_rows: further labelled data, of any problem type, by a name for its auxiliary task. Its text joins
                the vocabulary and the context task.
            callbacks: called before and during the training, and with the fitted estimator.
            log: file of the metrics, as JSON Lines.
            checkpoint: folder for checkpoints: written every few minutes, also of the first word vectors and of the
                final fit, and when the training is interrupted; a training goes on from those that are there. Remove it
                once the complete model is saved.

        Returns:
            The estimator itself.

        Raises:
            InputError: a setting is out of its range, settings contradict each other (all such errors at once), or the
                data cannot be used.
        """
        if y is None:
            raise InputError(f"a {type(self).__name__} needs labels: requires y to be passed, but the target y is None")
        source, y = "the labelled texts", self._labels(y, "the labelled texts")
        classes = self._classes(y, source)
        rows = self._rows(X, y, source, classes)
        if sample_weight is not None:
            if isinstance(rows, TaggedText):
                raise InputError(f"a {type(self).__name__} takes no sample_weight: leave it out")
            rows = replace(rows, weights=normalised_weights(sample_weight, len(rows), source))
        if not np.isscalar(validation):
            texts, labels = pair(validation)
            validation = self._rows(texts, self._labels(labels, "validation"), "validation", classes)  # type: ignore[assignment]
        return self.fit_rows(
            rows,
            validation=validation,  # type: ignore[arg-type]
            final_fit=final_fit and np.isscalar(validation),
            autotune=autotune,
            classes=classes,
            unlabelled=not_exhausted(unlabelled, "unlabelled"),
            auxiliary_tasks=auxiliary_tasks,
            auxiliary_rows=auxiliary_rows or {},
            callbacks=[*check_callbacks(callbacks), ScheduleCheck()],
            log=log,
            checkpoint=checkpoint,
        )

    def fit_rows(
        self,
        rows: RowsT,
        *,
        validation: float | RowsT = 0.2,
        final_fit: bool = False,
        autotune: float | None = None,
        classes: Classes | None = None,
        **options: Any,
    ) -> Self:
        """Train on labelled data as the readers of `mt2st.text` give it; `fit` is the same on lists and arrays.

        Args:
            rows: the labelled data.
            validation: labelled data to choose the best evaluation by, or the share, in (0, 1), to split off for this.
            final_fit: train again on all of these data when the choice is made.
            autotune: minutes for a search of the settings that were left out.
            classes: the classes in the type of the user's labels, in their order; by default the names in the rows.
            options: see `mt2st.models.fitting.FitOptions`.

        Raises:
            InputError: the settings or the data cannot be used.
        """
        settings, strategy = self.checked_settings(), as_strategy(self.strategy)
        chosen = self.settings.checked(of_words=self._of_words)  # without defaults, which a card does not list
        given = FitOptions(**options)
        if isinstance(given.auxiliary_tasks, Task | KernelTask):
            raise InputError(f"auxiliary_tasks must be a list of tasks, found one: give [{given.auxiliary_tasks.name}]")
        if not isinstance(given.auxiliary_rows, Mapping):
            raise InputError(f"auxiliary_rows must be data by the name of a task, found {given.auxiliary_rows!r:.60}")
        check_callbacks(given.callbacks)
        given = replace(given, auxiliary_tasks=[*self.own_tasks, *(given.auxiliary_tasks or ())])
        processes = current()
        if processes.count > 1 and autotune is not None:
            raise InputError("autotune goes by the clock, which differs between processes: train in one process")
        if processes.rank:
            given = given.without_records()  # the first process writes and tells
        elif self.verbose:
            given = replace(given, callbacks=[*given.callbacks, ProgressBar()])
        self.problem_type.check(rows)
        if not hasattr(validation, "source"):
            validation = _share(validation)
            rows = self._weighted(rows, classes)
        elif self.class_weight is not None:  # of the classes in both parts
            rows, validation = parted(self._weighted(joined(rows, validation), classes), rows, validation)
        if classes is None:  # with the final fit, those of the other part are learned too
            of_both = final_fit and not isinstance(validation, float) and self.problem_type.independent
            classes = np.array(self.problem_type.classes(joined(rows, validation) if of_both else rows))
        learning = self._learning = Learning(settings, strategy, self.problem_type, names_of(classes), given)
        try:
            learned = learning.learn(rows, validation, final_fit=final_fit, autotune=autotune)
        finally:
            self._learning = None
        self.class_prior_ = learning.prior
        self.settings_ = chosen.updated(**learned.choice.values)
        self.choice_, self.classes_, self.run_ = learned.choice.reason, classes, learned.run
        self._chosen = tuple(learned.choice.values)
        self.strategy_, self.class_weight_ = strategy, self.class_weight
        fitted = learned.fitted
        # On the CPU, so that a pickle of it can be read anywhere.
        self.network_, self.vocabulary_, self.ensemble_ = fitted.network.cpu(), fitted.vocabulary, learned.ensemble
        self.auxiliaries_, self.init_seconds_ = dict(fitted.auxiliaries), fitted.init_seconds
        self.metrics_ = {"validation": learned.validation} if learned.validation else {}
        self.validation_probabilities_ = learned.probabilities
        self._data = _unknown_data()
        self._keep(rows)
        for callback in given.callbacks:
            callback.on_model(self)
        return self

    def stop(self) -> bool:
        """Ask a running `fit` to end after its current step, with a checkpoint; safe in a signal handler.

        Returns:
            Whether there was a training to end: while the text is still being read, there is none.
        """
        fitting = self._learning.fitting if self._learning is not None else None
        trainer = fitting.trainer if fitting is not None else None
        if trainer is None:
            return False
        trainer.stop()
        return True

    @abstractmethod
    def predict_proba(self, X: Iterable[Any]) -> Any:
        """Return the probabilities of the classes, in the order of `classes_`."""

    @abstractmethod
    def predict(self, X: Iterable[Any]) -> Any:
        """Return labels or tags in the type of those that `fit` got."""

    def evaluate(self, X: Iterable[Any], y: Iterable[Any], *, name: str = "test") -> dict[str, float]:
        """Measure on labelled data and keep the result in ``metrics_[name]`` for the model's card.

        Returns:
            Metrics by name. One label per text: loss, accuracy and averaged precision, recall and F1. Several labels:
            loss, subset accuracy, micro-averaged precision, recall and F1, and macro F1. Tags: loss, accuracy of words,
            and precision, recall and F1 of entities if the tags mark spans, else averaged ones of tags.

        Raises:
            InputError: before `fit`, or a label of a `TextClassifier` is none of `classes_`. Unknown labels of a
                `MultiLabelClassifier` and unknown tags count as not found.
        """
        self._fitted()
        return self.evaluate_rows(self._rows(X, self._labels(y, name), name, self.classes_), name=name)

    def evaluate_rows(self, rows: RowsT, *, name: str = "test") -> dict[str, float]:
        """Measure on labelled data and keep the result in ``metrics_[name]`` for the model's card.

        Raises:
            InputError: before `fit`, or the data cannot be measured.
        """
        self.predict_rows(rows, name=name)
        return self.metrics_[name]

    def predict_rows(self, rows: RowsT, *, name: str = "test") -> NDArray[np.float32]:
        """Do as `evaluate_rows`, and return the probabilities that it measured.

        Returns:
            ``[n_texts, n_classes]``; of a tagger ``[n_words, n_classes]``, in the words' order.
        """
        unknown = sorted(set(self.problem_type.classes(rows)) - set(names_of(self.classes_)))
        if unknown and not isinstance(rows, LabelledText):  # where they are refused
            are = "is" if len(unknown) == 1 else "are"
            what = f"{in_brief(unknown)} {are} unknown to the model, and cannot be found"
            warnings.warn(f"{rows.source or name}: {what}", DataWarning, stacklevel=3)
        probabilities, task, data = self._of_network(rows)
        if self.class_prior_ is not None and not isinstance(rows, TaggedText):
            texts = data.texts
            known = have_known_words(texts.ids, texts.offsets)
            probabilities, _ = told_by_words(probabilities, known, self.ensemble_, self.class_prior_, rows.texts)
        self.metrics_[name] = task.metrics(probabilities, data)
        return probabilities

    def _of_network(self, rows: RowsT) -> tuple[NDArray[np.float32], LabelledTask[Any, Any], Any]:
        """Return the network's probabilities of rows, the task that measures them, and the rows as its data."""
        network, _ = self._fitted()
        settings, names, reader = self.settings_, names_of(self.classes_), self._reader()
        prepared = self.problem_type.prepare(rows, names, settings.text, spelled=reader.spellings is not None)
        data = to_measure(prepared, reader, rows.source)
        with torch_threads(settings.compute.threads):
            task = self._as_fitted(primary_task(settings, self.problem_type, names, data))
            return task.probabilities(reader.network(network), data), task, data

    def unknown_share(self, rows: RowsT) -> float | None:
        """Return the share of the words of labelled data that the vocabulary lacks; None if n-grams make words."""
        network, vocabulary = self._fitted()
        if subwords_in(network) is not None:
            return None
        text = self.settings_.text
        documents = self.problem_type.prepare(rows, names_of(self.classes_), text).documents
        ids = DocumentEncoder(vocabulary, text.tokeniser, None).read(documents).ids
        return float(np.mean(ids == UNK)) if len(ids) else None

    @property
    def word_vectors(self) -> WordVectors:
        """The task-specific word vectors; `SubwordVectors` if they are made of n-grams."""
        network, vocabulary = self._fitted()
        return word_vectors_of(network.embedding.weight.detach().cpu().numpy(), vocabulary, subwords_in(network))

    def save(
        self,
        folder: str | PathLike[str],
        *,
        overwrite: bool = False,
        about: Iterable[str] = (),
        dataset: str | None = None,
        columns: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the model folder: parameters, vocabulary, configuration and card.

        What is said about the data is kept for later calls, and with the folder.

        Args:
            folder: where.
            overwrite: replace a model folder that is there.
            about: lines about the data for the card.
            dataset: name of the labelled data for the card; that of a data set of the Hugging Face Hub as
                ``hf:owner/name``.
            columns: where the training data had their texts and labels, which the command line finds again there.

        Raises:
            InputError: before `fit`, or the folder cannot be written.
        """
        network, vocabulary = self._fitted()
        said = {"about": list(about), "dataset": dataset, "columns": dict(columns or {})}
        self._data = self._data | {name: value for name, value in said.items() if value}
        parameters = {name: value.detach().cpu().numpy() for name, value in network.state_dict().items()}
        parameters |= self.ensemble_.arrays() if self.ensemble_ else {}
        ModelFolder(parameters, vocabulary, self._config(), self.card()).save(Path(folder), overwrite=overwrite)

    def card(self, repository: str = "") -> str:
        """Return the model's card as Markdown: how to use it, its data, metrics, training and settings.

        Args:
            repository: where it is on the Hugging Face Hub, ``owner/name``; empty for a folder.
        """
        _, vocabulary = self._fitted()
        kind, title = type(self).__name__, self.problem_type.title
        return model_card(
            self._config(), kind=kind, title=title, vocabulary_size=len(vocabulary), repository=repository
        )

    def _config(self) -> dict[str, Any]:
        """Return all that the model folder holds but parameters and vocabulary, as JSON values."""
        return {
            "problem_type": self.problem_type.name,
            "classes": self.classes_.tolist(),
            "settings": self.settings_.as_dict(),
            "strategy": self.strategy_.state_dict(),
            "class_weight": _pairs(self.class_weight_),
            "run": self.run_.as_dict(),
            "metrics": self.metrics_,
            "auxiliaries": {name: report.as_dict() for name, report in self.auxiliaries_.items()},
            "choice": self.choice_,
            "chosen": list(self._chosen),
            "ensemble": self.ensemble_.config() if self.ensemble_ else None,
            "class_prior": None if self.class_prior_ is None else self.class_prior_.tolist(),
            **self._data,
            **self._extra_config(),
        }

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
        """Return the model that a folder holds."""
        if saved.problem_type != cls.problem_type.name:
            raise InputError(
                f"{folder} holds a model for {saved.problem_type}, {cls.__name__} loads one for "
                f"{cls.problem_type.name}: mt2st.load loads any"
            )
        config = saved.config
        if RUNTIME in config:
            raise InputError(
                f"{folder} was exported to predict: mt2st.inference.load reads it; {cls.__name__} does not"
            )
        try:
            settings = ModelSettings.from_dict(config["settings"]).checked(of_words=cls._of_words)
            chosen = tuple(config["chosen"])
            strategy = load_strategy(config["strategy"], strategies, may_be_unknown=True)
            model = cls.from_settings(settings.without(chosen), strategy)
            model._chosen = chosen
            model.settings_, model.classes_ = settings, np.array(config["classes"])
            weights = config.get("class_weight")
            model.class_weight = dict(map(tuple, weights)) if isinstance(weights, list) else weights
            model.strategy_, model.class_weight_ = as_strategy(model.strategy), model.class_weight
            model.run_, model.metrics_ = Run.from_dict(config["run"]), config["metrics"]
            reports: Mapping[str, Any] = config["auxiliaries"]
            model.auxiliaries_ = {name: AuxiliaryReport.from_dict(report) for name, report in reports.items()}
            model.vocabulary_, model.network_ = saved.vocabulary, _network_of(saved, settings, cls.problem_type)
            model.ensemble_ = Ensemble.of_folder(saved, cls.problem_type.independent, settings.text.tokeniser)
            model.init_seconds_, model.choice_, model.validation_probabilities_ = 0.0, str(config["choice"]), None
            prior = config["class_prior"]
            model.class_prior_ = None if prior is None else np.array(prior, dtype=np.float32)
            model._data = {name: config[name] for name in _unknown_data()}
            model._restore_extra(config)
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise InputError(f"{folder} does not fit together: {' '.join(str(error).split())}") from error
        return model

    @abstractmethod
    def _rows(self, X: Iterable[Any], y: Iterable[Any], source: str, classes: Classes | None = None) -> RowsT:
        """Return lists or arrays as labelled rows; ``source`` is their name in messages."""

    @abstractmethod
    def _classes(self, y: Any, source: str) -> Classes:
        """Return the different labels, in their own type."""

    def _labels(self, y: Any, source: str) -> Any:  # noqa: ARG002  # of subclasses
        """Return labels that can be read twice."""
        return rereadable(y)

    def _weighted(self, rows: RowsT, classes: Classes | None) -> RowsT:  # noqa: ARG002
        """Return the rows with the weights of their classes."""
        if self.class_weight is not None:
            raise InputError(f"class_weight is for a TextClassifier, a {type(self).__name__} has none: leave it out")
        return rows

    def _keep(self, rows: RowsT) -> None:
        """Keep what else a trained model needs of the labelled data."""

    def _as_fitted(self, task: LabelledTask[Any, Any]) -> LabelledTask[Any, Any]:
        """Return a task on data to measure with what the model keeps of the data that it was fitted on."""
        return task

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

    def _reader(self) -> DocumentEncoder:
        self._fitted()
        return reader_of(self.network_, self.vocabulary_, self.settings_)

    def _read(self, documents: Iterable[str]) -> tuple[Network, Texts]:
        """Return the trained network and documents, encoded so that it can read them."""
        network, reader = self._fitted()[0], self._reader()
        texts = reader.read(documents)
        return reader.network(network), texts

    def predict_known(self, X: Iterable[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the probabilities of the classes of texts, and which texts the model knows anything of.

        Not of a tagger.

        Returns:
            ``[n_texts, n_classes]`` as `predict_proba` does, and ``[n_texts]``: whether a text has a known word or
            n-gram. Without one, it has `class_prior_`.
        """
        self._fitted()
        assert self.class_prior_ is not None
        independent, given = self.problem_type.independent, list(checked_texts(X, "texts"))
        if given and self._reads_by_mean():
            text, subwords = self.settings_.text, subwords_in(self.network_)
            reader = TextReader(
                self.vocabulary_, text.tokeniser, subwords is not None, text.max_length, text.truncation
            )
            parameters = {name: value.numpy() for name, value in self.network_.state_dict().items()}
            texts = reader.read(given)
            found = MeanNetwork(parameters, subwords, independent=independent).probabilities(texts)
            return told_by_words(found, texts.known, self.ensemble_, self.class_prior_, given)
        known = np.empty(0, dtype=np.bool_)

        def probabilities(network: Network, encoded: Texts, max_length: int) -> NDArray[np.float32]:
            nonlocal known
            known = have_known_words(encoded.ids, encoded.offsets)
            return predict_probabilities(network, PRIMARY_TASK, encoded, max_length=max_length, independent=independent)

        found = self._of_texts(probabilities, given, len(self.classes_))
        return told_by_words(found, known, self.ensemble_, self.class_prior_, given)

    def _reads_by_mean(self) -> bool:
        """Return whether the network predicts without torch.

        Torch computes with the other encoders, on other devices, and in a caller's `torch.autocast`.
        """
        network, weight = self.network_, self.network_.embedding.weight
        plain = weight.device.type == "cpu" and weight.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
        return plain and type(network.encoder) is Mean

    def _probabilities(self, X: Iterable[str]) -> NDArray[np.float32]:
        """Return the probabilities of the classes of texts, and warn of texts without a known word."""
        found, known = self.predict_known(X)
        warn_of_unknown(known)
        return found

    def _of_texts(
        self, compute: Callable[[Network, Texts, int], NDArray[np.float32]], X: Iterable[str], n_columns: int
    ) -> NDArray[np.float32]:
        """Return what is computed of texts with the trained network and ``max_length``: a row per text."""
        network, texts = self._read(checked_texts(X, "texts"))
        if not len(texts):
            return np.empty((0, n_columns), dtype=np.float32)
        return compute(network, truncated(texts, self.settings_.text), self.settings_.text.max_length)


AnyModel = TrainedModel[Any]


class ScheduleCheck(Callback):
    """Warns of a schedule that does not reach the single-task training, though it is meant to."""

    def on_fit_start(self, trainer: Any) -> None:
        """Compare the schedule with the epochs, or with the steps that they have."""
        strategy: Strategy = trainer.strategy
        last = trainer.epochs * (trainer.primary.n_batches if strategy.unit == "step" else 1)
        if strategy.reaches_single_task and any(strategy.weights(1).values()) and (why := strategy.no_transition(last)):
            warnings.warn(
                f"{strategy.name}: no transition to single-task training: {why}", ScheduleWarning, stacklevel=2
            )


class ProgressBar(Callback):
    """The progress bar of ``verbose=True``: steps, epoch and validation metrics, in a terminal and in a notebook."""

    def __init__(self) -> None:
        self._bar: Any = None

    def on_vectors(self, progress: Any) -> None:
        """Show how far the training of the first word vectors is."""
        if self._bar is None:
            self._bar = _bar(desc="word vectors", unit_scale=True)
        self._bar.total, self._bar.unit = progress.total, progress.unit
        self._bar.update(progress.done - self._bar.n)

    def on_fit_start(self, trainer: Any) -> None:
        """Show an empty bar, or one with the steps before a checkpoint."""
        self.on_fit_end(trainer)
        total = trainer.epochs * trainer.primary.n_batches
        self._bar = _bar(total=total, initial=trainer.progress.step, desc="fit", unit="step")

    def on_step_end(self, trainer: Any) -> None:  # noqa: ARG002  # a callback's arguments
        """Count the step."""
        self._bar.update()

    def on_evaluation(self, trainer: Any, evaluation: Evaluation) -> None:  # noqa: ARG002
        """Show the epoch and its metrics."""
        found = {name: f"{evaluation.validation[name]:.3f}" for name in SHOWN if name in evaluation.validation}
        self._bar.set_postfix({"epoch": evaluation.epoch, **found})

    def on_fit_end(self, trainer: Any) -> None:  # noqa: ARG002
        """Close the bar, which stays on the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _bar(**options: Any) -> Any:
    from tqdm.auto import tqdm  # warns in a notebook that lacks ipywidgets, which matters to no one but its user

    return tqdm(**options)


def _pairs(class_weight: Mapping[Any, float] | str | None) -> Any:
    """Return weights of classes as JSON values, in which labels keep their types."""
    if not isinstance(class_weight, Mapping):
        return class_weight
    return [[key.item() if isinstance(key, np.generic) else key, float(each)] for key, each in class_weight.items()]


def _network_of(saved: ModelFolder, settings: ModelSettings, problem: ProblemType[Any]) -> Network:
    """Return the network of a model folder."""
    heads = {PRIMARY_TASK: (problem, len(saved.config["classes"]))}
    subwords = settings.subwords_of(saved.vocabulary)
    n_rows = subwords.rows.table_rows if subwords is not None else len(saved.vocabulary)
    for name, shape in shapes_of(settings, n_rows, heads).items():  # before they take memory
        found = saved.parameters[name].shape if name in saved.parameters else shape
        if found != shape:
            raise RuntimeError(f"size mismatch for {name}: {list(found)}, and by the settings {list(shape)}")
    with torch.random.fork_rng(devices=[]):  # the first values are thrown away
        embedding = new_embedding(torch.zeros(n_rows, settings.embedding.vector_size), subwords)
        network = new_network(settings, embedding, heads)
    own = {name: value for name, value in saved.parameters.items() if not name.startswith(PREFIX)}
    network.load_state_dict({name: torch.from_numpy(value) for name, value in own.items()})
    return network.eval()


def _unknown_data() -> dict[str, Any]:
    """Return what is known about the data where nothing was said."""
    return {"about": [], "dataset": None, "columns": {}}


def _share(validation: object) -> float:
    """Return a share of the labelled data, as a float."""
    if isinstance(validation, int | float | np.number) and not isinstance(validation, bool):
        return float(validation)
    raise InputError(f"validation must be a share between 0 and 1, or (texts, labels), found {validation!r:.60}")
