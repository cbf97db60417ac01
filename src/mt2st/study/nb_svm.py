"""NB-SVM: a linear classifier on words weighted by their naive Bayes log-count ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SMOOTHING = 1.0
"""Added to every feature's count, the authors' alpha."""


class NBSVM:
    r"""The classifier of Wang and Manning, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification".

    (ACL 2012.) With :math:`p` and :math:`q` the counts of the features in the texts of a class and of all others, each
    plus 1, the log-count ratio is

    .. math:: r = \log \frac{p / \lVert p \rVert_1}{q / \lVert q \rVert_1}

    A linear machine with weights :math:`w` and bias :math:`b` is fitted on the features times :math:`r`, and used with
    the weights :math:`(1 - \beta) \bar w + \beta w`, where :math:`\bar w` is the mean magnitude of :math:`w`: between
    naive Bayes and the machine alone. As in the paper, the machine is an L2-loss support vector machine. More than two
    classes are told apart one against the rest.

    Args:
        C: inverse strength of the L2 penalty, above 0.
        beta: share of the learned weights, in (0, 1]; at 1 the machine alone.

    Raises:
        InputError: when a parameter is out of its range.

    Example:
        >>> from scipy.sparse import csr_matrix
        >>> words = csr_matrix(np.array([[1, 0, 1], [1, 0, 0], [0, 1, 1], [0, 1, 0]]))
        >>> NBSVM().fit(words, np.array([0, 0, 1, 1])).predict(words).tolist()
        [0, 0, 1, 1]
    """

    def __init__(self, *, C: float = 1.0, beta: float = 0.25) -> None:
        if not (np.isfinite(C) and C > 0):
            raise InputError(f"C must be a finite number above 0, found {C!r}")
        if not 0 < beta <= 1:
            raise InputError(f"beta must be above 0 and at most 1, found {beta!r}")
        self.C, self.beta = C, beta
        self._weights: NDArray[np.float64] = np.empty((0, 0))
        self._biases: NDArray[np.float64] = np.empty(0)

    def fit(self, features: csr_matrix, labels: NDArray[np.int64]) -> Self:
        """Fit on ``[n, features]`` presences (0 or 1) of features and ``[n]`` class numbers from 0, each occurring."""
        from sklearn.svm import LinearSVC

        n_classes = int(labels.max()) + 1
        machines = [1] if n_classes == 2 else range(n_classes)
        rows: list[tuple[Any, float]] = []
        for each in machines:
            belongs = labels == each
            ratio = log_count_ratio(features, belongs)
            machine = LinearSVC(C=self.C, random_state=0, max_iter=10_000).fit(features.multiply(ratio), belongs)
            weights, bias = machine.coef_[0], float(machine.intercept_[0])
            blended = (1 - self.beta) * np.abs(weights).mean() + self.beta * weights
            rows.append((ratio * blended, bias))
        self._weights = np.stack([weights for weights, _ in rows])
        self._biases = np.array([bias for _, bias in rows])
        return self

    def predict(self, features: csr_matrix) -> NDArray[np.int64]:
        """Return ``[n]`` class numbers of ``[n, features]`` presences."""
        scores = features @ self._weights.T + self._biases
        predicted = scores[:, 0] > 0 if scores.shape[1] == 1 else scores.argmax(axis=1)
        return np.asarray(predicted, dtype=np.int64)


def log_count_ratio(features: csr_matrix, belongs: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the log-count ratio ``[features]`` of the rows that belong to a class and those that do not."""
    p, q = (SMOOTHING + np.asarray(features[rows].sum(axis=0)).ravel() for rows in (belongs, ~belongs))
    return np.asarray(np.log(p / p.sum()) - np.log(q / q.sum()), dtype=np.float64)
