"""What a few seeds tell: means with intervals, and paired differences, which cancel a seed's effect on all methods.

Every interval says of how many values it is. Fewer than three values have no interval: with two, Student's t makes it
so wide that it says nothing. Values that are all the same have none either: shares of a finite test part are equal by
chance now and then, which says nothing about how much they vary. For the same reasons a difference over fewer than
three seeds, or one that is the same with every seed, is never significant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy import stats

CONFIDENCE = 0.95
LEAST_SEEDS = 3
"""With fewer seeds, means have no interval and differences no p-value."""
EQUAL = 1e-9
"""Values no further apart than this are one value: rounding alone makes as much between equal shares of a test part."""


@dataclass(frozen=True)
class Interval:
    """A mean and the bounds of its confidence interval.

    Attributes:
        mean: of the values.
        low: lower bound; None with fewer than `LEAST_SEEDS` values, and where they are all the same.
        high: upper bound; likewise.
        n: number of values.
    """

    mean: float
    low: float | None
    high: float | None
    n: int

    @property
    def bounds(self) -> tuple[float, float]:
        """The bounds; the mean without them."""
        return self.mean if self.low is None else self.low, self.mean if self.high is None else self.high

    @property
    def half_width(self) -> float | None:
        """Half the distance of the bounds, None without them: what stands behind ±."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


def t_interval(values: Sequence[float]) -> Interval:
    """Return the mean of independent values, at least one, with Student's t interval, ``mean ± t * s / sqrt(n)``.

    Example:
        >>> t_interval([1.0, 2.0, 3.0])
        Interval(mean=2.0, low=-0.484..., high=4.484..., n=3)
        >>> t_interval([1.0, 2.0])
        Interval(mean=1.5, low=None, high=None, n=2)
        >>> t_interval([1.0, 1.0, 1.0])
        Interval(mean=1.0, low=None, high=None, n=3)
    """
    found = _with_bounds(values)
    return Interval(found.mean, None, None, found.n) if _all_the_same(values) else found


def geometric_interval(ratios: Sequence[float]) -> Interval:
    """Return the geometric mean of ratios with the t interval of their logarithms: twice and half weigh the same.

    Ratios (at least one, each above 0) that are all the same have their mean as both bounds: a method's to itself are
    exact.

    Example:
        >>> geometric_interval([0.5, 1.0, 2.0]).mean
        1.0
    """
    logarithms = _with_bounds([math.log(ratio) for ratio in ratios])
    low, high = (None if bound is None else math.exp(bound) for bound in (logarithms.low, logarithms.high))
    return Interval(math.exp(logarithms.mean), low, high, logarithms.n)


def t_test(values: Sequence[float]) -> float | None:
    """Return the two-sided p-value of Student's t test that the mean of independent values, at least one, is 0.

    Differences of pairs make it the paired t test. None with fewer than `LEAST_SEEDS` values, and where they are all
    the same, whatever they are.

    Example:
        >>> round(t_test([0.1, 0.2, 0.3]), 3), t_test([0.2, 0.2, 0.2]), t_test([0.1, 0.2])
        (0.074, None, None)
    """
    if len(values) < LEAST_SEEDS or _all_the_same(values):
        return None
    return float(stats.ttest_1samp(values, 0.0).pvalue)


@dataclass(frozen=True)
class Difference:
    """How much one method's values lie above another's, seed by seed.

    Attributes:
        interval: mean and t interval of the differences.
        p: p-value of the paired t test (`t_test`).
        better: how many differences are above 0.
    """

    interval: Interval
    p: float | None
    better: int

    @property
    def n(self) -> int:
        """The number of seeds that both have."""
        return self.interval.n


def paired_difference(values: Mapping[int, float], reference: Mapping[int, float]) -> Difference | None:
    """Return the difference of values to those of the same seeds in a reference; None without a seed in common.

    Example:
        >>> found = paired_difference({1: 0.8, 2: 0.9, 3: 0.9}, {1: 0.7, 2: 0.7, 3: 0.6, 4: 0.5})
        >>> round(found.interval.mean, 3), round(found.p, 3), found.better, found.n
        (0.2, 0.074, 3, 3)
    """
    differences = [values[seed] - reference[seed] for seed in sorted(values.keys() & reference.keys())]
    if not differences:
        return None
    return Difference(t_interval(differences), t_test(differences), sum(each > 0 for each in differences))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, by Holm's method: the chance of one false finding among all is kept.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _with_bounds(values: Sequence[float]) -> Interval:
    n, mean = len(values), math.fsum(values) / len(values)
    if n < LEAST_SEEDS:
        return Interval(mean, None, None, n)
    error = stats.sem(values) if min(values) < max(values) else 0.0  # rounding must not make a deviation of nothing
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * error)
    return Interval(mean, mean - reach, mean + reach, n)


def _all_the_same(values: Sequence[float]) -> bool:
    return max(values) - min(values) <= EQUAL
