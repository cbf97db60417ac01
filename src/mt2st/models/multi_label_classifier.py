"""The text classifier for any number of labels a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin

from mt2st.models.inputs import checked_texts, classes_of, indicator_classes, is_indicator, multi_labelled_text, pair
from mt2st.models.labelled_auxiliaries import Rows
from mt2st.models.problem_types import MultiLabel, truncation_of
from mt2st.models.trained_model import TrainedModel
from mt2st.strategy import PRIMARY_TASK
from mt2st.tasks.classification import predict_probabilities
from mt2st.tasks.multi_label import THRESHOLD
from mt2st.text import MultiLabelledText
from mt2st.training import Callback, KernelTask, Task


class MultiLabelClassifier(ClassifierMixin, TrainedModel[MultiLabelledText]):  # type: ignore[misc]
    """A small classifier that gives a text any number of labels.

    Labels come as a list per text, or as an indicator matrix ``[n_texts, n_classes]`` of 0 and 1; `predict` returns
    them in the same form. The parameters are those of `SettingsEstimator`, the attributes those of `TrainedModel`.

    Example:
        >>> from mt2st import MultiLabelClassifier, Switch
        >>> from mt2st.models import Compute, Embedding, Optimisation, Text
        >>> fast = Optimisation(epochs=30, learning_rate=0.1, embedding_learning_rate=0.1)
        >>> classifier = MultiLabelClassifier(Switch(at=3), encoder="mean", embedding=Embedding(vector_size=16),
        ...     text=Text(min_count=1), optimisation=fast, compute=Compute(parallel_context=False))
        >>> texts = ["a funny film", "a long film", "a funny, long film", "a film"] * 5
        >>> classifier.fit(texts, [["comedy"], ["slow"], ["comedy", "slow"], []] * 5).predict(["long and funny", "a"])
        array([('comedy', 'slow'), ()], dtype=object)
    """

    problem_type: ClassVar[MultiLabel] = MultiLabel()
    _indicator = False

    def fit(
        self,
        X: Iterable[str],
        y: Iterable[Iterable[object]],
        *,
        unlabelled: Iterable[str] = (),
        validation: float | Sequence[Any] = 0.2,
        auxiliary_tasks: Sequence[Task | KernelTask] = (),
        auxiliary_data: Mapping[str, Rows] | None = None,
        callbacks: Sequence[Callback] = (),
        log: str | PathLike[str] | None = None,
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Train on texts with their labels, with the help of unlabelled ones and of other labelled data.

        Args:
            X: n texts.
            y: for each text its labels, maybe none; or an indicator matrix ``[n, n_classes]``.
            unlabelled: as for `TextClassifier.fit`, as are all others.
            validation: ``(texts, labels)`` to choose the best evaluation by, or the share of the labelled texts, in
                (0, 1), that is split off for this at random, by the seed.
            auxiliary_tasks: tasks of your own.
            auxiliary_data: further labelled data, by a name for its auxiliary task.
            callbacks: called before and during the training.
            log: file of the metrics, as JSON Lines.
            checkpoint: folder of a checkpoint.

        Returns:
            The classifier itself.

        Raises:
            InputError: the settings, texts or labels cannot be used.
        """
        self._indicator = is_indicator(y)
        rows = multi_labelled_text(X, y, source="the labelled texts")
        if self._indicator:
            classes = indicator_classes(y)
        else:
            y = [list(each) for each in y]
            classes = classes_of([label for labels in y for label in labels], "the labelled texts")
        held_out: Any = validation
        if not np.isscalar(validation):
            texts, others = pair(validation)
            held_out = multi_labelled_text(texts, others, source="validation", classes=classes)
        return self.fit_rows(
            rows,
            validation=held_out,
            classes=classes,
            unlabelled=unlabelled,
            auxiliary_tasks=auxiliary_tasks,
            auxiliary_data=auxiliary_data or {},
            callbacks=callbacks,
            log=log,
            checkpoint=checkpoint,
        )

    def predict_proba(self, X: Iterable[str]) -> NDArray[np.float32]:
        """Return ``[n_texts, n_labels]``: the probability of each label by itself, in the order of `classes_`.

        Raises:
            InputError: before `fit`.
        """
        network, encoded = self._read(checked_texts(X, "texts"))
        if len(encoded) == 0:
            return np.empty((0, len(self.classes_)), dtype=np.float32)
        encoded, max_length = truncation_of(self.settings_).of(encoded), self.settings_.text.max_length
        return predict_probabilities(network, PRIMARY_TASK, encoded, max_length=max_length, independent=True)

    def predict(self, X: Iterable[str]) -> NDArray[Any]:
        """Return the labels of each text that are at least as likely as not.

        Returns:
            ``[n_texts]`` tuples of labels, or ``[n_texts, n_classes]`` of 0 and 1 where `fit` got such a matrix.

        Raises:
            InputError: before `fit`.
        """
        chosen = self.predict_proba(X) >= THRESHOLD
        if self._indicator:
            return chosen.astype(np.int64)
        found = np.empty(len(chosen), dtype=object)
        labels = self.classes_.tolist()
        found[:] = [tuple(labels[index] for index in np.flatnonzero(row)) for row in chosen]
        return found

    def evaluate(self, X: Iterable[str], y: Iterable[Iterable[object]], *, name: str = "test") -> dict[str, float]:
        """Measure on labelled texts and keep the result in ``metrics_[name]`` for the model's card.

        A label that was not trained on counts as one that is never found.

        Returns:
            Loss, subset accuracy, micro-averaged precision, recall and F1, and macro F1.

        Raises:
            InputError: before `fit`.
        """
        self._fitted()
        return self.evaluate_rows(multi_labelled_text(X, y, source=name, classes=self.classes_), name=name)

    def score(self, X: Iterable[str], y: Iterable[Iterable[object]], sample_weight: Any = None) -> float:
        """Return the subset accuracy: the share of texts whose labels are all right."""
        wanted = multi_labelled_text(X, y, source="score", classes=self.classes_)
        found = multi_labelled_text(wanted.texts, self.predict(wanted.texts), source="score", classes=self.classes_)
        right = [set(one) == set(two) for one, two in zip(wanted.labels, found.labels, strict=True)]
        return float(np.average(right, weights=sample_weight))

    def _extra_config(self) -> dict[str, Any]:
        return {"indicator": self._indicator}

    def _restore_extra(self, config: Mapping[str, Any]) -> None:
        self._indicator = bool(config["indicator"])
