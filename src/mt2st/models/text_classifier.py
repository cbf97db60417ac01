"""The text classifiers, for one label a text or any number: fit on labelled and other texts, predict labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from mt2st.errors import InputError, in_brief, suggestion
from mt2st.models.inputs import (
    as_indicator,
    classes_of,
    indicator_classes,
    is_indicator,
    labelled_text,
    lists_of,
    multi_labelled_text,
    names_of,
    normalised_weights,
    one_column,
    present,
    rereadable,
)
from mt2st.models.linear_probe import pooled_vectors
from mt2st.models.problem_types import Classification, MultiLabel
from mt2st.models.texts import Classes, labels_above
from mt2st.models.trained_model import TrainedModel
from mt2st.network import Network
from mt2st.tasks import Texts
from mt2st.text import LabelledText, MultiLabelledText
from mt2st.text.labelled import one_spelling


class TextClassifier(
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]  # scikit-learn has no types
    ClassifierMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    TrainedModel[LabelledText],
):
    """A small text classifier on its own word embedding, trained from many tasks to one.

    Labels may be strings, integers or booleans; `predict` returns them in the same type.

    Args:
        strategy: how the auxiliary tasks fade out or go off: a `Strategy` or its name, such as ``"switch"``.
        encoder: the shared layers: an `Encoder`, its name, such as ``"mean"``, or a class of your own
            (`mt2st.network.Encoder`).
        text: how text becomes token ids.
        embedding: the word embedding and its first values.
        context: the auxiliary task on word context.
        auxiliaries: the auxiliary tasks: names, or tasks of your own, as `fit` takes them by ``auxiliary_tasks``.
        auxiliary_data: files of the auxiliary tasks.
        word_tasks: the auxiliary tasks on analogies and word pairs.
        optimisation: optimizer, learning rates, evaluation, and the end of the training.
        transition: what happens when the last auxiliary task goes off.
        compute: device, precision, cores and threads: ``Compute(device="cuda")``.
        class_weight: weights of the classes in the loss: ``{label: weight}``, or ``"balanced"`` for weights that are
            inversely proportional to the class frequencies. For one label per text alone.
        seed: decides initial parameters, dropout and the order of all data.
        verbose: show a progress bar while fitting.

    A group of settings that is None has its defaults. The attributes are those of `TrainedModel`.

    Example:
        >>> from mt2st import Switch, TextClassifier
        >>> from mt2st.models import Compute, Embedding, Optimisation, Text
        >>> fast = Optimisation(epochs=30, learning_rate=0.1, embedding_learning_rate=0.1)
        >>> classifier = TextClassifier(Switch(at=3), encoder="mean", embedding=Embedding(vector_size=16),
        ...                             text=Text(min_count=1), optimisation=fast,
        ...                             compute=Compute(parallel_context=False))
        >>> texts = ["a good film", "a fine, good cast", "a bad film", "a dull, bad plot"] * 5
        >>> classifier.fit(texts, [1, 1, 0, 0] * 5).predict(["good", "bad"])
        array([1, 0])
    """

    problem_type: ClassVar[Classification] = Classification()

    def predict_proba(self, X: Iterable[str]) -> NDArray[np.float32]:
        """Return ``[n_texts, n_classes]`` probabilities, in the order of `classes_`."""
        return self._probabilities(X)

    def predict(self, X: Iterable[str]) -> NDArray[Any]:
        """Return ``[n_texts]`` labels: the most probable one of each text."""
        probabilities = self.predict_proba(X)
        labels: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def score(self, X: Iterable[str], y: Iterable[object], sample_weight: Any = None) -> float:
        """Return the accuracy. A label that is none of `classes_` counts as not found.

        Raises:
            InputError: before `fit`, or no label is one of `classes_`.
        """
        self._fitted()
        labels, known = classes_of(self._labels(y, "score"), "score").tolist(), self.classes_.tolist()
        if not set(labels) & set(known):
            raise InputError(
                f"score: none of the labels {in_brief(list(map(str, labels)))} is one of `classes_`: {known!r:.160}"
            )
        return float(super().score(X, y, sample_weight))

    def transform(self, X: Iterable[str]) -> NDArray[np.float32]:
        """Return ``[n_texts, n_features]`` vectors of texts as the trained encoder makes them."""
        n_features = self._n_features_out

        def vectors(network: Network, texts: Texts, max_length: int) -> NDArray[np.float32]:
            return pooled_vectors(network, texts, max_length=max_length)

        return self._of_texts(vectors, X, n_features)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # vectors of texts are float32
        return tags

    @property
    def _n_features_out(self) -> int:
        return self._fitted()[0].encoder.pooled_size

    def _rows(self, X: Iterable[str], y: Iterable[object], source: str, classes: Classes | None = None) -> LabelledText:
        return labelled_text(X, y, source=source, classes=classes)

    def _labels(self, y: Any, source: str) -> Any:
        return one_column(rereadable(y), source)

    def _classes(self, y: Any, source: str) -> Classes:
        present_labels = present(y, "labels", source)
        labels = np.asarray(y) if hasattr(y, "dtype") else present_labels
        found = classes_of(labels, source)
        names = [str(each) for each in present_labels if isinstance(each, str)]
        one_spelling(names, source, lambda name: f"number {names.index(name)}, counted from 0", joining=False)
        try:
            check_classification_targets(np.asarray(labels))
        except ValueError as error:  # measurements, such as 0.5
            raise InputError(f"the labels are no classes: {error}") from error
        return found

    def _weighted(self, rows: LabelledText, classes: Classes | None) -> LabelledText:
        if self.class_weight is None:
            return rows
        if classes is None:
            classes = np.array(self.problem_type.classes(rows))
        number_of = {name: number for number, name in enumerate(names_of(classes))}
        try:
            labels = classes[[number_of[name] for name in rows.labels]]
            weights = compute_sample_weight(self.class_weight, labels)
        except (ValueError, TypeError) as error:
            raise InputError(f"class_weight: {self._wrong_weight(list(number_of)) or error}") from error
        of_samples = 1.0 if rows.weights is None else np.asarray(rows.weights)
        return replace(rows, weights=normalised_weights(weights * of_samples, len(rows), rows.source))

    def _wrong_weight(self, labels: list[str]) -> str:
        """Return which word or label of `class_weight` is unknown, if one is."""
        if isinstance(self.class_weight, str):
            found = self.class_weight
            return f"should be 'balanced' or {{label: weight}}, found '{found}'.{suggestion(found, ['balanced'])}"
        unknown = [str(each) for each in self.class_weight or () if str(each) not in labels]
        if not unknown:
            return ""
        return f"'{unknown[0]}' is no label; the labels are {in_brief(labels)}.{suggestion(unknown[0], labels)}"


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
    _indicator = _given_indicator = False

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
        self._given_indicator = is_indicator(y)
        if self._given_indicator:
            return indicator_classes(y)
        return classes_of([label for labels in lists_of(y, "labels", "text", source) for label in labels], source)

    def _keep(self, rows: MultiLabelledText) -> None:  # noqa: ARG002
        # Only now: where a training fails, the earlier model goes on to predict in the form of its own labels.
        self._indicator, self._given_indicator = self._given_indicator, False

    def _extra_config(self) -> dict[str, Any]:
        return {"indicator": self._indicator}

    def _restore_extra(self, config: Mapping[str, Any]) -> None:
        self._indicator = bool(config["indicator"])
