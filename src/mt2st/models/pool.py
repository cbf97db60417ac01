"""A weighted product of several classifiers' probabilities, its weights chosen on texts that none was fitted on.

The logarithm of the pooled probability is the weighted sum of the classifiers' scores (a logarithmic opinion pool; for
many labels per text, the same for the odds of each). The weights do two things at once: they say how much each
classifier counts, and how sure the whole may be, as a temperature does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

PRIOR = 1.0
"""Strength of the pull towards a scale of 1 and towards equal weights, in texts. It counts if there are a few dozen
texts to choose by, and keeps the scale finite if all of them are on the right side."""

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """Weights of several classifiers.

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
        prior: float = PRIOR,
    ) -> Self:
        """Choose the weights with the lowest log loss.

        First each part is brought to its best scale by itself; then the parts are weighed, from equal weights on.

        Args:
            parts: for each classifier ``[n_texts, n_classes]`` scores of texts that it was not fitted on.
            targets: ``[n_texts, n_classes]``, true where a text has a class.
            independent: as the attribute.
            weights: ``[n_texts]`` weights of the texts, 1 on average.
            prior: as `PRIOR`.
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
