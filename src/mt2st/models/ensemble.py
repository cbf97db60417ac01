"""The network and linear classifiers on n-grams, as one classifier.

Each has what the other lacks. The network knows from unlabelled text which words mean alike, and in what order they
stand; the linear classifiers know single words and phrases of the labelled texts exactly. How much each counts is
chosen on texts that neither was fitted on.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import DataWarning
from mt2st.models.ngram_classifier import NGRAMS, NgramClassifier, NgramFeatures, kinds_for
from mt2st.text import UNK, Tokeniser

if TYPE_CHECKING:
    from mt2st.models.folder import ModelFolder

EVEN = 1.0
"""Strength of the pull towards a scale of 1 and towards equal weights, in texts. It counts if there are a few dozen
texts to choose by, and keeps the scale finite if all of them are on the right side."""

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """Weights of several classifiers, chosen on texts that none was fitted on, for a product of their probabilities.

    The logarithm of the pooled probability is the weighted sum of the classifiers' scores (a logarithmic opinion pool;
    for many labels per text, the same for the odds of each). The weights do two things at once: they say how much each
    classifier counts, and how sure the whole may be, as a temperature does.

    Attributes:
        weights: ``[n_parts]``, 0 or above.
        independent: each class has a probability of its own; else those of a text sum to 1.

    Example:
        >>> sure, unsure = np.array([[2.0, -2.0], [-2.0, 2.0]]), np.array([[0.1, 0.0], [0.0, 0.1]])
        >>> Pool(np.array([1.0, 1.0])).probabilities([sure, unsure]).round(2)
        array([[0.98, 0.02],
               [0.02, 0.98]], dtype=float32)
    """

    weights: NDArray[np.float64]
    independent: bool = False

    @classmethod
    def fit(
        cls,
        parts: Sequence[Scores],
        targets: NDArray[Any],
        *,
        independent: bool = False,
        weights: NDArray[Any] | None = None,
        prior: float = EVEN,
    ) -> Self:
        """Choose the weights with the lowest log loss.

        First each part is brought to its best scale by itself; then the parts are weighed, from equal weights on.

        Args:
            parts: for each classifier ``[n_texts, n_classes]`` scores of texts that it was not fitted on.
            targets: ``[n_texts, n_classes]``, true where a text has a class.
            independent: as the attribute.
            weights: ``[n_texts]`` weights of the texts, 1 on average.
            prior: as `EVEN`.
        """
        problem = _Problem(targets.astype(np.float64), _weights(weights, len(targets)), independent)
        scales = np.array([problem.solved([part], 0.0, prior)[0] for part in parts])
        scaled = [scale * part for scale, part in zip(scales, parts, strict=True)]
        return cls(scales * problem.solved(scaled, -float(np.log(len(parts))), prior), independent)

    def probabilities(self, parts: Sequence[Scores]) -> NDArray[np.float32]:
        """Return ``[n_texts, n_classes]`` probabilities of texts with these scores."""
        return np.exp(_log_probabilities(self._pooled(parts), independent=self.independent)).astype(np.float32)

    def loss(self, parts: Sequence[Scores], targets: NDArray[Any], weights: NDArray[Any] | None = None) -> float:
        """Return the (weighted) mean log loss on texts with these scores."""
        of_texts = _weights(weights, len(targets))
        problem = _Problem(targets.astype(np.float64), of_texts, self.independent)
        return problem.loss_and_gradient(self._pooled(parts))[0] / max(1.0, float(of_texts.sum()))

    def _pooled(self, parts: Sequence[Scores]) -> Scores:
        return np.asarray(sum(weight * part for weight, part in zip(self.weights, parts, strict=True)))


@dataclass(frozen=True)
class _Problem:
    """The log loss of texts as a function of weights, which stay above 0 as exponentials."""

    targets: NDArray[np.float64]
    of_texts: NDArray[np.float64]
    independent: bool

    def solved(self, parts: Sequence[Scores], centre: float, strength: float) -> NDArray[np.float64]:
        """Return the best weights; their logarithms are pulled to a centre."""
        from scipy.optimize import minimize

        stacked = np.stack(parts)

        def objective(logarithms: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            weights = np.exp(logarithms)
            loss, of_scores = self.loss_and_gradient(np.tensordot(weights, stacked, 1))
            away = logarithms - centre
            gradient = weights * (stacked * of_scores).sum(axis=(1, 2)) + 2 * strength * away
            return loss + strength * float(away @ away), gradient

        start = np.full(len(parts), centre)
        found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=[(-12.0, 6.0)] * len(parts))
        return np.asarray(np.exp(found.x))

    def loss_and_gradient(self, scores: Scores) -> tuple[float, Scores]:
        """Return the summed log loss of scores, and its gradient with respect to them."""
        logarithms = _log_probabilities(scores, independent=self.independent)
        gradient = self.of_texts[:, np.newaxis] * (np.exp(logarithms) - self.targets)
        if not self.independent:
            return -float(self.of_texts @ (self.targets * logarithms).sum(axis=1)), gradient
        not_it = logarithms - scores  # the logarithm of 1 - p
        return -float(self.of_texts @ (self.targets * logarithms + (1 - self.targets) * not_it).sum(axis=1)), gradient


def _weights(weights: NDArray[Any] | None, count: int) -> NDArray[np.float64]:
    return np.ones(count) if weights is None else np.asarray(weights, dtype=np.float64)


def _log_probabilities(scores: Scores, *, independent: bool) -> Scores:
    if independent:
        return -np.logaddexp(0.0, -scores)
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


STRENGTHS = (0.1, 0.3, 1.0, 3.0)
"""Inverse strengths of the linear classifiers' regularisation that are tried."""
PRIOR = 10.0
"""Strength of the pull towards equal weights. One part of the data chooses the epoch, the regularisation and the
weights; with 150 texts it may favour one classifier by chance (docs/explanation/defaults.md)."""
MOST_WORK = 2e8
"""Entries of the n-grams' matrix times classes, up to which all of them are tried: some minutes. Else it is 1."""
LEAST = 1e-9
"""Least probability of the network that is told apart from 0."""


@dataclass(frozen=True)
class Examples:
    """Labelled texts.

    Attributes:
        texts: n texts.
        targets: ``[n, n_classes]``, true where a text has a class.
        weights: ``[n]`` weights of the texts, 1 on average; None weighs all alike.
    """

    texts: Sequence[str]
    targets: NDArray[np.bool_]
    weights: NDArray[np.float32] | None = None

    @property
    def shares(self) -> NDArray[np.float32]:
        """``[n_classes]`` (weighted) shares of the texts that have each class."""
        weights = None if self.weights is None else self.weights.astype(np.float64)
        return np.asarray(np.average(self.targets, axis=0, weights=weights), dtype=np.float32)


@dataclass(frozen=True)
class Partner:
    """A linear classifier with the best of `STRENGTHS`.

    Attributes:
        classifier: fitted.
        strength: inverse strength of its regularisation.
        scores: of the texts held out, by which the strength was chosen.
    """

    classifier: NgramClassifier
    strength: float
    scores: Scores

    @classmethod
    def fitted(cls, train: Examples, held_out: Examples, *, independent: bool, tokeniser: Tokeniser) -> list[Self]:
        """Return one for each kind of n-grams that suits the texts; ``tokeniser`` gives their words."""
        features = [NgramFeatures.of(kind, tokeniser, train.texts) for kind in kinds_for(train.texts)]
        return [cls(*_best(each, train, held_out, independent=independent)) for each in features]


@dataclass(frozen=True)
class Ensemble:
    """A network's linear partners, and how much each of them counts.

    Attributes:
        members: the linear classifiers.
        strengths: the inverse strength of the regularisation of each.
        pool: the weights of the network, first, and of the members.
    """

    members: tuple[NgramClassifier, ...]
    strengths: tuple[float, ...]
    pool: Pool

    @classmethod
    def choose(
        cls, partners: Sequence[Partner], held_out: Examples, network: NDArray[Any], *, independent: bool
    ) -> Self:
        """Choose which linear classifiers to keep, and how much each counts.

        Args:
            partners: the linear classifiers.
            held_out: texts that neither they nor the network were trained on.
            network: ``[n_held_out, n_classes]``: its probabilities of them.
            independent: each class has a probability of its own; else those of a text sum to 1.
        """
        parts = [scores_of(network, independent=independent), *(each.scores for each in partners)]
        kept = _worth_keeping(parts, held_out, independent=independent)
        members = [partners[each - 1] for each in kept if each]
        pool = _pool([parts[each] for each in kept], held_out, independent=independent)
        return cls(tuple(each.classifier for each in members), tuple(each.strength for each in members), pool)

    def refitted(self, examples: Examples, tokeniser: Tokeniser) -> Self:
        """Return the ensemble with linear classifiers fitted on other texts, in the way that was chosen."""
        members = []
        for member, strength in zip(self.members, self.strengths, strict=True):
            features = NgramFeatures.of(member.kind, tokeniser, examples.texts)
            independent = self.pool.independent
            members.append(features.fit(examples.targets, strength, weights=examples.weights, independent=independent))
        return replace(self, members=tuple(members))

    def probabilities(self, network: NDArray[Any], texts: Sequence[str]) -> NDArray[np.float32]:
        """Return ``[n_texts, n_classes]`` probabilities of texts of which the network has these."""
        if not len(texts):
            return np.asarray(network, dtype=np.float32)
        first = scores_of(network, independent=self.pool.independent)
        return self.pool.probabilities([first, *(each.scores(texts) for each in self.members)])

    def described(self) -> str:
        """Return what counts how much, for a person."""
        names = ["network", *(f"n-grams of {each.kind}" for each in self.members)]
        return ", ".join(f"{name} {weight:.2f}" for name, weight in zip(names, self.pool.weights, strict=True))

    def config(self) -> dict[str, Any]:
        """Return plain values for a model's configuration."""
        return {
            "members": [each.kind for each in self.members],
            "strengths": list(self.strengths),
            "weights": self.pool.weights.tolist(),
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of a model folder."""
        return {f"{PREFIX}{each.kind}.{name}": value for each in self.members for name, value in each.arrays().items()}

    @classmethod
    def of_folder(cls, saved: ModelFolder, independent: bool, tokeniser: Tokeniser) -> Self | None:
        """Return the ensemble of a saved model; None if it is a network alone.

        Raises:
            KeyError, ValueError: a part is missing, or the parts do not fit together.
        """
        config, arrays = saved.config.get("ensemble"), saved.parameters
        if config is None:
            return None
        members = []
        for kind in config["members"]:
            start = f"{PREFIX}{kind}."
            own = {name.removeprefix(start): value for name, value in arrays.items() if name.startswith(start)}
            if kind not in NGRAMS:
                raise ValueError(f"there are no n-grams of {kind!r}")
            members.append(NgramClassifier.restored(kind, tokeniser, own))
        weights = np.array(config["weights"], dtype=np.float64)
        if len(weights) != len(members) + 1:
            raise ValueError(f"{len(weights)} weights for a network and {len(members)} linear classifiers")
        return cls(tuple(members), tuple(config["strengths"]), Pool(weights, independent))


def told_by_words(
    network: NDArray[Any],
    known: NDArray[np.bool_],
    ensemble: Ensemble | None,
    prior: NDArray[np.float32],
    texts: Sequence[str],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return a model's probabilities of texts, and whether it knows a word or an n-gram of each.

    What a network makes of a text without a known word is the same for all of them, and often certain. The shares of
    the classes in the training data take its place.

    Args:
        network: ``[n_texts, n_classes]`` probabilities.
        known: ``[n_texts]``: whether the network knows a word.
        ensemble: its partners, if it has any.
        prior: ``[n_classes]`` shares.
        texts: the texts.
    """
    found = np.where(known[:, np.newaxis], network, prior).astype(np.float32)
    if ensemble is None:
        return found, known
    found, known = ensemble.probabilities(found, texts), known.copy()
    if blind := np.flatnonzero(~known).tolist():
        seen = [each.knows([texts[number] for number in blind]) for each in ensemble.members]
        known[blind] = np.any(seen, axis=0) if seen else False
        found[~known] = prior
    return found, known


def have_known_words(ids: NDArray[Any], offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return ``[n_texts]``: whether a text has a token that is not the unknown word.

    Example:
        >>> have_known_words(np.array([2, UNK, UNK]), np.array([0, 2, 3, 3]))
        array([ True, False, False])
    """
    before = np.concatenate([[0], np.cumsum(ids != UNK)])
    return np.asarray(before[offsets[1:]] > before[offsets[:-1]])


def warn_of_unknown(known: NDArray[np.bool_]) -> None:
    """Warn of texts of which a model knows nothing."""
    if n := int((~known).sum()):
        warnings.warn(without_known_words(n, len(known)), DataWarning, stacklevel=4)


def without_known_words(n: int, total: int) -> str:
    """Return a message that counts the texts without a word that a model knows.

    Example:
        >>> without_known_words(1, 1_000)
        '1 of 1,000 texts has no word that the model knows: its probabilities are the shares of the training labels'
    """
    have, their = ("has", "its") if n == 1 else ("have", "their")
    return (
        f"{n:,} of {total:,} text{'s' * (total != 1)} {have} no word that the model knows: {their} probabilities are "
        "the shares of the training labels"
    )


PREFIX = "linear."
"""Of the arrays' names in a model folder."""


def scores_of(probabilities: NDArray[Any], *, independent: bool) -> Scores:
    """Return the logarithms of probabilities, or of their odds where each class has one of its own."""
    clipped = np.clip(np.asarray(probabilities, dtype=np.float64), LEAST, 1 - LEAST if independent else 1.0)
    return np.log(clipped) - (np.log1p(-clipped) if independent else 0.0)


def _best(
    features: NgramFeatures, train: Examples, held_out: Examples, *, independent: bool
) -> tuple[NgramClassifier, float, Scores]:
    """Return the classifier with the best strength, the strength, and its scores of the texts held out."""
    best, least = None, np.inf
    further = features.vectoriser.transform(held_out.texts)
    for strength in STRENGTHS if features.work(train.targets) <= MOST_WORK else STRENGTHS[-2:-1]:
        classifier = features.fit(train.targets, strength, weights=train.weights, independent=independent)
        scores = classifier.scores_of(further)
        loss = _pool([scores], held_out, independent=independent).loss([scores], held_out.targets, held_out.weights)
        if best is None or loss < least:
            best, least = (classifier, strength, scores), loss
    assert best is not None
    return best


def _pool(parts: Sequence[Scores], held_out: Examples, *, independent: bool) -> Pool:
    return Pool.fit(parts, held_out.targets, independent=independent, weights=held_out.weights, prior=PRIOR)


def _worth_keeping(parts: Sequence[Scores], held_out: Examples, *, independent: bool) -> list[int]:
    """Return which parts to keep; the network, the first, always stays."""
    kept = list(range(len(parts)))

    def loss(chosen: Sequence[int]) -> float:
        scores = [parts[each] for each in chosen]
        return _pool(scores, held_out, independent=independent).loss(scores, held_out.targets, held_out.weights)

    for number in reversed(range(1, len(parts))):
        fewer = [each for each in kept if each != number]
        if loss(fewer) <= loss(kept):
            kept = fewer
    return kept
