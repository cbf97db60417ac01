"""The tagger: fit on sentences of words with a tag each (parts of speech, named entities), tag new ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError
from mt2st.models.intake import tagged_text
from mt2st.models.kinds import Tagging
from mt2st.models.labelled_auxiliaries import Rows
from mt2st.models.trained_model import TrainedModel
from mt2st.strategy import PRIMARY_TASK
from mt2st.tasks.tagging import Words, predict_tag_probabilities
from mt2st.text import TaggedText
from mt2st.text.tagged import check_words
from mt2st.text.words import cut_sentences
from mt2st.training import Callback


class Tagger(TrainedModel[TaggedText]):
    """A small tagger on its own word embedding, trained the MT2ST way.

    Sentences come as words, and every word has a tag. To the encoder a word may be several tokens (``well-made``); its
    tag is read off the first one. A sentence of more than ``max_length`` tokens is read in parts.

    The parameters are those of `SettingsEstimator`, the attributes those of `TrainedModel`.

    Example:
        >>> from mt2st import Switch, Tagger
        >>> tagger = Tagger(strategy=Switch(at=3), encoder="mean", vector_size=16, epochs=20, min_count=1,
        ...                 learning_rate=0.1, embedding_learning_rate=0.1, beside=False)
        >>> sentences = [["the", "dog", "barks"], ["a", "cat", "sleeps"], ["the", "cat", "barks"]] * 5
        >>> tagger.fit(sentences, [["DET", "NOUN", "VERB"]] * 15).predict([["a", "dog"], [], ["sleeps"]])
        [['DET', 'NOUN'], [], ['VERB']]
    """

    kind: ClassVar[Tagging] = Tagging()

    _of_words = True

    def fit(
        self,
        sentences: Sequence[Sequence[str]],
        tags: Sequence[Sequence[str]],
        *,
        unlabelled: Iterable[str] = (),
        validation: float | tuple[Sequence[Sequence[str]], Sequence[Sequence[str]]] = 0.2,
        auxiliary_data: Mapping[str, Rows] | None = None,
        log: Path | None = None,
        checkpoint: Path | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> Self:
        """Train on tagged sentences, with the help of unlabelled text and of other labelled data.

        Args:
            sentences: sentences of words.
            tags: for each sentence the tag of each word. Tags that mark spans (``B-person``, ``I-person``, ``O``) are
                judged by whole entities.
            unlabelled: as for `fit_rows`.
            validation: ``(sentences, tags)`` to choose the best epoch by, or the share of the sentences, in (0, 1),
                that is set apart for this at random, by the seed.
            auxiliary_data: as for `fit_rows`.
            log: as for `fit_rows`.
            checkpoint: as for `fit_rows`.
            callbacks: called before and during the training.

        Returns:
            The tagger itself.

        Raises:
            InputError: when the settings, sentences or tags cannot be used.
        """
        return self.fit_rows(
            tagged_text(sentences, tags),
            unlabelled=unlabelled,
            validation=tagged_text(*validation, source="validation") if isinstance(validation, tuple) else validation,
            auxiliary_data=auxiliary_data,
            log=log,
            checkpoint=checkpoint,
            callbacks=callbacks,
        )

    def predict_proba(self, sentences: Iterable[Sequence[str]]) -> list[NDArray[np.float32]]:
        """Return for each sentence ``[n_words, n_tags]`` probabilities, in the order of `classes_`.

        Raises:
            InputError: before `fit`, or when a sentence is no list of words.
        """
        self._fitted()
        if isinstance(sentences, str):
            raise InputError(f"give a list of sentences of words, found the one text {sentences[:40]!r}")
        given = list(sentences)
        for number, words in enumerate(given):
            check_words(words, f"sentence {number}")
        cut = cut_sentences(given, self._tokeniser(), max_length=self.settings_.text.max_length)
        rows = np.empty((0, len(self.classes_)), dtype=np.float32)
        if cut.texts:
            network, texts = self._read(cut.texts)
            encoded = Words(texts, cut.starts, cut.n_words)
            rows = predict_tag_probabilities(network, PRIMARY_TASK, encoded, max_length=self.settings_.text.max_length)
        return np.split(rows, np.cumsum(cut.n_words)[:-1]) if given else []

    def predict(self, sentences: Iterable[Sequence[str]]) -> list[list[str]]:
        """Return the most probable tag of each word of each sentence.

        Raises:
            InputError: before `fit`, or when a sentence is no list of words.
        """
        return [[self.classes_[index] for index in rows.argmax(axis=1)] for rows in self.predict_proba(sentences)]

    def evaluate(
        self, sentences: Sequence[Sequence[str]], tags: Sequence[Sequence[str]], *, name: str = "test"
    ) -> dict[str, float]:
        """Measure on tagged sentences and keep the result in ``metrics_[name]`` for the model's card.

        A tag that was not trained on counts as one that is never found.

        Returns:
            Loss and token accuracy; where tags mark spans, precision, recall and F1 of entities (`span_report`), else
            averaged precision, recall and F1 of tags.

        Raises:
            InputError: before `fit`.
        """
        return self.evaluate_rows(tagged_text(sentences, tags, source=name), name=name)
