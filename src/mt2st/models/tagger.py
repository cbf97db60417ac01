"""The tagger: fit on sentences of words with a tag each (parts of speech, named entities), tag new ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError
from mt2st.models.fitting import tokeniser_of
from mt2st.models.inputs import classes_of, pair, tagged_text
from mt2st.models.labelled_auxiliaries import Rows
from mt2st.models.problem_types import Tagging
from mt2st.models.trained_model import TrainedModel
from mt2st.strategy import PRIMARY_TASK
from mt2st.tasks.tagging import Words, predict_tag_probabilities
from mt2st.text import TaggedText
from mt2st.text.tagged import check_words
from mt2st.text.words import cut_sentences
from mt2st.training import Callback, KernelTask, Task


class Tagger(TrainedModel[TaggedText]):
    """A small tagger on its own word embedding: parts of speech, named entities.

    Sentences come as lists of words, and every word has a tag. To the encoder a word may be several tokens
    (``well-made``); its tag is read off the first one. A sentence of more than ``text.max_length`` tokens is read in
    parts. The parameters are those of `SettingsEstimator`, the attributes those of `TrainedModel`.

    Example:
        >>> from mt2st import Switch, Tagger
        >>> from mt2st.models import Compute, Embedding, Optimisation, Text
        >>> fast = Optimisation(epochs=20, learning_rate=0.1, embedding_learning_rate=0.1)
        >>> tagger = Tagger(Switch(at=3), encoder="mean", embedding=Embedding(vector_size=16), text=Text(min_count=1),
        ...                 optimisation=fast, compute=Compute(parallel_context=False))
        >>> sentences = [["the", "dog", "barks"], ["a", "cat", "sleeps"], ["the", "cat", "barks"]] * 5
        >>> tagger.fit(sentences, [["DET", "NOUN", "VERB"]] * 15).predict([["a", "dog"], [], ["sleeps"]])
        [['DET', 'NOUN'], [], ['VERB']]
    """

    problem_type: ClassVar[Tagging] = Tagging()
    _of_words = True

    def fit(
        self,
        X: Sequence[Sequence[str]],
        y: Sequence[Sequence[object]],
        *,
        unlabelled: Iterable[str] = (),
        validation: float | Sequence[Any] = 0.2,
        auxiliary_tasks: Sequence[Task | KernelTask] = (),
        auxiliary_data: Mapping[str, Rows] | None = None,
        callbacks: Sequence[Callback] = (),
        log: str | PathLike[str] | None = None,
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Train on tagged sentences, with the help of unlabelled text and of other labelled data.

        Args:
            X: n sentences, each a list of words.
            y: for each sentence the tag of each word. Tags that mark spans (``B-person``, ``I-person``, ``O``) are
                judged by whole entities.
            unlabelled: as for `TextClassifier.fit`, as are all others.
            validation: ``(sentences, tags)`` to choose the best evaluation by, or the share of the sentences, in
                (0, 1), that is split off for this at random, by the seed.
            auxiliary_tasks: tasks of your own.
            auxiliary_data: further labelled data, by a name for its auxiliary task.
            callbacks: called before and during the training.
            log: file of the metrics, as JSON Lines.
            checkpoint: folder of a checkpoint.

        Returns:
            The tagger itself.

        Raises:
            InputError: the settings, sentences or tags cannot be used.
        """
        rows = tagged_text(X, y)
        classes = classes_of([tag for tags in y for tag in tags], rows.source)
        held_out: Any = validation
        if not np.isscalar(validation):
            held_out = tagged_text(*pair(validation), source="validation", classes=classes)
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

    def predict_proba(self, X: Iterable[Sequence[str]]) -> list[NDArray[np.float32]]:
        """Return for each sentence ``[n_words, n_tags]`` probabilities, in the order of `classes_`.

        Raises:
            InputError: before `fit`, or when a sentence is no list of words.
        """
        self._fitted()
        if isinstance(X, str):
            raise InputError(f"give a list of sentences of words, found the one text {X[:40]!r}")
        given = list(X)
        for number, words in enumerate(given):
            check_words(words, f"sentence {number}")
        cut = cut_sentences(given, tokeniser_of(self.settings_), max_length=self.settings_.text.max_length)
        rows = np.empty((0, len(self.classes_)), dtype=np.float32)
        if cut.texts:
            network, texts = self._read(cut.texts)
            encoded = Words(texts, cut.starts, cut.n_words)
            rows = predict_tag_probabilities(network, PRIMARY_TASK, encoded, max_length=self.settings_.text.max_length)
        return np.split(rows, np.cumsum(cut.n_words)[:-1]) if given else []

    def predict(self, X: Iterable[Sequence[str]]) -> list[list[Any]]:
        """Return the most probable tag of each word of each sentence.

        Raises:
            InputError: before `fit`, or a sentence is no list of words.
        """
        return [self.classes_[rows.argmax(axis=1)].tolist() for rows in self.predict_proba(X)]

    def evaluate(
        self, X: Sequence[Sequence[str]], y: Sequence[Sequence[object]], *, name: str = "test"
    ) -> dict[str, float]:
        """Measure on tagged sentences and keep the result in ``metrics_[name]`` for the model's card.

        A tag that was not trained on counts as one that is never found.

        Returns:
            Loss and token accuracy; where tags mark spans, precision, recall and F1 of entities (`span_report`), else
            averaged precision, recall and F1 of tags.

        Raises:
            InputError: before `fit`.
        """
        self._fitted()
        return self.evaluate_rows(tagged_text(X, y, source=name, classes=self.classes_), name=name)

    def score(self, X: Sequence[Sequence[str]], y: Sequence[Sequence[object]]) -> float:
        """Return the share of words whose tag is right."""
        wanted, found = tagged_text(X, y, source="score", classes=self.classes_).tags, self.predict(X)
        pairs = [
            (one, str(two)) for tags, row in zip(wanted, found, strict=True) for one, two in zip(tags, row, strict=True)
        ]
        return sum(one == two for one, two in pairs) / len(pairs)
