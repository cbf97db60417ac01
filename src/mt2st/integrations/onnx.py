"""Models in ONNX, for onnxruntime (extra ``onnx``): `export` writes one, `load` predicts with it. Neither loads torch.

The folder of an export holds ``network.onnx``, from token ids to probabilities with any number of texts of any length;
``model.json``, which says how a text becomes token ids and what becomes of the probabilities; and
``arrays.safetensors``, if there are linear classifiers or n-grams. docs/howto/export.md describes all of it for readers
in other languages.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from mt2st._files import check_own, complete_folder
from mt2st._version import __version__
from mt2st.embedding.formats.static_embedding import TOKEN
from mt2st.embedding.subwords import KnownSubwords, SubwordRows, SubwordSettings, WordBags
from mt2st.errors import InputError, MissingExtraError
from mt2st.evaluation import best_tags
from mt2st.integrations.onnx_graph import network_graph
from mt2st.models.ensemble import LEAST, PREFIX
from mt2st.models.folder import ModelFolder, check_other_place
from mt2st.models.inference import Predictor, subwords_of
from mt2st.models.mean import ReadTexts
from mt2st.models.ngram_classifier import NGRAMS, SCALE
from mt2st.text import PAD, UNK, OpenVocabulary, Tokeniser, Vocabulary
from mt2st.text.labelled import check_words
from mt2st.text.spelling import OpenSpellings
from mt2st.text.tokeniser import LONGEST_RUN, LONGEST_TOKEN, SPACES, UNSPACED
from mt2st.text.words import WordCutter, cut_sentences

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

FORMAT = 1
NETWORK, MODEL, ARRAYS = "network.onnx", "model.json", "arrays.safetensors"
FILES = (NETWORK, MODEL, ARRAYS)
TOKENS_AT_A_TIME = 4096
"""Padding included; more do not stay in a processor's caches."""
KEPT = ("problem_type", "classes", "class_prior", "indicator", "ensemble", "scheme", "whole_words")
"""What an export keeps of a model's configuration as it is."""
NGRAM_ROWS, NGRAM_BUCKETS = "ngrams.rows", "ngrams.buckets"

Array = NDArray[np.float32]


def export(model: str | PathLike[str], folder: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Write a model for onnxruntime: a classifier, one of several labels or a tagger, with any built-in encoder.

    Args:
        model: the folder of a model or of a run.
        folder: where to write.
        overwrite: replace an export that is there.

    Raises:
        InputError: the model cannot be read, has an encoder of your own or 2 GB, or the folder cannot be written.
        MissingExtraError: the extra ``onnx`` is not installed.
    """
    place = Path(folder)
    check_other_place(model, place)
    _check_free(place, overwrite=overwrite)
    saved = ModelFolder.load(Path(model))
    with _fitting(model):
        graph, arrays, described = network_graph(saved), _arrays(saved), _described(saved)
    size = len(graph) + sum(value.nbytes for value in arrays.values())
    with complete_folder(place, size=size) as partial:
        (partial / NETWORK).write_bytes(graph)
        (partial / MODEL).write_text(json.dumps(described, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        if arrays:
            save_file({name: np.ascontiguousarray(value) for name, value in arrays.items()}, partial / ARRAYS)


def load(folder: str | PathLike[str]) -> Predictor | OnnxTagger:
    """Read an export: a `mt2st.inference.Predictor` for labels of texts, an `OnnxTagger` for those of words.

    Raises:
        InputError: naming what is missing or broken.
        MissingExtraError: the extra ``onnx`` is not installed.
    """
    place = Path(folder)
    try:
        config = json.loads((place / MODEL).read_text(encoding="utf-8"))
        found, tokens, of_words = config["format"], config["vocabulary"], config["problem_type"] == "tagging"
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{place} is no export for onnxruntime: {place / MODEL}: {error}") from error
    if found != FORMAT:
        raise InputError(f"{place / MODEL} has format {found}, this version reads {FORMAT}")
    session = _session(place / NETWORK)
    with _fitting(place):
        arrays = load_file(place / ARRAYS) if (place / ARRAYS).is_file() else {}
        saved = ModelFolder(arrays, Vocabulary(tuple(tokens), np.zeros(len(tokens), np.int64)), config, "")
        subwords = _SubwordVectors(saved) if NGRAM_ROWS in arrays else None
        if of_words:
            return OnnxTagger(saved, session, subwords)
        return Predictor(saved, place, _TextNetwork(session, subwords))


@contextmanager
def _fitting(folder: str | PathLike[str]) -> Iterator[None]:
    """Raise errors about values of another shape as an `InputError` about a folder."""
    try:
        yield
    except InputError:
        raise
    except (KeyError, ValueError, TypeError, SafetensorError) as error:
        raise InputError(f"{folder} does not fit together: {type(error).__name__}: {error}") from error


class OnnxTagger:
    """A tagger that onnxruntime runs.

    Attributes:
        classes_: ``[n_tags]`` tags, in the type that the model was trained on.
        cutter_: cuts raw text into words as those of the training data.
    """

    def __init__(self, saved: ModelFolder, session: InferenceSession, subwords: _SubwordVectors | None) -> None:
        text = saved.config["settings"]["text"]
        self._saved, self._session, self._subwords = saved, session, subwords
        self._tokeniser, self._max_length = _tokeniser(text), text["max_length"]
        self._n_rows = saved.config["reader"]["spelling_rows"]
        self.classes_ = np.array(saved.config["classes"])
        self.cutter_ = WordCutter(tuple(saved.config["whole_words"]), text["tokens"] == "whitespace")

    def predict_proba(self, X: Iterable[Sequence[str]]) -> list[Array]:
        """Return for each sentence ``[n_words, n_tags]`` probabilities, in the order of `classes_`.

        Raises:
            InputError: a sentence is no list of words.
        """
        given = list(X)
        for number, words in enumerate(given):
            check_words(words, f"sentence {number}")
        cut = cut_sentences(given, self._tokeniser, max_length=self._max_length)
        numbering = self._saved.vocabulary if self._subwords is None else OpenVocabulary(self._saved.vocabulary)
        texts, starts, features = [], [], None
        if self._n_rows is None:
            texts = [numbering.encode(text.split(" ")).astype(np.int64) for text in cut.texts]
            bounds = np.cumsum([len(text) for text in texts])[:-1]
            starts = np.split(cut.starts, bounds)
        else:
            spellings = OpenSpellings(numbering, self._tokeniser)
            spelled_as = [spellings.encode(words) - len(self._saved.vocabulary) for words in cut.words]
            spelled = spellings.spelled(self._n_rows)
            texts = [spelled.words[each] for each in spelled_as]
            starts = [np.ones(len(text), np.bool_) for text in texts]
            rows = _padded(np.split(spelled.rows, spelled.offsets[1:-1]), self._n_rows)
            features = [rows[each] for each in spelled_as]
        further = numbering.further if isinstance(numbering, OpenVocabulary) else ()
        found: list[Array] = [np.empty((0, len(self.classes_)), np.float32)] * len(texts)
        for batch in _batches([len(text) for text in texts]):
            inputs: dict[str, NDArray[Any]] = {"ids": _padded([texts[each] for each in batch], PAD)}
            if features is not None:
                inputs["features"] = _padded([features[each] for each in batch], self._n_rows)
            if self._subwords is not None:
                inputs["further"] = self._subwords.of(further)
            for each, of_text in zip(batch, self._session.run(None, inputs)[0], strict=True):
                found[each] = of_text[: len(texts[each])][starts[each]]
        every = np.concatenate([np.empty((0, len(self.classes_)), np.float32), *found])
        return np.split(every, np.cumsum(cut.n_words)[:-1]) if given else []

    def predict(self, X: Iterable[Sequence[str]]) -> list[list[Any]]:
        """Return the most probable tags of each sentence, in the scheme of the training data if they mark spans."""
        rows = self.predict_proba(X)
        if not rows:
            return []
        n_words = np.array([len(each) for each in rows], dtype=np.int64)
        names = [str(each) for each in self.classes_.tolist()]
        best = best_tags(np.concatenate(rows), n_words, names, self._saved.config["scheme"])
        return [tags.tolist() for tags in np.split(self.classes_[best], np.cumsum(n_words)[:-1])]


class _TextNetwork:
    def __init__(self, session: InferenceSession, subwords: _SubwordVectors | None) -> None:
        self._session, self._subwords = session, subwords

    def probabilities(self, texts: ReadTexts) -> Array:
        rows: dict[int, Array] = {}
        of_further = {} if self._subwords is None else {"further": self._subwords.of(texts.further)}
        ids = np.split(texts.ids, texts.ends[1:-1])
        for batch in _batches([len(text) for text in ids]):
            found = self._session.run(None, {"ids": _padded([ids[each] for each in batch], PAD), **of_further})[0]
            rows |= dict(zip(batch, found, strict=True))
        return np.stack([rows[number] for number in range(len(ids))])


class _SubwordVectors:
    """Makes the vectors of words that the vocabulary lacks."""

    def __init__(self, saved: ModelFolder) -> None:
        self._table, buckets = saved.parameters[NGRAM_ROWS], saved.parameters[NGRAM_BUCKETS]
        self._n_words = len(saved.vocabulary)
        rows = SubwordRows(np.zeros(self._n_words + 1, np.int64), np.empty(0, np.int32), len(buckets))
        self._known = KnownSubwords(rows, buckets, SubwordSettings(**saved.config["reader"]["ngrams"]))

    def of(self, words: Sequence[str]) -> Array:
        """Return ``[n, vector_size]``, at least one row."""
        bags = self._known.bags_of(words)
        rows = np.where(bags.rows == UNK, 0, bags.rows - self._n_words + 1)
        vectors = WordBags(bags.offsets, rows, bags.scale).composed(self._table, np.arange(len(words)))
        return vectors.astype(np.float32) if len(words) else self._table[:1]


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield the numbers of texts of similar lengths, at most `TOKENS_AT_A_TIME` tokens together or one text."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[number] > TOKENS_AT_A_TIME:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def _padded(rows: Sequence[NDArray[Any]], value: int) -> NDArray[np.int64]:
    """Return rows of different lengths as one array."""
    longest = max(map(len, rows), default=0)
    filled = np.full((len(rows), longest, *rows[0].shape[1:]) if rows else (0, 0), value, dtype=np.int64)
    for into, row in zip(filled, rows, strict=True):
        into[: len(row)] = row
    return filled


def _session(path: Path) -> InferenceSession:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise MissingExtraError("running a model by onnxruntime", "onnx") from error
    try:
        return onnxruntime.InferenceSession(str(path), providers=onnxruntime.get_available_providers())
    except Exception as error:  # of its own kinds, which have no common class
        raise InputError(f"{path} cannot be read by onnxruntime: {error}") from error


def _check_free(place: Path, *, overwrite: bool) -> None:
    if place.is_file():
        raise InputError(f"{place} is a file: give the name of a folder")
    if place.is_dir() and any(place.iterdir()):
        check_own(place, FILES)
        if not overwrite:
            raise InputError(f"{place} holds an export already: choose another place, or --overwrite (overwrite=True)")


def _tokeniser(text: Mapping[str, Any]) -> Tokeniser:
    return Tokeniser(**{name: text[name] for name in ("lowercase", "remove_breaks", "tokens")})


def _described(saved: ModelFolder) -> dict[str, Any]:
    """Return what a reader must know, as plain values."""
    config, subwords = saved.config, subwords_of(saved)
    settings = config["settings"]
    by_character, ngrams = settings["text"]["tokens"] == "characters", None
    if subwords is not None:
        each = subwords.settings
        ngrams = {"min_n": each.min_n, "max_n": each.max_n, "bucket": each.bucket}
    spelling = saved.parameters.get("spelling.table")
    inputs = {"ids": ["batch", "length"]}
    inputs |= {} if spelling is None else {"features": ["batch", "length", "features"]}
    inputs |= {} if subwords is None else {"further": ["words", settings["embedding"]["vector_size"]]}
    ensemble = config.get("ensemble")
    return {
        "format": FORMAT,
        "written_by": f"mt2st {__version__}",
        **{name: config[name] for name in KEPT if name in config},
        "settings": {
            "text": settings["text"],
            "encoder": {"name": settings["encoder"]["name"]},
            "context": {"method": settings["context"]["method"]},
        },
        "reader": {
            "network": NETWORK,
            "inputs": inputs,
            "padding": PAD,
            "unknown": UNK,
            "token": f"[^{SPACES}]{{1,{LONGEST_TOKEN}}}" if settings["text"]["tokens"] == "whitespace" else TOKEN,
            "longest_run": LONGEST_RUN,
            "alone": f"[{UNSPACED.encode().decode('unicode_escape')}]\\p{{M}}*" if by_character else None,
            "ngrams": ngrams,
            "spelling_rows": None if spelling is None else len(spelling),
            "linear": None if ensemble is None else {"lengths": NGRAMS, "scale": SCALE, "least": LEAST},
        },
        "vocabulary": list(saved.vocabulary.tokens),
    }


def _arrays(saved: ModelFolder) -> dict[str, NDArray[Any]]:
    """Return what the network does not hold: linear classifiers, and n-grams for words that the vocabulary lacks."""
    arrays = {name: value for name, value in saved.parameters.items() if name.startswith(PREFIX)}
    subwords = subwords_of(saved)
    if subwords is not None:
        table = saved.parameters["embedding.weight"]
        unknown = subwords.bags.composed(table, np.array([UNK])).astype(np.float32)
        arrays[NGRAM_ROWS] = np.concatenate([unknown, table[subwords.rows.n_words :]])
        arrays[NGRAM_BUCKETS] = subwords.buckets
    return arrays
