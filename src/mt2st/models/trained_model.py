"""What all models share: a network on its own word embedding, trained the MT2ST way, saved and loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, chain, pairwise
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, cast

import torch
from torch import nn

from mt2st._files import scratch_folder
from mt2st.embedding import WordVectors
from mt2st.errors import InputError
from mt2st.models.assembly import (
    new_convergence,
    new_network,
    new_optimizer,
    new_transition,
    weigh_ngrams,
)
from mt2st.models.auxiliaries import Auxiliaries, AuxiliaryData, AuxiliaryReport
from mt2st.models.card import model_card
from mt2st.models.folder import ModelFolder
from mt2st.models.identity import run_identity
from mt2st.models.intake import checked_texts
from mt2st.models.kept_starts import KeptStarts
from mt2st.models.kinds import Kind, Prepared, RowsT, excerpt_of
from mt2st.models.labelled_auxiliaries import (
    LabelledAuxiliary,
    Rows,
    labelled_auxiliaries,
)
from mt2st.models.parameters import SettingsEstimator
from mt2st.models.reader import Reader
from mt2st.models.settings import METRIC, ModelSettings
from mt2st.models.start import embedding_start
from mt2st.models.word_embedding import new_embedding, subwords_of, word_vectors
from mt2st.network import Network, NgramScores, SubwordEmbedding
from mt2st.strategy import PRIMARY_TASK, CombiningStrategy, Strategy, as_strategy, load_strategy
from mt2st.tasks import LabelledTask, Texts
from mt2st.tasks.labelled import part_of
from mt2st.text import Corpus, Tokeniser, Vocabulary
from mt2st.training import Callback, CheckpointEvery, Feedback, MetricsLog, Run, Trainer
from mt2st.training.processor import torch_threads, usable_cores


class TrainedModel(SettingsEstimator, Generic[RowsT]):
    """A small model of one kind of labelled data. The parameters are those of `SettingsEstimator`.

    Attributes:
        kind: the kind of data that it learns from.
        settings_: the validated settings.
        classes_: the labels or tags, sorted.
        run_: the course of the training.
        network_: the trained network, with the primary task's head alone.
        vocabulary_: the words of its embedding's rows.
        metrics_: the metrics on each part of the data.
        auxiliaries_: for each auxiliary task on words, how much of its data was used and held out, and its metrics.
        init_seconds_: seconds of training the embedding's first values, if they were trained. They are no part of the
            run's training time.
    """

    kind: ClassVar[Kind[Any]]
    _trainer: Trainer | None = None

    def fit_rows(
        self,
        rows: RowsT,
        *,
        unlabelled: Iterable[str] = (),
        validation: float | RowsT = 0.2,
        auxiliary_data: Mapping[str, Rows] | None = None,
        log: Path | None = None,
        checkpoint: Path | None = None,
        origin: Mapping[str, Any] | None = None,
        first_vectors: Path | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> Self:
        """Train on labelled data as the readers of `mt2st.text` give it; `fit` is the same on plain lists.

        Args:
            rows: the labelled data.
            unlabelled: further texts for the context task and the vocabulary; read once, never kept in memory.
            validation: labelled data to choose the best epoch by, or the share, in (0, 1), that is set apart for this.
            auxiliary_data: further labelled data, of any kind, by a name for its auxiliary task. Its text joins the
                vocabulary and the context task.
            log: file of the metrics, as JSON Lines.
            checkpoint: folder of a checkpoint: written every few minutes and when the run is interrupted, gone on from
                when one is there. It is not removed: do so once the complete model is saved.
            origin: how the data were chosen, as plain values by name. The checkpoint keeps it, so that a run that finds
                other data than before can say what was chosen differently.
            first_vectors: folder where runs with the same text, settings and seed share the embedding's first values,
                where these are trained (``embedding.init``: skipgram, cbow, ...): the first run trains them, the others
                find them. None trains them in each run.
            callbacks: called before and during the training.

        Raises:
            InputError: when the settings or the data cannot be used.
        """
        self.settings_ = settings = self.checked_settings()
        strategy = as_strategy(self.strategy)
        if isinstance(strategy, CombiningStrategy):
            strategy.check_requirements()
        settings.check_files()
        data = AuxiliaryData.read(settings)
        self.kind.check(rows)
        held_out = validation
        if isinstance(held_out, float | int):
            rows, held_out = self.kind.split(rows, held_out, seed=settings.seed)
        classes = self.kind.classes(rows)
        primary = self._prepared(rows, classes)
        others: list[LabelledAuxiliary] = labelled_auxiliaries(settings, auxiliary_data or {}, self._tokeniser())
        documents = chain(
            primary.documents, *(each.prepared.documents for each in others), checked_texts(unlabelled, "unlabelled")
        )
        with scratch_folder("corpus") as folder, torch_threads(settings.compute.threads):
            corpus = Corpus.build(
                documents,
                tokeniser=self._tokeniser(),
                min_count=settings.text.min_count,
                max_vocabulary=settings.text.max_vocabulary,
                directory=folder / "corpus",
            )
            for callback in callbacks:
                callback.on_corpus(corpus, n_labelled=len(primary.documents))
            subwords = subwords_of(settings, corpus.vocabulary)
            reader = Reader(corpus.vocabulary, self._tokeniser(), subwords)
            texts = _labelled_texts(corpus, reader, [primary, *(each.prepared for each in others)])
            task = self._task(classes, primary.encoded(texts[0]), validation=self._data(held_out, classes, reader))
            labelled = [each.task(settings, own) for each, own in zip(others, texts[1:], strict=True)]
            auxiliaries = Auxiliaries.build(
                settings,
                data,
                corpus,
                subwords=subwords,
                scratch=folder,
                on_counting=_to_all(callbacks, "on_cooccurrences"),
            )
            for coverage in auxiliaries.coverage.values():
                for callback in callbacks:
                    callback.on_auxiliary(coverage)
            trainer = self._new_trainer(
                strategy, task, classes, auxiliaries, labelled, others, corpus, reader, callbacks, first_vectors
            )
            before = auxiliaries.measure(trainer.module)
            identity = {}
            if checkpoint is not None:
                identity = run_identity(settings, strategy, trainer, corpus, auxiliary=data.fingerprint, origin=origin)
            self._train(trainer, checkpoint, identity, log)
            after = auxiliaries.measure(trainer.module)
        assert isinstance(trainer.module, Network)
        for each in others:
            del trainer.module.heads[each.name]
        for ngrams in trainer.module.ngrams.values():
            cast("NgramScores", ngrams).fold()
        if isinstance(trainer.module.embedding, SubwordEmbedding):
            trainer.module.embedding = trainer.module.embedding.with_words(None)
        self.network_ = trainer.module.eval()
        self.classes_, self.run_, self.vocabulary_ = classes, trainer.run, corpus.vocabulary
        self.auxiliaries_ = {
            name: AuxiliaryReport(coverage, before[name], after[name])
            for name, coverage in auxiliaries.coverage.items()
        }
        self.metrics_ = {}
        if trainer.run.evaluations and trainer.run.stopped != "interrupted":
            self.metrics_["validation"] = dict(trainer.run.evaluations[trainer.run.best].validation)
        return self

    def stop(self) -> bool:
        """Ask a running `fit` to end after its current step, with a checkpoint; safe in a signal handler.

        Returns:
            Whether there was a training to end: while the text is still being read, there is none.
        """
        if self._trainer is None:
            return False
        self._trainer.stop()
        return True

    def evaluate_rows(self, rows: RowsT, *, name: str = "test") -> dict[str, float]:
        """Measure on labelled data and keep the result in ``metrics_[name]`` for the model's card.

        Raises:
            InputError: before `fit`, or when the data cannot be measured.
        """
        network, vocabulary = self._fitted()
        reader = Reader.of(network, vocabulary, self._tokeniser())
        data = self._data(rows, self.classes_, reader)
        with torch_threads(self.settings_.compute.threads):
            self.metrics_[name] = self._task(self.classes_, data).measure(reader.network(network), data)
        return self.metrics_[name]

    @property
    def word_vectors(self) -> WordVectors:
        """The task-specific word vectors; `SubwordVectors` where they are made of n-grams.

        Raises:
            InputError: before `fit`.
        """
        network, vocabulary = self._fitted()
        return word_vectors(network.embedding, vocabulary)

    def save(self, folder: str | Path, *, overwrite: bool = False, about: Iterable[str] = ()) -> None:
        """Write the model folder: parameters, vocabulary, configuration and card.

        Args:
            folder: where.
            overwrite: replace a model folder that is there.
            about: lines for the card about the data.

        Raises:
            InputError: before `fit`, or when the folder cannot be written.
        """
        network, vocabulary = self._fitted()
        config = {
            "kind": self.kind.name,
            "classes": list(self.classes_),
            "settings": self.settings_.as_dict(),
            "strategy": as_strategy(self.strategy).state_dict(),
            "run": self.run_.as_dict(),
            "metrics": self.metrics_,
            "auxiliaries": {name: report.as_dict() for name, report in self.auxiliaries_.items()},
        }
        card = model_card(config, title=self.kind.title, vocabulary_size=len(vocabulary), about=list(about))
        ModelFolder(network.state_dict(), vocabulary, config, card).save(Path(folder), overwrite=overwrite)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a model folder that `save` wrote.

        Raises:
            InputError: naming what is missing or broken.
        """
        return cls.restored(ModelFolder.load(Path(folder)), folder)

    @classmethod
    def restored(cls, saved: ModelFolder, folder: str | Path) -> Self:
        """Return the model that a folder holds.

        Args:
            saved: what was read from the folder.
            folder: its name, for messages.

        Raises:
            InputError: when it holds a model of another kind, or its parts do not fit together.
        """
        if saved.kind != cls.kind.name:
            raise InputError(
                f"{folder} holds a model for {saved.kind}, {cls.__name__} loads one for {cls.kind.name}: "
                f"mt2st.models.load_model loads any"
            )
        try:
            settings = ModelSettings.from_dict(saved.config["settings"]).checked(of_words=cls._of_words)
            model = cls.from_settings(settings, load_strategy(saved.config["strategy"]))
            model.settings_ = settings
            model.classes_ = tuple(saved.config["classes"])
            model.run_ = Run.from_dict(saved.config["run"])
            model.metrics_ = saved.config["metrics"]
            model.auxiliaries_ = {
                name: AuxiliaryReport.from_dict(report) for name, report in saved.config.get("auxiliaries", {}).items()
            }
            model.vocabulary_ = saved.vocabulary
            with torch.random.fork_rng(devices=[]):  # the first values are thrown away
                subwords = subwords_of(settings, saved.vocabulary)
                n_rows = subwords.rows.table_rows if subwords is not None else len(saved.vocabulary)
                embedding = new_embedding(torch.zeros(n_rows, settings.embedding.vector_size), subwords)
                model.network_ = new_network(settings, embedding, {PRIMARY_TASK: (cls.kind, len(model.classes_))})
            model.network_.load_state_dict(saved.parameters)
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise InputError(f"{folder} does not fit together: {' '.join(str(error).split())}") from error
        model.network_.eval()
        return model

    def _fitted(self) -> tuple[Network, Vocabulary]:
        if not hasattr(self, "network_"):
            raise InputError("this model is not trained yet: call fit first, or load a saved one")
        return self.network_, self.vocabulary_

    @property
    def _has_second_core(self) -> bool:
        return self.settings_.compute.parallel_context and usable_cores() > 1

    def _tokeniser(self) -> Tokeniser:
        return Tokeniser(lowercase=self.settings_.text.lowercase, remove_breaks=self.settings_.text.remove_breaks)

    def _prepared(self, rows: RowsT, classes: tuple[str, ...]) -> Prepared:
        return self.kind.prepare(rows, classes, self._tokeniser(), excerpt=excerpt_of(self.settings_))

    def _data(self, rows: RowsT, classes: tuple[str, ...], reader: Reader) -> Any:
        """Return rows as data of a task."""
        prepared = self._prepared(rows, classes)
        if not prepared.documents:
            raise InputError(f"{rows.source}: nothing to measure on; give at least one text")
        return prepared.encoded(reader.read(prepared.documents))

    def _read(self, documents: Iterable[str]) -> tuple[Network, Texts]:
        """Return documents, encoded, and the trained network that can read them.

        Raises:
            InputError: before `fit`.
        """
        network, vocabulary = self._fitted()
        reader = Reader.of(network, vocabulary, self._tokeniser())
        texts = reader.read(documents)
        return reader.network(network), texts

    def _task(self, classes: tuple[str, ...], data: Any, *, validation: Any = None) -> LabelledTask[Any, Any]:
        task: LabelledTask[Any, Any] = self.kind.task(
            PRIMARY_TASK,
            data,
            classes,
            validation=validation,
            batch_size=self.settings_.optimisation.batch_size,
            max_length=self.settings_.text.max_length,
        )
        return replace(task, eval_threads=2 if self._has_second_core else 1)

    def _new_trainer(
        self,
        strategy: Strategy,
        primary: LabelledTask[Any, Any],
        classes: tuple[str, ...],
        auxiliaries: Auxiliaries,
        labelled: list[LabelledTask[Any, Any]],
        others: list[LabelledAuxiliary],
        corpus: Corpus,
        reader: Reader,
        callbacks: Sequence[Callback],
        first_vectors: Path | None,
    ) -> Trainer:
        settings, optimisation = self.settings_, self.settings_.optimisation
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            first = embedding_start(
                settings,
                corpus,
                subwords=reader.subwords,
                generator=torch.Generator().manual_seed(settings.seed),
                progress=_to_all(callbacks, "on_vectors"),
                kept=KeptStarts(first_vectors) if first_vectors else None,
            )
            self.init_seconds_ = first.seconds
            embedding = new_embedding(first.table, reader.subwords)
            heads = {
                PRIMARY_TASK: (self.kind, len(classes)),
                **{each.name: (each.kind, len(each.classes)) for each in others},
            }
            network = reader.network(new_network(settings, embedding, heads))
        if settings.encoder.ngram_ratios:
            weigh_ngrams(network, primary)
        return Trainer(
            network,
            primary=primary,
            optimizer=new_optimizer(settings, network),
            strategy=strategy,
            auxiliaries=[*auxiliaries.tasks, *labelled],
            epochs=optimisation.epochs,
            seed=settings.seed,
            evaluations_per_epoch=optimisation.evaluations_per_epoch,
            feedback=self._feedback(primary, strategy) if strategy.needs_feedback else None,
            monitor=self.kind.metric(classes) if optimisation.monitor == METRIC else optimisation.monitor,
            transition=new_transition(settings, primary),
            early_stopping=new_convergence(settings),
            clip_norm=optimisation.clip_norm,
            average=optimisation.average or None,
            parallel_context=self._has_second_core,
            callbacks=callbacks,
        )

    def _feedback(self, primary: LabelledTask[Any, Any], strategy: Strategy) -> Feedback:
        """Measure cosines, and gains where the strategy asks for them: on as many validation texts as a batch has."""
        if getattr(strategy, "signal", "cosine") != "gain" or primary.validation is None:
            return Feedback(self.settings_.feedback_interval)
        held_out = primary.validation

        def look_ahead(network: nn.Module, number: int) -> float:
            return primary.measure(network, part_of(held_out, number, self.settings_.optimisation.batch_size))["loss"]

        return Feedback(self.settings_.feedback_interval, look_ahead=look_ahead)

    def _train(self, trainer: Trainer, checkpoint: Path | None, identity: Mapping[str, Any], log: Path | None) -> None:
        self._trainer = trainer
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.settings_.seed)
                # After the caller's callbacks, which may make room for the files.
                if checkpoint is not None:
                    trainer.callbacks.append(CheckpointEvery(checkpoint, identity=identity, resume=True))
                if log is not None:
                    trainer.callbacks.append(MetricsLog(log))
                trainer.fit()
        finally:
            self._trainer = None


def _labelled_texts(corpus: Corpus, reader: Reader, parts: Sequence[Prepared]) -> list[Texts]:
    """Return the documents of each part as a task reads them; they stand one behind the other in the corpus.

    Where words are made of n-grams, words that the vocabulary lacks are read too, as they will be in prediction; the
    corpus knows them as the unknown word only.
    """
    if reader.subwords is not None:
        return [reader.read(part.documents) for part in parts]
    bounds = list(accumulate((len(part.documents) for part in parts), initial=0))
    return [Texts.of(corpus, start=start, stop=stop) for start, stop in pairwise(bounds)]


def _to_all(callbacks: Sequence[Callback], method: str) -> Callable[[Any], None]:
    """Return a function that calls a method of all callbacks."""

    def tell(value: Any) -> None:
        for callback in callbacks:
            getattr(callback, method)(value)

    return tell
