"""The text classifier for any number of labels a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin

from mt2st.models.inputs import (
    as_indicator,
    classes_of,
    indicator_classes,
    is_indicator,
    lists_of,
    multi_labelled_text,
    rereadable,
)
from mt2st.models.problem_types import MultiLabel
from mt2st.models.texts import Classes, labels_above
from mt2st.models.trained_model import TrainedModel
from mt2st.text import MultiLabelledText


class MultiLabelClassifier(ClassifierMixin, TrainedModel[MultiLabelledText]):  # type: ignore[misc]
    """A small classifier that gives a text any number of labels.

    Labels come as a list per text, or as an indicator matrix ``[n_texts, n_classes]`` of 0 and 1; `predict` returns
    them in the same form. The parameters are those of `TextClassifier`, the attributes those of `TrainedModel`.

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

    def predict_proba(self, X: Iterable[str]) -> NDArray[np.float32]:
        """Return ``[n_texts, n_labels]``: the probability of each label by itself, in the order of `classes_`."""
        return self._probabilities(X)

    def predict(self, X: Iterable[str]) -> NDArray[Any]:
        """Return the labels of each text that are at least as likely as not.

        Returns:
            ``[n_texts]`` tuples of labels, or ``[n_texts, n_classes]`` of 0 and 1 where `fit` got such a matrix.
        """
        return labels_above(self.predict_proba(X), self.classes_, indicator=self._indicator)

    def score(self, X: Iterable[str], y: Iterable[Iterable[object]], sample_weight: Any = None) -> float:
        """Return the subset accuracy: the share of texts whose labels are all right."""
        self._fitted()
        wanted = self._rows(X, self._labels(y, "score"), "score", self.classes_)
        found = self._rows(wanted.texts, self.predict(wanted.texts), "score", self.classes_)
        right = [set(one) == set(two) for one, two in zip(wanted.labels, found.labels, strict=True)]
        return float(np.average(right, weights=sample_weight))

    def _rows(
        self, X: Iterable[str], y: Iterable[Iterable[object]], source: str, classes: Classes | None = None
    ) -> MultiLabelledText:
        return multi_labelled_text(X, y, source=source, classes=classes)

    def _labels(self, y: Any, source: str) -> Any:  # noqa: ARG002
        return as_indicator(rereadable(y))

    def _classes(self, y: Any, source: str) -> Classes:
        self._indicator = is_indicator(y)
        if self._indicator:
            return indicator_classes(y)
        return classes_of([label for labels in lists_of(y, "labels", "text", source) for label in labels], source)

    def _extra_config(self) -> dict[str, Any]:
        return {"indicator": self._indicator}

    def _restore_extra(self, config: Mapping[str, Any]) -> None:
        self._indicator = bool(config["indicator"])
