"""The text classifier: fit on labelled (and unlabelled) texts, predict labels, keep the word vectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, TransformerMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from mt2st.errors import InputError
from mt2st.models.groups import (
    AuxiliaryData,
    Compute,
    Context,
    Embedding,
    Encoder,
    Optimisation,
    Text,
    Transition,
    WordTasks,
)
from mt2st.models.inputs import Classes, classes_of, labelled_text
from mt2st.models.linear_probe import pooled_vectors
from mt2st.models.problem_types import Classification, Rows
from mt2st.models.trained_model import TrainedModel
from mt2st.network import Encoder as EncoderModule
from mt2st.network import Network
from mt2st.strategy import PRIMARY_TASK, Strategy
from mt2st.tasks import Texts
from mt2st.tasks.classification import predict_probabilities
from mt2st.text import LabelledText
from mt2st.training import Callback, KernelTask, Task


class TextClassifier(ClassifierMixin, TransformerMixin, TrainedModel[LabelledText]):  # type: ignore[misc]  # scikit-learn has no types
    """A small text classifier on its own word embedding, trained from many tasks to one.

    Labels may be strings, integers or booleans; `predict` returns them in the same type.

    Args:
        strategy: how the auxiliary tasks fade out or go off: a `Strategy` or its name, such as ``"switch"``.
        encoder: the shared layers: an `Encoder`, its name, such as ``"mean"``, or a class of your own
            (`mt2st.network.Encoder`).
        text: how text becomes token ids.
        embedding: the word embedding and its first values.
        context: the auxiliary task on word context.
        auxiliaries: names of the auxiliary tasks.
        auxiliary_data: files of the auxiliary tasks.
        word_tasks: the auxiliary tasks on analogies and word pairs.
        optimisation: optimizer, learning rates, evaluation, and the end of the training.
        transition: what happens when the last auxiliary task goes off.
        compute: cores and threads.
        class_weight: weights of the classes in the loss: ``{label: weight}``, or ``"balanced"`` for weights that are
            inversely proportional to the class frequencies.
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

    def __init__(
        self,
        strategy: Strategy | str = "diminish",
        *,
        encoder: Encoder | type[EncoderModule] | str | None = None,
        text: Text | None = None,
        embedding: Embedding | None = None,
        context: Context | None = None,
        auxiliaries: tuple[str, ...] = ("context",),
        auxiliary_data: AuxiliaryData | None = None,
        word_tasks: WordTasks | None = None,
        optimisation: Optimisation | None = None,
        transition: Transition | None = None,
        compute: Compute | None = None,
        class_weight: Mapping[Any, float] | str | None = None,
        seed: int = 1,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            strategy,
            encoder=encoder,
            text=text,
            embedding=embedding,
            context=context,
            auxiliaries=auxiliaries,
            auxiliary_data=auxiliary_data,
            word_tasks=word_tasks,
            optimisation=optimisation,
            transition=transition,
            compute=compute,
            seed=seed,
            verbose=verbose,
        )
        self.class_weight = class_weight

    def fit(
        self,
        X: Iterable[str],
        y: Iterable[object],
        *,
        sample_weight: ArrayLike | None = None,
        unlabelled: Iterable[str] = (),
        validation: float | Sequence[Any] = 0.2,
        auxiliary_tasks: Sequence[Task | KernelTask] = (),
        auxiliary_data: Mapping[str, Rows] | None = None,
        callbacks: Sequence[Callback] = (),
        log: str | PathLike[str] | None = None,
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Train on labelled texts, with the help of unlabelled ones and of other labelled data.

        Args:
            X: n texts: a list, an array or a column of a data frame.
            y: n labels.
            sample_weight: n weights of the texts in the loss.
            unlabelled: further texts for the context task and the vocabulary. They are read once and not kept.
            validation: labelled texts to choose the best evaluation by, as ``(texts, labels)``, or the share of the
                labelled texts, in (0, 1), that is split off for this: stratified, by the seed.
            auxiliary_tasks: tasks of your own: any `mt2st.training.Task` or `KernelTask`. The module that its loss gets
                is the model's `mt2st.network.Network`. An attribute ``head``, a torch module, is trained with it; each
                fit begins with the parameters that it had at its first one. A task that is also a `Callback` gets the
                corpus, with its vocabulary.
            auxiliary_data: further labelled data, of any problem type, by a name for its auxiliary task. Its text joins
                the vocabulary and the context task.
            callbacks: called before and during the training.
            log: file of the metrics, as JSON Lines.
            checkpoint: folder of a checkpoint: written every few minutes and when the training is interrupted; a
                training goes on from one that is there. Remove it once the complete model is saved.

        Returns:
            The classifier itself.

        Raises:
            InputError: a setting is out of its range, settings contradict each other (all such errors at once), or the
                texts or labels cannot be used.
        """
        if y is None:
            raise InputError("a TextClassifier needs labels: requires y to be passed, but the target y is None")
        rows = labelled_text(X, y, source="the labelled texts", weights=sample_weight)
        classes = self._classes(y)
        if self.class_weight is not None:
            weights = self._weights(y, rows.weights)
            rows = labelled_text(rows.texts, rows.labels, source=rows.source, weights=weights)
        return self._fit(
            rows,
            classes,
            validation,
            unlabelled=unlabelled,
            auxiliary_tasks=auxiliary_tasks,
            auxiliary_data=auxiliary_data or {},
            callbacks=callbacks,
            log=log,
            checkpoint=checkpoint,
        )

    def predict_proba(self, X: Iterable[str]) -> NDArray[np.float32]:
        """Return ``[n_texts, n_classes]`` probabilities, in the order of `classes_`.

        Raises:
            InputError: before `fit`.
        """
        self._fitted()

        def probabilities(network: Network, texts: Texts, max_length: int) -> NDArray[np.float32]:
            return predict_probabilities(network, PRIMARY_TASK, texts, max_length=max_length)

        return self._of_texts(probabilities, X, len(self.classes_))

    def predict(self, X: Iterable[str]) -> NDArray[Any]:
        """Return ``[n_texts]`` labels: the most probable one of each text.

        Raises:
            InputError: before `fit`.
        """
        probabilities = self.predict_proba(X)
        labels: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def transform(self, X: Iterable[str]) -> NDArray[np.float32]:
        """Return ``[n_texts, n_features]`` vectors of texts as the trained encoder makes them.

        Raises:
            InputError: before `fit`.
        """
        n_features = self._fitted()[0].encoder.pooled_size

        def vectors(network: Network, texts: Texts, max_length: int) -> NDArray[np.float32]:
            return pooled_vectors(network, texts, max_length=max_length)

        return self._of_texts(vectors, X, n_features)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # vectors of texts are float32
        return tags

    def _rows(self, X: Iterable[str], y: Iterable[object], source: str, classes: Classes | None = None) -> LabelledText:
        return labelled_text(X, y, source=source, classes=classes)

    def _classes(self, y: Iterable[object]) -> Classes:
        labels = _flat(y)
        try:
            check_classification_targets(np.asarray(labels))
        except ValueError as error:  # measurements, such as 0.5
            raise InputError(f"the labels are no classes: {error}") from error
        return classes_of(labels, "the labelled texts")

    def _weights(self, y: Iterable[object], weights: list[float] | None) -> NDArray[np.float64]:
        try:
            of_classes = compute_sample_weight(self.class_weight, _flat(y))
        except (ValueError, TypeError) as error:
            raise InputError(f"class_weight: {error}") from error
        return np.asarray(of_classes * (1.0 if weights is None else np.asarray(weights)), dtype=np.float64)


def _flat(labels: Any) -> Any:
    return np.asarray(labels).reshape(-1) if hasattr(labels, "dtype") else list(labels)
