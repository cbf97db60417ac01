"""Saved models, of any kind with torch; of the ``mean`` encoder by NumPy alone, with no torch installed or loaded.

The probabilities are torch's: the mean of a text's word vectors, standardised, through the linear head, with the scores
of the linear classifiers on n-grams weighed in where the model has them.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError, MissingExtraError
from mt2st.models.ensemble import Ensemble, told_by_words, warn_of_unknown
from mt2st.models.folder import CONFIG, RUNTIME, ModelFolder, word_vectors_of
from mt2st.models.mean import MeanNetwork, ReadTexts, TextReader
from mt2st.models.texts import checked_texts, labels_above
from mt2st.text import Tokeniser

if TYPE_CHECKING:
    from mt2st.embedding import WordVectors
    from mt2st.embedding.subwords import KnownSubwords
    from mt2st.models.trained_model import TrainedModel
    from mt2st.strategy import Strategy

Array = NDArray[np.float32]
ENCODER = "mean"
CLASSIFICATION, MULTI_LABEL = "classification", "multilabel"
OF_NGRAMS = "-fasttext"
"""Ending of the context methods that make words of n-grams."""
SUBWORDS = "subwords."
"""Prefix of the arrays by which a folder for prediction spares the hashing of n-grams."""
NEEDED = ("problem_type", "classes", "class_prior", "indicator", "settings", "ensemble", "columns")
"""What such a folder keeps of the configuration of a model."""


class TextNetwork(Protocol):
    """The network of a model that classifies texts."""

    def probabilities(self, texts: ReadTexts) -> Array:
        """Return ``[n_texts, n_classes]`` probabilities of texts, at least one."""
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
            text, encoder = settings["text"], settings["encoder"]["name"]
            self.problem_type = saved.problem_type
            if encoder != ENCODER and network is None:
                raise MissingExtraError(f"prediction with the encoder '{encoder}'", "train")
            if self.problem_type not in (CLASSIFICATION, MULTI_LABEL):
                raise MissingExtraError(f"a model for {self.problem_type}", "train")
            self.classes_ = np.array(saved.config["classes"])
            self.class_prior_ = np.array(saved.config["class_prior"], dtype=np.float32)
            _check_sizes(len(self.classes_), len(self.class_prior_), saved.parameters.get("heads.primary.weight"))
            self._indicator = bool(saved.config.get("indicator", False))
            self._saved = saved
            tokeniser = Tokeniser(**{name: text[name] for name in ("lowercase", "remove_breaks", "tokens")})
            has_ngrams = settings["context"]["method"].endswith(OF_NGRAMS)
            self._reader = TextReader(saved.vocabulary, tokeniser, has_ngrams, text["max_length"], text["truncation"])
            independent = self.problem_type == MULTI_LABEL
            self._network = network or MeanNetwork(saved.parameters, subwords_of(saved), independent=independent)
            self._ensemble = Ensemble.of_folder(saved, independent, tokeniser)
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
        texts = self._reader.read(given)
        if not given:
            return np.empty((0, len(self.classes_)), dtype=np.float32), texts.known
        found = self._network.probabilities(texts)
        return told_by_words(found, texts.known, self._ensemble, self.class_prior_, given)

    def predict(self, X: Iterable[str]) -> NDArray[Any]:
        """Return the most probable label of each text, or the labels that are at least as likely as not."""
        probabilities = self.predict_proba(X)
        if self.problem_type == CLASSIFICATION:
            return np.asarray(self.classes_[probabilities.argmax(axis=1)])
        return labels_above(probabilities, self.classes_, indicator=self._indicator)

    @property
    def word_vectors(self) -> WordVectors:
        """The task-specific word vectors; `SubwordVectors` where they are made of n-grams.

        Raises:
            InputError: the model is an export for onnxruntime, which has none.
        """
        if "embedding.weight" not in self._saved.parameters:
            raise InputError("an export for onnxruntime has no word vectors: take them from the model it was made of")
        return word_vectors_of(
            self._saved.parameters["embedding.weight"], self._saved.vocabulary, subwords_of(self._saved)
        )


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


def _check_sizes(classes: int, shares: int, weights: Array | None) -> None:
    rows = classes if weights is None else len(weights)
    if not classes == shares == rows:
        raise ValueError(f"{classes} classes, {shares} shares, {rows} rows of weights")


def load(folder: str | PathLike[str], *, strategies: Iterable[type[Strategy]] = ()) -> TrainedModel[Any] | Predictor:
    """Read a model folder of any problem type.

    Args:
        folder: a folder that an estimator's `save` or ``mt2st train`` wrote.
        strategies: classes of your own that the folder may name. Those that are defined by now are known; a folder
            never causes an import.

    Returns:
        The estimator, or a `Predictor` if torch is not installed or ``mt2st export --to numpy`` wrote the folder.

    Raises:
        InputError: naming what is missing or broken.
        MissingExtraError: the model's encoder needs torch, which is not installed.
    """
    saved = ModelFolder.load(Path(folder))
    alone = find_spec("torch") is None or RUNTIME in saved.config
    return Predictor(saved, folder) if alone else _with_torch(saved, folder, strategies)


def load_to_predict(folder: str | PathLike[str]) -> TrainedModel[Any] | Predictor:
    """Read a model folder of any problem type: as a `Predictor` if that can be, which takes a tenth of the time."""
    return to_predict(ModelFolder.load(Path(folder)), folder)


def to_predict(saved: ModelFolder, folder: str | PathLike[str]) -> TrainedModel[Any] | Predictor:
    """Return the model of a folder that has been read already, as `load_to_predict` does."""
    if Predictor.reads(saved) or find_spec("torch") is None:
        return Predictor(saved, folder)
    return _with_torch(saved, folder, ())


def load_model(folder: str | PathLike[str], *, strategies: Iterable[type[Strategy]] = ()) -> TrainedModel[Any]:
    """Read a model folder of any problem type with torch: `load` without the `Predictor`.

    Raises:
        InputError: naming what is missing or broken.
    """
    return _with_torch(ModelFolder.load(Path(folder)), folder, strategies)


def _with_torch(
    saved: ModelFolder, folder: str | PathLike[str], strategies: Iterable[type[Strategy]]
) -> TrainedModel[Any]:
    try:
        found = model_class(saved.problem_type)
    except KeyError:
        raise InputError(f"{Path(folder) / CONFIG}: this version knows no model for '{saved.problem_type}'") from None
    return found.restored(saved, folder, strategies=strategies)


def model_class(problem_type: str) -> type[TrainedModel[Any]]:
    """Return the class of models for ``"classification"``, ``"multilabel"`` or ``"tagging"``."""
    from mt2st.models import MultiLabelClassifier, Tagger, TextClassifier  # loads torch

    return {each.problem_type.name: each for each in (TextClassifier, MultiLabelClassifier, Tagger)}[problem_type]
