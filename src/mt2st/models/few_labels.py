"""Training from few labels: word vectors of all text first, then all that the labels teach, in closed form.

A few dozen labelled texts do not train a network: their gradient writes over what the unlabelled text has taught, and
a fifth of them is too little to choose by. So nothing is learned by gradient descent here but the word vectors. A
logistic regression on the mean of a text's vectors, and linear classifiers on its n-grams, are fitted to convergence.
How much each counts is chosen by cross-validation, and all of them learn from all labels.

Then the classifier labels the unlabelled texts itself and learns from those that it is certain of (self-training,
Yarowsky 1995), with the classes in the shares that the labels have, if that lowers the loss in cross-validation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mt2st.models.ensemble import Ensemble, Examples, Pool, Scores
from mt2st.models.ngram_classifier import NgramClassifier, NgramFeatures, kinds_for
from mt2st.network import Network
from mt2st.network.network import SMALLEST_VARIANCE, Standardise
from mt2st.strategy import PRIMARY_TASK
from mt2st.text import Tokeniser

FOLDS, LEAST_OUT_OF_FOLD = 5, 300
"""Parts of the cross-validation, which is repeated until so many texts have been predicted."""
VECTOR_STRENGTH, NGRAM_STRENGTH = 0.03, 1.0
"""Inverse strengths of the regularisation (scikit-learn's ``C``): too few texts to choose them by."""
CERTAIN = 0.9
"""Probability from which a prediction is taken for a label."""
ROUNDS = 3
"""How often the unlabelled texts are labelled."""
COMPARED = 2
"""Repeats of the cross-validation in which labels of its own are tried: they take time."""
MOST_OWN_LABELS = 5.0
"""Most weight of all own labels together, as a multiple of that of all given ones."""
NEVER = -20.0
"""Score of a class that no text has."""


@dataclass(frozen=True)
class FewLabels:
    """What was learned.

    Attributes:
        ensemble: linear classifiers on n-grams, and their weights and that of the network.
        out_of_fold: ``[n_labelled, n_classes]``: probabilities of each text from classifiers that had not seen it.
        own_labels: how many unlabelled texts were learned from.
    """

    ensemble: Ensemble
    out_of_fold: NDArray[np.float32]
    own_labels: int


def learn(
    network: Network,
    labelled: Examples,
    unlabelled: Sequence[str],
    vectors: NDArray[np.float32],
    *,
    tokeniser: Tokeniser,
    seed: int,
) -> FewLabels:
    """Fit the head of a network whose word vectors are trained, and its linear partners.

    Args:
        network: gets a head, and the mean and variance of its features.
        labelled: n texts with one class each.
        unlabelled: m other texts.
        vectors: ``[n + m, pooled_size]``: the vectors of all texts as the network makes them.
        tokeniser: gives the words of n-grams.
        seed: decides the parts of the cross-validation.
    """
    mean, variance = vectors.mean(axis=0), vectors.var(axis=0)
    texts = [*labelled.texts, *unlabelled]
    ngrams = [NgramFeatures.of(kind, tokeniser, texts) for kind in kinds_for(texts)]
    data = _Data(labelled.targets, labelled.weights, (vectors - mean) / np.sqrt(variance + SMALLEST_VARIANCE), ngrams)
    folds = _folds(labelled, seed)
    scores = data.held_out_scores(folds, None)
    pool, _, out_of_fold = data.pooled(folds, scores)
    learned, own = data.fitted(data.labelled), 0
    if len(unlabelled):
        # Labels of its own make a classifier surer than it should be, so the weights are fitted again.
        some = folds[: COMPARED * FOLDS]
        _, loss, _ = data.pooled(some, scores[: len(some)])
        again, loss_again, out_of_fold_again = data.pooled(some, data.held_out_scores(some, pool))
        if loss_again < loss:
            learned, own = data.self_trained(learned, pool)
            pool, out_of_fold = again, out_of_fold_again
    _install(network, learned, mean, variance)
    ensemble = Ensemble(tuple(learned.members), (NGRAM_STRENGTH,) * len(learned.members), pool)
    return FewLabels(ensemble, out_of_fold, own)


@dataclass(frozen=True)
class _Learned:
    """A logistic regression on vectors, and linear classifiers on n-grams."""

    weights: NDArray[np.float64]
    biases: NDArray[np.float64]
    members: list[NgramClassifier]


@dataclass(frozen=True)
class _Data:
    """Labelled texts, then unlabelled ones.

    Attributes:
        targets: ``[n_labelled, n_classes]``.
        weights: ``[n_labelled]``, or None.
        vectors: ``[n_texts, size]``, standardised.
        ngrams: features of all texts.
    """

    targets: NDArray[np.bool_]
    weights: NDArray[np.float32] | None
    vectors: NDArray[np.float32]
    ngrams: Sequence[NgramFeatures]

    @property
    def labelled(self) -> NDArray[np.int64]:
        """Numbers of the labelled texts."""
        return np.arange(len(self.targets))

    @property
    def of_texts(self) -> NDArray[np.float64]:
        """``[n_labelled]`` weights."""
        return np.ones(len(self.targets)) if self.weights is None else self.weights.astype(np.float64)

    def fitted(
        self,
        rows: NDArray[np.int64],
        own_rows: NDArray[np.int64] | None = None,
        own_targets: NDArray[np.bool_] | None = None,
    ) -> _Learned:
        """Fit on labelled texts, and on unlabelled ones with labels of its own. Texts of weight 0 are left out."""
        rows = rows[self.of_texts[rows] > 0]
        targets, weights = self.targets[rows], self.of_texts[rows]
        if own_rows is not None and own_targets is not None:
            own = np.full(len(own_rows), min(1.0, MOST_OWN_LABELS * weights.sum() / len(own_rows)))
            weights, targets = np.concatenate([weights, own]), np.concatenate([targets, own_targets])
            rows = np.concatenate([rows, own_rows])
        members = [each.fit(targets, NGRAM_STRENGTH, rows=rows, weights=weights) for each in self.ngrams]
        return _Learned(*_regression(self.vectors[rows], targets, weights), members)

    def scores(self, learned: _Learned, rows: NDArray[np.int64]) -> list[Scores]:
        """Return the scores of texts by each classifier."""
        of_vectors = self.vectors[rows] @ learned.weights.T + learned.biases
        of_vectors = of_vectors - np.logaddexp.reduce(of_vectors, axis=1, keepdims=True)
        pairs = zip(learned.members, self.ngrams, strict=True)
        return [of_vectors, *(member.scores_of(each.features[rows]) for member, each in pairs)]

    def self_trained(
        self, learned: _Learned, pool: Pool, rows: NDArray[np.int64] | None = None
    ) -> tuple[_Learned, int]:
        """Learn from unlabelled texts too, where the classifier is certain of their labels; return how many."""
        rows = self.labelled if rows is None else rows
        unlabelled, own = np.arange(len(self.targets), len(self.vectors)), 0
        for _ in range(ROUNDS):
            guessed = pool.probabilities(self.scores(learned, unlabelled))
            certain = _certain(guessed, self.of_texts[rows] @ self.targets[rows])
            if not len(certain):
                break
            classes = guessed[certain].argmax(axis=1)[:, np.newaxis] == np.arange(guessed.shape[1])
            learned, own = self.fitted(rows, unlabelled[certain], classes), len(certain)
        return learned, own

    def held_out_scores(self, folds: Sequence[Fold], pool: Pool | None) -> list[list[Scores]]:
        """Return for each fold the scores of its texts by each classifier.

        Args:
            folds: rows to learn from, and rows held out.
            pool: the weights for self-training; None for none.
        """
        scores = []
        for train, rows in folds:
            learned = self.fitted(train)
            if pool is not None:
                learned, _ = self.self_trained(learned, pool, train)
            scores.append(self.scores(learned, rows))
        return scores

    def pooled(
        self, folds: Sequence[Fold], scores: Sequence[Sequence[Scores]]
    ) -> tuple[Pool, float, NDArray[np.float32]]:
        """Return the best weights of the classifiers, their loss, and ``[n_labelled, n_classes]`` probabilities.

        A text whose class had no other text says nothing of the classifiers: none could know the class.
        """
        held_out = np.concatenate([each for _, each in folds])
        parts, targets = [np.concatenate(each) for each in zip(*scores, strict=True)], self.targets[held_out]
        known = [
            self.targets[rows] @ self.targets[train][self.of_texts[train] > 0].any(axis=0) for train, rows in folds
        ]
        weights = self.of_texts[held_out] * np.concatenate(known)
        found = Pool.fit(parts, targets, weights=weights * len(self.targets) / len(held_out))
        mean = np.zeros(self.targets.shape, dtype=np.float32)
        np.add.at(mean, held_out, found.probabilities(parts))
        return found, found.loss(parts, targets, weights), mean / mean.sum(axis=1, keepdims=True)


def _certain(guessed: NDArray[np.float32], labels: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the numbers of the texts whose guessed class is certain, with the classes in their shares of the labels.

    Without this one class takes over: what it has learned from its own labels makes it more certain, round by round.
    ``labels`` has the number of each class; one with a single label, whose share says little, sets no bound to others.
    """
    found = guessed.argmax(axis=1)
    of_class = [np.flatnonzero((found == each) & (guessed[:, each] > CERTAIN)) for each in range(len(labels))]
    bounds = [len(rows) / count for rows, count in zip(of_class, labels, strict=True) if count > 1]
    most = min(bounds, default=0.0)
    ranked = [rows[np.argsort(-guessed[rows, each], kind="stable")] for each, rows in enumerate(of_class)]
    return np.sort(np.concatenate([rows[: round(most * count)] for rows, count in zip(ranked, labels, strict=True)]))


Fold = tuple[NDArray[np.int64], NDArray[np.int64]]


def _folds(labelled: Examples, seed: int) -> list[Fold]:
    """Return the parts of a repeated cross-validation, stratified: rows to learn from, and rows held out.

    Copies of a text are in one part: a classifier that knows one of them knows the others.
    """
    _, first, copy_of = np.unique(np.array(labelled.texts, dtype=object), return_index=True, return_inverse=True)
    rng, classes = np.random.default_rng(seed), labelled.targets.argmax(axis=1)[first]
    parts = min(FOLDS, len(classes))
    found = []
    for _ in range(-(-LEAST_OUT_OF_FOLD // len(labelled.texts))):
        order = rng.permutation(len(classes))
        order = order[np.argsort(classes[order], kind="stable")]  # one class after the other, dealt in turn
        for part in range(parts):
            held_out = np.isin(copy_of, order[part::parts])
            found.append((np.flatnonzero(~held_out), np.flatnonzero(held_out)))
    return found


def _regression(
    vectors: NDArray[np.float32], targets: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``[n_classes, size]`` weights and ``[n_classes]`` biases of a logistic regression."""
    from sklearn.linear_model import LogisticRegression

    classes, n_classes = targets.argmax(axis=1), targets.shape[1]
    matrix, biases = np.zeros((n_classes, vectors.shape[1])), np.full(n_classes, NEVER)
    if len(present := np.unique(classes)) < 2:
        biases[present] = 0.0
        return matrix, biases
    solver = LogisticRegression(C=VECTOR_STRENGTH, max_iter=1000).fit(vectors, classes, sample_weight=weights)
    if len(present) == 2:  # scikit-learn has one's scores
        matrix[present] = np.concatenate([-solver.coef_, solver.coef_]) / 2
        biases[present] = np.concatenate([-solver.intercept_, solver.intercept_]) / 2
    else:
        matrix[present], biases[present] = solver.coef_, solver.intercept_
    return matrix, biases


@torch.no_grad()
def _install(network: Network, learned: _Learned, mean: NDArray[np.float32], variance: NDArray[np.float32]) -> None:
    """Make what was learned on vectors the network's head."""
    head = network.heads[PRIMARY_TASK]
    assert isinstance(head, nn.Linear)
    assert isinstance(network.standardise, Standardise)
    network.standardise.settle(torch.from_numpy(mean), torch.from_numpy(variance))
    head.weight.copy_(torch.from_numpy(learned.weights))
    head.bias.copy_(torch.from_numpy(learned.biases))
