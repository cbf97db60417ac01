"""Prediction with a saved model of the ``mean`` encoder by NumPy alone: no torch is installed or loaded.

The probabilities are torch's: the mean of a text's word vectors, standardised, through the linear head, with the scores
of the linear classifiers on n-grams weighed in where the model has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError, MissingExtraError
from mt2st.models.ensemble import Ensemble, have_known_words, told_by_words, warn_of_unknown
from mt2st.models.folder import RUNTIME, ModelFolder, word_vectors_of
from mt2st.models.texts import checked_texts, labels_above
from mt2st.text import OpenVocabulary, Tokeniser
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

SUBWORDS = "subwords."
"""Prefix of the arrays by which a folder for prediction spares the hashing of n-grams."""
NEEDED = ("problem_type", "classes", "class_prior", "indicator", "settings", "ensemble", "columns")
"""What such a folder keeps of the configuration of a model."""


class TextNetwork(Protocol):
    """The network of a model that classifies texts."""

    def probabilities(self, texts: Sequence[NDArray[np.int64]], further: Sequence[str]) -> Array:
        """Return ``[n_texts, n_classes]`` probabilities.

        Args:
            texts: the token ids of each text, at least one.
            further: words that the vocabulary lacks, whose ids follow those of the vocabulary. Empty if words are not
                made of n-grams.
        """
        ...


class Predictor:
    """A trained ``mean`` model, for prediction alone.

    Args:
        saved: what its folder holds.
        folder: its name, for messages.
        network: the network, if other code runs it; then it may have any encoder.

    Attributes:
        classes_: ``[n_classes]`` labels, in the type that the model was trained on.
        class_prior_: ``[n_classes]`` shares of the training labels.
        problem_type: ``"classification"`` or ``"multilabel"``.

    Raises:
        InputError: the parts of the folder do not fit together.
        MissingExtraError: the model needs torch.
    """

    def __init__(
        self,
        saved: ModelFolder,
        folder: str | PathLike[str] = "the model",
        network: TextNetwork | None = None,
    ) -> None:
        try:
            # Plain values, not `ModelSettings`: nobody has changed them since they were checked, and pydantic takes as
            # long to load as all else here.
            settings = saved.config["settings"]
            self._text, encoder = settings["text"], settings["encoder"]["name"]
            self.problem_type = saved.problem_type
            if encoder != ENCODER and network is None:
                raise MissingExtraError(f"prediction with the encoder '{encoder}'", "train")
            if self.problem_type not in (CLASSIFICATION, MULTI_LABEL):
                raise MissingExtraError(f"a model for {self.problem_type}", "train")
            self.classes_ = np.array(saved.config["classes"])
            self.class_prior_ = np.array(saved.config["class_prior"], dtype=np.float32)
            self._indicator = bool(saved.config.get("indicator", False))
            self._saved = saved
            self._tokeniser = Tokeniser(**{name: self._text[name] for name in ("lowercase", "remove_breaks", "tokens")})
            self._has_ngrams = settings["context"]["method"].endswith(OF_NGRAMS)
            independent = self.problem_type == MULTI_LABEL
            self._network = network or MeanNetwork(saved.parameters, subwords_of(saved), independent=independent)
            self._ensemble = Ensemble.of_folder(saved, independent, self._tokeniser)
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
        numbering = OpenVocabulary(self._saved.vocabulary) if self._has_ngrams else self._saved.vocabulary
        write_known(given, self._tokeniser, numbering, ids, offsets)
        tokens = np.frombuffer(ids.getvalue(), IDS_TYPE).astype(np.int64)
        bounds = np.frombuffer(offsets.getvalue(), OFFSETS_TYPE)
        known = have_known_words(tokens, bounds)
        if not given:
            return np.empty((0, len(self.classes_)), dtype=np.float32), known
        texts = [self._truncated(tokens[start:stop]) for start, stop in pairwise(bounds.tolist())]
        found = self._network.probabilities(texts, numbering.further if isinstance(numbering, OpenVocabulary) else ())
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
        return word_vectors_of(
            self._saved.parameters["embedding.weight"], self._saved.vocabulary, subwords_of(self._saved)
        )

    def _truncated(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the part of a text that the network reads; of a text without a word, one unknown word."""
        most = self._text["max_length"]
        if not len(tokens):
            return np.array([UNK])
        if len(tokens) <= most:
            return tokens
        if self._text["truncation"] == "end":
            return tokens[:most]
        return np.concatenate([tokens[: -(-most // 2)], tokens[len(tokens) - most // 2 :]])


def subwords_of(saved: ModelFolder) -> KnownSubwords | None:
    """Return the n-grams of a model's words; None if they are made of none."""
    settings = saved.config["settings"]
    if not settings["context"]["method"].endswith(OF_NGRAMS):
        return None
    from mt2st.embedding.subwords import KnownSubwords, SubwordRows, SubwordSettings

    given = {name: settings["embedding"][name] for name in ("min_n", "max_n", "bucket")}
    ngrams = SubwordSettings(**{name: value for name, value in given.items() if value is not None})
    offsets, rows, buckets = (saved.parameters.get(f"{SUBWORDS}{name}") for name in ("offsets", "rows", "buckets"))
    if offsets is None or rows is None or buckets is None:
        return KnownSubwords.of(saved.vocabulary.tokens, ngrams)
    return KnownSubwords(SubwordRows(offsets, rows, len(buckets)), buckets, ngrams)


def for_prediction(saved: ModelFolder) -> ModelFolder:
    """Return what a `Predictor` needs of a model: no record of the training, and no n-gram is left to hash."""
    parameters, subwords = dict(saved.parameters), subwords_of(saved)
    if subwords is not None:
        hashed: dict[str, NDArray[Any]] = {
            "offsets": subwords.rows.offsets,
            "rows": subwords.rows.rows,
            "buckets": subwords.buckets,
        }
        parameters |= {f"{SUBWORDS}{name}": value for name, value in hashed.items()}
    config = {name: value for name, value in saved.config.items() if name in NEEDED}
    return ModelFolder(parameters, saved.vocabulary, {**config, RUNTIME: "numpy"}, saved.card)


class MeanNetwork:
    """The network with the ``mean`` encoder by numpy.

    Args:
        parameters: the network's.
        subwords: the n-grams of its words; None for a model on words alone.
        independent: each class has a probability of its own; else those of a text sum to 1.
    """

    def __init__(
        self, parameters: Mapping[str, NDArray[Any]], subwords: KnownSubwords | None, *, independent: bool
    ) -> None:
        self._table: Array = parameters["embedding.weight"]
        self._subwords, self._independent = subwords, independent
        self._layers = _Layers.of(parameters)

    def probabilities(self, texts: Sequence[NDArray[np.int64]], further: Sequence[str]) -> Array:
        """Return those of texts, as `TextNetwork` says."""
        table = self._table
        if self._subwords is not None:
            bags = self._subwords.bags.followed_by(self._subwords.bags_of(further))
            used, places = np.unique(np.concatenate(texts), return_inverse=True)
            table = bags.composed(self._table, used)
            texts = np.split(places, np.cumsum([len(text) for text in texts])[:-1])
        logits = np.stack([self._layers.logits(table[text].mean(axis=0)) for text in texts])
        if self._independent:
            return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), dtype=np.float32)


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
