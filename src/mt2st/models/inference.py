"""Prediction with a saved model of the ``mean`` encoder by NumPy alone: no torch is installed or loaded.

The probabilities are torch's: the mean of a text's word vectors, standardised, through the linear head, with the scores
of the linear classifiers on n-grams weighed in where the model has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import BytesIO
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError, MissingExtraError
from mt2st.models.ensemble import Ensemble, have_known_words, told_by_words, warn_of_unknown
from mt2st.models.folder import ModelFolder, word_vectors_of
from mt2st.models.texts import checked_texts, labels_above
from mt2st.text import OpenVocabulary, Tokeniser, Vocabulary
from mt2st.text.corpus_writer import IDS_TYPE, OFFSETS_TYPE, write_known
from mt2st.text.vocabulary import UNK

if TYPE_CHECKING:
    from mt2st.embedding import WordVectors
    from mt2st.embedding.subwords import KnownSubwords

Array = NDArray[np.float32]
ENCODER = "mean"
CLASSIFICATION, MULTI_LABEL = "classification", "multilabel"
HEAD = "heads.primary"
"""Prefix of the parameters of the primary task's head."""
OF_NGRAMS = "-fasttext"
"""Ending of the context methods that make words of n-grams."""
SMALLEST_VARIANCE = 1e-8


class Predictor:
    """A trained ``mean`` model, for prediction alone.

    Args:
        saved: what its folder holds.
        folder: its name, for messages.

    Attributes:
        classes_: ``[n_classes]`` labels, in the type that the model was trained on.
        class_prior_: ``[n_classes]`` shares of the training labels.
        problem_type: ``"classification"`` or ``"multilabel"``.

    Raises:
        InputError: the parts of the folder do not fit together.
        MissingExtraError: the model needs torch.
    """

    def __init__(self, saved: ModelFolder, folder: str | PathLike[str] = "the model") -> None:
        try:
            # Plain values, not `ModelSettings`: nobody has changed them since they were checked, and pydantic takes as
            # long to load as all else here.
            settings = saved.config["settings"]
            self._text, encoder = settings["text"], settings["encoder"]["name"]
            self.problem_type = saved.problem_type
            if encoder != ENCODER:
                raise MissingExtraError(f"prediction with the encoder '{encoder}'", "train")
            if self.problem_type not in (CLASSIFICATION, MULTI_LABEL):
                raise MissingExtraError(f"a model for {self.problem_type}", "train")
            self.classes_ = np.array(saved.config["classes"])
            self.class_prior_ = np.array(saved.config["class_prior"], dtype=np.float32)
            self._indicator = bool(saved.config.get("indicator", False))
            self._vocabulary = saved.vocabulary
            self._tokeniser = Tokeniser(**{name: self._text[name] for name in ("lowercase", "remove_breaks", "tokens")})
            self._table: Array = saved.parameters["embedding.weight"]
            has_ngrams = settings["context"]["method"].endswith(OF_NGRAMS)
            self._subwords = _subwords(settings["embedding"], saved.vocabulary) if has_ngrams else None
            self._layers = _Layers.of(saved.parameters)
            self._ensemble = Ensemble.of_folder(saved, self.problem_type == MULTI_LABEL, self._tokeniser)
        except KeyError as error:
            raise InputError(f"{folder} does not fit together: it has no {error}") from error
        except InputError:
            raise
        except (TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{folder} does not fit together: {' '.join(str(error).split())}") from error

    @staticmethod
    def reads(saved: ModelFolder) -> bool:
        """Return whether a model needs no torch to predict."""
        try:
            encoder = saved.config["settings"]["encoder"]["name"]
        except (KeyError, TypeError):  # which whoever reads the model tells
            return False
        return encoder == ENCODER and saved.problem_type in (CLASSIFICATION, MULTI_LABEL)

    @classmethod
    def load(cls, folder: str | PathLike[str]) -> Self:
        """Read a model folder.

        Raises:
            InputError: naming what is missing or broken.
            MissingExtraError: the model needs torch.
        """
        return cls(ModelFolder.load(Path(folder)), folder)

    def predict_proba(self, X: Iterable[str]) -> Array:
        """Return ``[n_texts, n_classes]`` probabilities, in the order of `classes_`.

        A text without a known word has `class_prior_`, and a `DataWarning` counts such texts.
        """
        found, known = self.predict_known(X)
        warn_of_unknown(known)
        return found

    def predict_known(self, X: Iterable[str]) -> tuple[Array, NDArray[np.bool_]]:
        """Return the same probabilities, and ``[n_texts]``: whether a text has a known word or n-gram."""
        given = list(checked_texts(X, "texts"))
        ids, offsets = BytesIO(), BytesIO()
        numbering = self._vocabulary if self._subwords is None else OpenVocabulary(self._vocabulary)
        write_known(given, self._tokeniser, numbering, ids, offsets)
        tokens = np.frombuffer(ids.getvalue(), IDS_TYPE).astype(np.int64)
        bounds = np.frombuffer(offsets.getvalue(), OFFSETS_TYPE)
        known = have_known_words(tokens, bounds)
        rows = [self._layers.logits(text) for text in self._texts(tokens, bounds, numbering)]
        if not rows:
            return np.empty((0, len(self.classes_)), dtype=np.float32), known
        logits = np.stack(rows)
        if self.problem_type == MULTI_LABEL:
            found = 1 / (1 + np.exp(-logits))
        else:
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            found = odds / odds.sum(axis=1, keepdims=True)
        return told_by_words(found, known, self._ensemble, self.class_prior_, given)

    def predict(self, X: Iterable[str]) -> NDArray[Any]:
        """Return the most probable label of each text, or the labels that are at least as likely as not."""
        probabilities = self.predict_proba(X)
        if self.problem_type == CLASSIFICATION:
            return np.asarray(self.classes_[probabilities.argmax(axis=1)])
        return labels_above(probabilities, self.classes_, indicator=self._indicator)

    @property
    def word_vectors(self) -> WordVectors:
        """The task-specific word vectors; `SubwordVectors` where they are made of n-grams."""
        return word_vectors_of(self._table, self._vocabulary, self._subwords)

    def _texts(
        self, tokens: NDArray[np.int64], bounds: NDArray[np.int64], numbering: Vocabulary | OpenVocabulary
    ) -> Iterable[Array]:
        """Yield for each text the mean of its word vectors."""
        table = self._table
        if self._subwords is not None and isinstance(numbering, OpenVocabulary):
            bags = self._subwords.bags.followed_by(self._subwords.bags_of(numbering.further))
            used, tokens = np.unique(np.append(tokens, UNK), return_inverse=True)
            table = np.stack(
                [
                    bags.scale[word] * self._table[bags.rows[bags.offsets[word] : bags.offsets[word + 1]]].sum(axis=0)
                    for word in used
                ]
            )
            unknown = int(tokens[-1])
        else:
            unknown = UNK
        for start, stop in pairwise(bounds.tolist()):
            text = self._truncated(tokens[start:stop])
            if not len(text):
                text = np.array([unknown])
            yield table[text].mean(axis=0)

    def _truncated(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        most = self._text["max_length"]
        if len(tokens) <= most:
            return tokens
        if self._text["truncation"] == "end":
            return tokens[:most]
        return np.concatenate([tokens[: -(-most // 2)], tokens[len(tokens) - most // 2 :]])


def _subwords(embedding: Mapping[str, Any], vocabulary: Vocabulary) -> KnownSubwords:
    from mt2st.embedding.subwords import KnownSubwords, SubwordSettings

    given = {name: embedding[name] for name in ("min_n", "max_n", "bucket")}
    settings = SubwordSettings(**{name: value for name, value in given.items() if value is not None})
    return KnownSubwords.of(vocabulary.tokens, settings)


class _Layers:
    """The layers behind the embedding."""

    def __init__(self, parameters: Mapping[str, NDArray[Any]], head: str, layer: str | None) -> None:
        self.weight, self.bias = parameters[f"{head}.weight"], parameters[f"{head}.bias"]
        self.mean = self.scale = None
        if "standardise.mean" in parameters:
            self.mean = parameters["standardise.mean"]
            self.scale = 1 / np.sqrt(parameters["standardise.variance"] + np.float32(SMALLEST_VARIANCE))
        self.layer = None
        if layer is not None and bool(parameters[f"{layer}.active"]):
            self.layer = [
                parameters[f"{layer}.{name}"] for name in ("down.weight", "down.bias", "up.weight", "up.bias")
            ]

    @classmethod
    def of(cls, parameters: Mapping[str, NDArray[Any]]) -> Self:
        has_layer = f"{HEAD}.0.active" in parameters
        return cls(parameters, f"{HEAD}.1" if has_layer else HEAD, f"{HEAD}.0" if has_layer else None)

    def logits(self, pooled: Array) -> Array:
        """Return ``[n_classes]`` scores of a text with this mean vector."""
        features = pooled if self.mean is None else (pooled - self.mean) * self.scale
        if self.layer is not None:
            down, down_bias, up, up_bias = self.layer
            features = features + up @ np.tanh(down @ features + down_bias) + up_bias
        scores: Array = self.weight @ features + self.bias
        return scores
