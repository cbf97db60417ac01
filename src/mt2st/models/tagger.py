"""The tagger: fit on sentences of words with a tag each (parts of speech, named entities), tag new ones."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import DataWarning, InputError, in_brief
from mt2st.evaluation import Scheme, best_tags, half_marked, scheme_of, stray_tags
from mt2st.models.inputs import classes_of, lists_of, names_of, tagged_text
from mt2st.models.problem_types import Tagging, sentences_to_read
from mt2st.models.texts import Classes
from mt2st.models.trained_model import TrainedModel
from mt2st.strategy import PRIMARY_TASK
from mt2st.tasks import LabelledTask, TaggingTask
from mt2st.tasks.tagging import predict_tag_probabilities
from mt2st.text import TaggedText
from mt2st.text.labelled import check_words
from mt2st.text.words import WordCutter


@dataclass
class KnownWords:
    """How many sentences, and how many of their words, a model knows; as a text, what there is to tell of it."""

    sentences: int = 0
    without: int = 0
    words: int = 0
    unknown: int = 0

    def add(self, known: Iterable[NDArray[np.bool_]]) -> Self:
        """Count sentences: for each ``[n_words]``, which of its words the model knows."""
        for each in known:
            self.sentences += 1
            self.without += bool(len(each)) and not each.any()
            self.words += len(each)
            self.unknown += int((~each).sum())
        return self

    def __str__(self) -> str:
        if not self.without:
            return ""
        have = "has" if self.without == 1 else "have"
        return (
            f"{self.without:,} of {self.sentences:,} sentences {have} no word that the model knows, and "
            f"{self.unknown:,} of all {self.words:,} words are unknown: their tags come from spelling and place alone"
        )


class Tagger(TrainedModel[TaggedText]):
    """A small tagger on its own word embedding: parts of speech, named entities.

    Sentences come as lists of words, and every word has a tag. A word of several tokens (``well-made``) has the vector
    of the first one and its own spelling; without spelling, the encoder reads all tokens, and the tag is read off the
    first. A sentence of more than ``text.max_length`` tokens is read in parts. The parameters are those of
    `TextClassifier`.

    Attributes:
        scheme_: the scheme of tags that mark spans, ``"iob2"`` or ``"iobes"``, which predicted tags follow; else None.
        cutter_: cuts raw text into words as those of the training data, for `predict`: ``cutter_("It's me.")``.

    The others are those of `TrainedModel`.

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
    scheme_: Scheme | None
    cutter_: WordCutter
    _of_words = True

    def predict_proba(self, X: Iterable[Sequence[str]]) -> list[NDArray[np.float32]]:
        """Return for each sentence ``[n_words, n_tags]`` probabilities, in the order of `classes_`.

        Sentences without a word that the model knows are counted in a warning.

        Raises:
            InputError: before `fit`, or when a sentence is no list of words.
        """
        rows, known = self._read_sentences(X)
        if counted := str(KnownWords().add(known)):
            warnings.warn(counted, DataWarning, stacklevel=2)
        return rows

    def _read_sentences(self, X: Iterable[Sequence[str]]) -> tuple[list[NDArray[np.float32]], list[NDArray[np.bool_]]]:
        """Return for each sentence the probabilities, and ``[n]``: which of its tokens the model knows."""
        self._fitted()
        if isinstance(X, str):
            raise InputError(f"give a list of sentences of words, found the one text {X[:40]!r}")
        given = list(X)
        for number, words in enumerate(given):
            check_words(words, f"sentence {number}")
        text, reader = self.settings_.text, self._reader()
        prepared = sentences_to_read(given, text, spelled=reader.spellings is not None)
        if not given:
            return [], []
        ends = np.cumsum([len(words) for words in given])[:-1]
        if not prepared.documents:
            return np.split(np.empty((0, len(self.classes_)), dtype=np.float32), ends), []
        words = prepared.encoded(reader.read_prepared(prepared))
        network = reader.network(self.network_)
        rows = predict_tag_probabilities(network, PRIMARY_TASK, words, max_length=text.max_length)
        known = reader.known(words.texts.ids[np.flatnonzero(words.starts)])
        return np.split(rows, ends), np.split(known, ends)

    def predict(self, X: Iterable[Sequence[str]]) -> list[list[Any]]:
        """Return the most probable tags of each sentence.

        If the tags mark spans, they follow the scheme of the training data: no ``I-person`` without a ``B-person``.
        Sentences without a word that the model knows are counted in a warning.

        Raises:
            InputError: before `fit`, or a sentence is no list of words.
        """
        return self._tags(self.predict_proba(X))

    def predict_known_words(self, X: Iterable[Sequence[str]]) -> tuple[list[list[Any]], list[NDArray[np.bool_]]]:
        """Return the tags as `predict` does, and for each sentence ``[n_words]``: which words the model knows.

        Raises:
            InputError: before `fit`, or a sentence is no list of words.
        """
        rows, known = self._read_sentences(X)
        return self._tags(rows), known

    def _tags(self, rows: list[NDArray[np.float32]]) -> list[list[Any]]:
        n_words = np.array([len(each) for each in rows], dtype=np.int64)
        if not rows:
            return []
        best = best_tags(np.concatenate(rows), n_words, names_of(self.classes_), self.scheme_)
        return [tags.tolist() for tags in np.split(self.classes_[best], np.cumsum(n_words)[:-1])]

    def fit_rows(self, rows: TaggedText, *, validation: float | TaggedText = 0.2, **options: Any) -> Self:
        """Train as `TrainedModel.fit_rows` does; warn of tags that mark no entity where others do."""
        _tell_strays([rows, validation] if isinstance(validation, TaggedText) else [rows])
        return super().fit_rows(rows, validation=validation, **options)

    def score(self, X: Sequence[Sequence[str]], y: Sequence[Sequence[object]]) -> float:
        """Return the share of words whose tag is right.

        Raises:
            InputError: there is no word, or the tags do not go with the words.
        """
        self._fitted()
        wanted, found = self._rows(X, y, "score", self.classes_).tags, self.predict(X)
        right = [
            one == str(two) for tags, row in zip(wanted, found, strict=True) for one, two in zip(tags, row, strict=True)
        ]
        if not right:
            raise InputError("score: nothing to measure on; give at least one word")
        return sum(right) / len(right)

    def _rows(
        self,
        X: Iterable[Sequence[str]],
        y: Iterable[Sequence[object]],
        source: str,
        classes: Classes | None = None,
    ) -> TaggedText:
        return tagged_text(X, y, source=source, classes=classes)

    def _keep(self, rows: TaggedText) -> None:
        self.scheme_, self.cutter_ = scheme_of(rows.tags), WordCutter.of(rows.sentences, at_spaces=self._at_spaces)

    def _as_fitted(self, task: LabelledTask[Any, Any]) -> LabelledTask[Any, Any]:
        assert isinstance(task, TaggingTask)
        return replace(task, scheme=self.scheme_)

    @property
    def _at_spaces(self) -> bool:
        return self.settings_.text.tokens == "whitespace"

    def _extra_config(self) -> dict[str, Any]:
        return {"scheme": self.scheme_, "whole_words": list(self.cutter_.whole)}

    def _restore_extra(self, config: Mapping[str, Any]) -> None:
        self.scheme_, self.cutter_ = config["scheme"], WordCutter(tuple(config["whole_words"]), self._at_spaces)

    def _classes(self, y: Any, source: str) -> Classes:
        return classes_of([tag for tags in lists_of(y, "tags", "sentence", source) for tag in tags], source)


def _tell_strays(parts: Sequence[TaggedText]) -> None:
    """Warn of tags that mark no entity where others do, in whichever part of the data they are."""
    names = sorted({tag for part in parts for tag in part.tag_names()})
    mixed = half_marked(names)
    strays = stray_tags(names) or ([mixed[1]] if mixed else [])
    if not strays:
        return
    rows = next(part for part in parts if strays[0] in part.tag_names())
    line = rows.first_lines.get(strays[0])
    what = f"{in_brief(strays)} mark{'s' * (len(strays) == 1)} no entity, as "
    if mixed:
        what += f"'{mixed[0]}' does: there are so many such tags that all are judged word by word"
    else:
        what += "the other tags do: counted as O in measures of entities"
    warnings.warn(f"{rows.source}{f', line {line}' if line else ''}: {what}", DataWarning, stacklevel=3)
