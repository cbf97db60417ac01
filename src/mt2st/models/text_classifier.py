"""The text classifier: fit on labelled (and unlabelled) texts, predict labels, keep the word vectors."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Self
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mt2st.embedding import WordVectors
from mt2st.errors import InputError
from mt2st.models.auxiliaries import Auxiliaries, AuxiliaryData, AuxiliaryReport
from mt2st.models.card import model_card
from mt2st.models.folder import ModelFolder
from mt2st.models.listener import Listener
from mt2st.models.settings import ClassifierSettings
from mt2st.models.start import check_start, embedding_start
from mt2st.network import Network, build_encoder
from mt2st.strategy import Diminish, Strategy, load_strategy
from mt2st.tasks import ClassificationTask, Texts
from mt2st.tasks.classification import Labelled, classification_head, predict_probabilities
from mt2st.text import SPECIALS, Corpus, LabelledText, Tokeniser, Vocabulary, check_classes, split_labelled
from mt2st.training import CheckConvergence, Feedback, Run, Trainer
from mt2st.training.checkpoint import load_checkpoint, save_checkpoint

PRIMARY = "label"
"""The name of the primary task, and of its head."""
LOOK_AHEAD_TEXTS = 64
"""Validation texts that the gain of a step is measured on: about the work of a training batch."""


@dataclass(kw_only=True)
class TextClassifier(ClassifierSettings):
    """A small text classifier on its own word embedding, trained the MT2ST way.

    Args:
        strategy: how the auxiliary tasks fade out or go off.

    All other arguments are the fields of `ClassifierSettings`.

    Attributes:
        classes_: the labels, sorted; after `fit`.
        run_: the course of the training; after `fit`.
        network_: the trained network; after `fit`.
        vocabulary_: what its embedding's rows mean; after `fit`.
        auxiliaries_: what was used and held out of the data of auxiliary tasks, and measured on it; after `fit`.

    Example:
        >>> from mt2st import Switch, TextClassifier
        >>> classifier = TextClassifier(strategy=Switch(at=3), encoder="mean", vector_size=16, epochs=30, min_count=1,
        ...                             learning_rate=0.1, embedding_learning_rate=0.1, beside=False)
        >>> texts = ["a good film", "a fine, good cast", "a bad film", "a dull, bad plot"] * 5
        >>> classifier.fit(texts, ["+", "+", "-", "-"] * 5, validation=0.2).predict(["good", "bad"])
        ['+', '-']
    """

    strategy: Strategy = field(default_factory=Diminish)

    def __post_init__(self) -> None:
        self.check()
        self.classes_: tuple[str, ...] = ()
        self.run_ = Run()
        self.network_: Network | None = None
        self.vocabulary_: Vocabulary | None = None
        self.metrics_: dict[str, dict[str, float]] = {}
        self.auxiliaries_: dict[str, AuxiliaryReport] = {}
        self._trainer: Trainer | None = None

    def fit(
        self,
        texts: Sequence[str],
        labels: Sequence[str],
        *,
        unlabelled: Iterable[str] = (),
        validation: float | tuple[Sequence[str], Sequence[str]] = 0.2,
        log: Path | None = None,
        checkpoint: Path | None = None,
        listener: Listener | None = None,
    ) -> Self:
        """Train on labelled texts, with the help of unlabelled ones.

        Args:
            texts: the labelled texts.
            labels: the label of each.
            unlabelled: further texts for the context task and the vocabulary; read once, never kept in memory.
            validation: labelled texts to choose the best epoch by, as ``(texts, labels)``, or the share of the labelled
                texts, in (0, 1), that is set apart for this: stratified, by the seed.
            log: file of the metrics, as JSON Lines.
            checkpoint: folder of a checkpoint: written when the run is interrupted, gone on from when one is there.
                It is not removed: do so once the complete model is saved.
            listener: told how the training goes.

        Returns:
            The classifier itself.

        Raises:
            InputError: when the settings, texts or labels cannot be used.
        """
        self.check()
        check_start(self)
        data = AuxiliaryData.read(self)
        listener = listener or Listener()
        labelled = _labelled_text(texts, labels, source="the labelled texts")
        check_classes(labelled)
        if isinstance(validation, tuple):
            held_out = _labelled_text(*validation, source="validation")
        else:
            labelled, held_out = split_labelled(labelled, validation, seed=self.seed)
        classes = tuple(sorted(set(labelled.labels)))
        with tempfile.TemporaryDirectory(prefix="mt2st-corpus-") as folder, _torch_threads(self.threads):
            corpus = self._corpus(labelled.texts, unlabelled, Path(folder) / "corpus")
            listener.on_corpus(corpus, n_labelled=len(labelled))
            auxiliaries = Auxiliaries.build(self, data, corpus)
            for coverage in auxiliaries.coverage.values():
                listener.on_auxiliary(coverage)
            trainer = self._new_trainer(labelled, held_out, classes, corpus, auxiliaries, listener, log)
            before = auxiliaries.measure(trainer.network)
            self._train(trainer, corpus, data, checkpoint)
            after = auxiliaries.measure(trainer.network)
        assert isinstance(trainer.network, Network)
        self.network_ = trainer.network.eval()
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

    def predict_proba(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """Return ``[n_texts, n_classes]`` probabilities, in the order of `classes_`.

        Raises:
            InputError: before `fit`.
        """
        network, vocabulary = self._fitted()
        encoded = Texts.of(Corpus.build(_checked(texts, "texts"), tokeniser=self._tokeniser(), vocabulary=vocabulary))
        if len(encoded) == 0:
            return np.empty((0, len(self.classes_)), dtype=np.float32)
        return predict_probabilities(network, PRIMARY, encoded, max_length=self.max_length)

    def predict(self, texts: Iterable[str]) -> list[str]:
        """Return the most probable label of each text.

        Raises:
            InputError: before `fit`.
        """
        return [self.classes_[index] for index in self.predict_proba(texts).argmax(axis=1)]

    def evaluate(self, texts: Sequence[str], labels: Sequence[str], *, name: str = "test") -> dict[str, float]:
        """Measure on labelled texts and keep the result in ``metrics_[name]`` for the model's card.

        Returns:
            Loss, accuracy and averaged precision, recall and F1.

        Raises:
            InputError: before `fit`, or when a label is none that was trained on.
        """
        network, vocabulary = self._fitted()
        labelled = self._labelled(_labelled_text(texts, labels, source=name), self.classes_, vocabulary)
        task = ClassificationTask(PRIMARY, labelled, len(self.classes_), max_length=self.max_length)
        self.metrics_[name] = task.measure(network, labelled)
        return self.metrics_[name]

    def score(self, texts: Sequence[str], labels: Sequence[str]) -> float:
        """Return the accuracy on labelled texts, as scikit-learn's classifiers do.

        Raises:
            InputError: before `fit`, or when there are not as many labels as texts.
        """
        predicted = self.predict(texts)
        if len(predicted) != len(labels):
            raise InputError(f"need a label for each text, found {len(predicted):,} texts and {len(labels):,} labels")
        if not predicted:
            raise InputError("need at least one text to score")
        return sum(found == str(label) for found, label in zip(predicted, labels, strict=True)) / len(predicted)

    @property
    def word_vectors(self) -> WordVectors:
        """The task-specific word vectors.

        Raises:
            InputError: before `fit`.
        """
        network, vocabulary = self._fitted()
        table = network.embedding.weight.detach().cpu().numpy()
        return WordVectors(vocabulary.tokens[len(SPECIALS) :], table[len(SPECIALS) :].copy())

    def save(self, folder: str | Path, *, overwrite: bool = False, about: Sequence[str] = ()) -> None:
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
            "classes": list(self.classes_),
            "settings": self.settings(),
            "strategy": self.strategy.state_dict(),
            "run": self.run_.as_dict(),
            "metrics": self.metrics_,
            "auxiliaries": {name: report.as_dict() for name, report in self.auxiliaries_.items()},
        }
        card = model_card(config, vocabulary_size=len(vocabulary), about=about)
        ModelFolder(network.state_dict(), vocabulary, config, card).save(Path(folder), overwrite=overwrite)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a model folder that `save` wrote.

        Raises:
            InputError: naming what is missing or broken.
        """
        saved = ModelFolder.load(Path(folder))
        try:
            settings: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in saved.config["settings"].items()
            }
            classifier = cls(**settings, strategy=load_strategy(saved.config["strategy"]))
            classifier.classes_ = tuple(saved.config["classes"])
            classifier.run_ = Run.from_dict(saved.config["run"])
            classifier.metrics_ = saved.config["metrics"]
            classifier.auxiliaries_ = {
                name: AuxiliaryReport.from_dict(report) for name, report in saved.config.get("auxiliaries", {}).items()
            }
            classifier.vocabulary_ = saved.vocabulary
            with torch.random.fork_rng(devices=[]):  # the first values are thrown away
                embedding = nn.Embedding(len(saved.vocabulary), classifier.vector_size, padding_idx=0)
                classifier.network_ = classifier._new_network(embedding, len(classifier.classes_))
            classifier.network_.load_state_dict(saved.parameters)
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise InputError(f"{folder} does not fit together: {' '.join(str(error).split())}") from error
        classifier.network_.eval()
        return classifier

    def _fitted(self) -> tuple[Network, Vocabulary]:
        if self.network_ is None or self.vocabulary_ is None:
            raise InputError("this classifier is not trained yet: call fit first, or load a saved one")
        return self.network_, self.vocabulary_

    def _tokeniser(self) -> Tokeniser:
        return Tokeniser(lowercase=self.lowercase, remove_breaks=self.remove_breaks)

    def _corpus(self, texts: Sequence[str], unlabelled: Iterable[str], directory: Path) -> Corpus:
        """Encode the labelled texts and, behind them, the unlabelled ones; the vocabulary is made of both."""
        return Corpus.build(
            chain(texts, _checked(unlabelled, "unlabelled")),
            tokeniser=self._tokeniser(),
            min_count=self.min_count,
            max_vocabulary=self.max_vocabulary,
            directory=directory,
        )

    def _labelled(self, labelled: LabelledText, classes: Sequence[str], vocabulary: Vocabulary) -> Labelled:
        corpus = Corpus.build(labelled.texts, tokeniser=self._tokeniser(), vocabulary=vocabulary)
        return Labelled(Texts.of(corpus), _targets(labelled, classes))

    def _new_trainer(
        self,
        labelled: LabelledText,
        held_out: LabelledText,
        classes: tuple[str, ...],
        corpus: Corpus,
        auxiliaries: Auxiliaries,
        listener: Listener,
        log: Path | None,
    ) -> Trainer:
        primary = ClassificationTask(
            PRIMARY,
            Labelled(Texts.of(corpus, stop=len(labelled)), _targets(labelled, classes)),
            len(classes),
            validation=self._labelled(held_out, classes, corpus.vocabulary),
            batch_size=self.batch_size,
            max_length=self.max_length,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            start = embedding_start(
                self, corpus, generator=torch.Generator().manual_seed(self.seed), progress=listener.on_vectors
            )
            embedding = nn.Embedding(len(start.table), self.vector_size, padding_idx=0, _weight=start.table)
            network = self._new_network(embedding, len(classes))
        rest = [each for name, each in network.named_parameters() if not name.startswith("embedding.")]
        network_rate, embedding_rate = self.learning_rates
        optimizer = torch.optim.AdamW(
            [
                {
                    "name": "embedding",
                    "params": [embedding.weight],
                    "lr": embedding_rate,
                    "weight_decay": 0.0,
                },
                {"name": "network", "params": rest, "lr": network_rate, "weight_decay": self.weight_decay},
            ]
        )
        trainer = Trainer(
            network,
            primary=primary,
            optimizer=optimizer,
            strategy=self.strategy,
            auxiliaries=auxiliaries.tasks,
            epochs=self.epochs,
            seed=self.seed,
            evaluations_per_epoch=self.evaluations_per_epoch,
            feedback=self._feedback(primary) if self.strategy.adapts else None,
            convergence=CheckConvergence(self.tolerance, self.patience),
            clip_norm=self.clip_norm,
            average=self.average or None,
            beside=self.beside and _usable_cores() > 1,
            log=log,
            on_step=listener.on_step,
            on_evaluation=listener.on_evaluation,
        )
        listener.on_start(trainer)
        return trainer

    def _feedback(self, primary: ClassificationTask) -> Feedback:
        """Measure cosines, and gains on a few validation texts where the strategy asks for them."""
        if getattr(self.strategy, "signal", "cosine") != "gain" or primary.validation is None:
            return Feedback(self.feedback_every)
        few = primary.validation.sample(LOOK_AHEAD_TEXTS)
        return Feedback(self.feedback_every, look_ahead=lambda network: primary.measure(network, few)["loss"])

    def _new_network(self, embedding: nn.Embedding, n_classes: int) -> Network:
        encoder = build_encoder(
            self.encoder, vector_size=self.vector_size, hidden_size=self.hidden_size, pooling=self.pooling
        )
        heads = {PRIMARY: classification_head(encoder.pooled_size, n_classes)}
        return Network(embedding, encoder, heads, dropout=self.dropout, word_dropout=self.word_dropout)

    def _identity(self, trainer: Trainer, corpus: Corpus, data: AuxiliaryData) -> dict[str, Any]:
        """Return what must be the same for a run to go on from a checkpoint."""
        assert isinstance(trainer.primary, ClassificationTask)
        held_out = trainer.primary.validation
        return {
            "settings": self.settings(),
            "strategy": self.strategy.state_dict(),
            "data": {
                "documents": len(corpus),
                "tokens": corpus.n_tokens,
                "vocabulary": crc32("\n".join(corpus.vocabulary.tokens).encode(errors="surrogatepass")),
                "text": _checksum(corpus.ids),
                "auxiliary": data.fingerprint,
                "labels": _checksum(trainer.primary.train.targets),
                "validation": [_checksum(held_out.texts.ids), _checksum(held_out.targets)] if held_out else None,
            },
        }

    def _train(self, trainer: Trainer, corpus: Corpus, data: AuxiliaryData, checkpoint: Path | None) -> None:
        identity = self._identity(trainer, corpus, data) if checkpoint is not None else {}
        self._trainer = trainer
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.seed)
                if checkpoint is not None and checkpoint.is_dir():
                    load_checkpoint(checkpoint, trainer, identity)
                trainer.fit()
                if checkpoint is not None and trainer.run.stopped == "interrupted":
                    save_checkpoint(checkpoint, trainer, identity)
        finally:
            self._trainer = None


def _checksum(values: NDArray[Any]) -> int:
    return crc32(np.ascontiguousarray(values).data)


def _labelled_text(texts: Sequence[str], labels: Sequence[str], *, source: str) -> LabelledText:
    labelled = LabelledText(list(_checked(texts, source)), [str(label) for label in labels], source=source)
    if not len(labelled):
        raise InputError(f"{source}: no labelled text; give at least one")
    return labelled


def _checked(texts: Iterable[str], source: str) -> Iterator[str]:
    """Yield the texts after checking that each is one."""
    if isinstance(texts, str):
        raise InputError(f"{source}: give a list of texts, found the one text {texts[:40]!r}")
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"{source}: number {number} is no text but {text!r}")
        yield text


def _targets(labelled: LabelledText, classes: Sequence[str]) -> NDArray[np.int64]:
    index = {label: number for number, label in enumerate(classes)}
    unknown = sorted(set(labelled.labels) - set(classes))
    if unknown:
        raise InputError(
            f"{labelled.source}: the label '{unknown[0]}' does not occur in the training part, whose classes are "
            + ", ".join(f"'{label}'" for label in classes)
        )
    return np.array([index[label] for label in labelled.labels], dtype=np.int64)


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _torch_threads(threads: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
