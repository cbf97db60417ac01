"""The text classifier for any number of labels a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from mt2st.models.intake import checked_texts, multi_labelled_text
from mt2st.models.kinds import MultiLabel, excerpt_of
from mt2st.models.labelled_auxiliaries import Rows
from mt2st.models.trained_model import TrainedModel
from mt2st.strategy import PRIMARY_TASK
from mt2st.tasks.classification import predict_probabilities
from mt2st.tasks.multi_label import THRESHOLD
from mt2st.text import MultiLabelledText
from mt2st.training import Callback


class MultiLabelClassifier(TrainedModel[MultiLabelledText]):
    """A small classifier that gives a text any number of labels, trained the MT2ST way.

    The parameters are those of `SettingsEstimator`, the attributes those of `TrainedModel`.

    Example:
        >>> from mt2st import MultiLabelClassifier, Switch
        >>> classifier = MultiLabelClassifier(strategy=Switch(at=3), encoder="mean", vector_size=16, epochs=30,
        ...     min_count=1, learning_rate=0.1, embedding_learning_rate=0.1, beside=False)
        >>> texts = ["a funny film", "a long film", "a funny, long film", "a film"] * 5
        >>> classifier.fit(texts, [["comedy"], ["slow"], ["comedy", "slow"], []] * 5).predict(["long and funny", "a"])
        [('comedy', 'slow'), ()]
    """

    kind: ClassVar[MultiLabel] = MultiLabel()

    def fit(
        self,
        texts: Sequence[str],
        labels: Sequence[Iterable[str]],
        *,
        unlabelled: Iterable[str] = (),
        validation: float | tuple[Sequence[str], Sequence[Iterable[str]]] = 0.2,
        auxiliary_data: Mapping[str, Rows] | None = None,
        log: Path | None = None,
        checkpoint: Path | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> Self:
        """Train on texts with their labels, with the help of unlabelled ones and of other labelled data.

        Args:
            texts: the labelled texts.
            labels: for each text its labels, maybe none.
            unlabelled: as for `fit_rows`.
            validation: ``(texts, labels)`` to choose the best epoch by, or the share of the labelled texts, in (0, 1),
                that is set apart for this at random, by the seed.
            auxiliary_data: as for `fit_rows`.
            log: as for `fit_rows`.
            checkpoint: as for `fit_rows`.
            callbacks: called before and during the training.

        Returns:
            The classifier itself.

        Raises:
            InputError: when the settings, texts or labels cannot be used.
        """
        return self.fit_rows(
            multi_labelled_text(texts, labels, source="the labelled texts"),
            unlabelled=unlabelled,
            validation=(
                multi_labelled_text(*validation, source="validation") if isinstance(validation, tuple) else validation
            ),
            auxiliary_data=auxiliary_data,
            log=log,
            checkpoint=checkpoint,
            callbacks=callbacks,
        )

    def predict_proba(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """Return ``[n_texts, n_labels]``: the probability of each label by itself, in the order of `classes_`.

        Raises:
            InputError: before `fit`.
        """
        network, encoded = self._read(checked_texts(texts, "texts"))
        if len(encoded) == 0:
            return np.empty((0, len(self.classes_)), dtype=np.float32)
        encoded, max_length = excerpt_of(self.settings_).of(encoded), self.settings_.text.max_length
        return predict_probabilities(network, PRIMARY_TASK, encoded, max_length=max_length, independent=True)

    def predict(self, texts: Iterable[str]) -> list[tuple[str, ...]]:
        """Return the labels of each text that are at least as likely as not.

        Raises:
            InputError: before `fit`.
        """
        chosen = self.predict_proba(texts) >= THRESHOLD
        return [tuple(self.classes_[index] for index in np.flatnonzero(row)) for row in chosen]

    def evaluate(
        self, texts: Sequence[str], labels: Sequence[Iterable[str]], *, name: str = "test"
    ) -> dict[str, float]:
        """Measure on labelled texts and keep the result in ``metrics_[name]`` for the model's card.

        A label that was not trained on counts as one that is never found.

        Returns:
            Loss, subset accuracy, micro-averaged precision, recall and F1, and macro F1.

        Raises:
            InputError: before `fit`.
        """
        return self.evaluate_rows(multi_labelled_text(texts, labels, source=name), name=name)
