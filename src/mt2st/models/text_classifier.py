"""The text classifier: fit on labelled (and unlabelled) texts, predict labels, keep the word vectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from mt2st.models.intake import checked_texts, labelled_text
from mt2st.models.kinds import Classification, excerpt_of
from mt2st.models.labelled_auxiliaries import Rows
from mt2st.models.trained_model import TrainedModel
from mt2st.strategy import PRIMARY_TASK
from mt2st.tasks.classification import predict_probabilities
from mt2st.text import LabelledText
from mt2st.training import Callback


class TextClassifier(TrainedModel[LabelledText]):
    """A small text classifier on its own word embedding, trained the MT2ST way.

    The parameters are those of `SettingsEstimator`, the attributes those of `TrainedModel`.

    Example:
        >>> from mt2st import Switch, TextClassifier
        >>> classifier = TextClassifier(strategy=Switch(at=3), encoder="mean", vector_size=16, epochs=30, min_count=1,
        ...                             learning_rate=0.1, embedding_learning_rate=0.1, beside=False)
        >>> texts = ["a good film", "a fine, good cast", "a bad film", "a dull, bad plot"] * 5
        >>> classifier.fit(texts, ["+", "+", "-", "-"] * 5, validation=0.2).predict(["good", "bad"])
        ['+', '-']
    """

    kind: ClassVar[Classification] = Classification()

    def fit(
        self,
        texts: Sequence[str],
        labels: Sequence[str],
        *,
        unlabelled: Iterable[str] = (),
        validation: float | tuple[Sequence[str], Sequence[str]] = 0.2,
        auxiliary_data: Mapping[str, Rows] | None = None,
        log: Path | None = None,
        checkpoint: Path | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> Self:
        """Train on labelled texts, with the help of unlabelled ones and of other labelled data.

        Args:
            texts: the labelled texts.
            labels: the label of each.
            unlabelled: further texts for the context task and the vocabulary; read once, never kept in memory.
            validation: labelled texts to choose the best epoch by, as ``(texts, labels)``, or the share of the labelled
                texts, in (0, 1), that is set apart for this: stratified, by the seed.
            auxiliary_data: as for `fit_rows`.
            log: as for `fit_rows`.
            checkpoint: as for `fit_rows`.
            callbacks: called before and during the training.

        Returns:
            The classifier itself.

        Raises:
            InputError: when the settings, texts or labels cannot be used.
        """
        if isinstance(validation, tuple):
            held_out: float | LabelledText = labelled_text(*validation, source="validation")
        else:
            held_out = validation
        return self.fit_rows(
            labelled_text(texts, labels, source="the labelled texts"),
            unlabelled=unlabelled,
            validation=held_out,
            auxiliary_data=auxiliary_data,
            log=log,
            checkpoint=checkpoint,
            callbacks=callbacks,
        )

    def predict_proba(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """Return ``[n_texts, n_classes]`` probabilities, in the order of `classes_`.

        Raises:
            InputError: before `fit`.
        """
        network, encoded = self._read(checked_texts(texts, "texts"))
        if len(encoded) == 0:
            return np.empty((0, len(self.classes_)), dtype=np.float32)
        encoded = excerpt_of(self.settings_).of(encoded)
        return predict_probabilities(network, PRIMARY_TASK, encoded, max_length=self.settings_.text.max_length)

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
        return self.evaluate_rows(labelled_text(texts, labels, source=name), name=name)

    def score(self, texts: Sequence[str], labels: Sequence[str]) -> float:
        """Return the accuracy on labelled texts, as scikit-learn's classifiers do.

        Raises:
            InputError: before `fit`, or when texts or labels are missing or not as many.
        """
        rows = labelled_text(texts, labels, source="score")
        predicted = self.predict(rows.texts)
        return sum(found == label for found, label in zip(predicted, rows.labels, strict=True)) / len(rows)
