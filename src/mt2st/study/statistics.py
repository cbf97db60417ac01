"""What a few seeds tell: means with intervals, and paired differences, which cancel a seed's effect on all methods.

Every interval says of how many values it is. Fewer than three values have no interval: with two, Student's t makes it
so wide that it says nothing. Values that are all the same have none either: shares of a finite test part are equal by
chance now and then, which says nothing about how much they vary. For the same reasons a difference over fewer than
three seeds, or one that is the same with every seed, is never significant.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 9999
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
    def half_width(self) -> float | None:
        """Half the distance of the bounds, None without them: what stands behind ±."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


def t_interval(values: Sequence[float], *, confidence: float = CONFIDENCE) -> Interval:
    """Return the mean of independent values with Student's t interval, ``mean ± t * s / sqrt(n)``.

    Args:
        values: at least one.
        confidence: in (0, 1).

    Example:
        >>> t_interval([1.0, 2.0, 3.0])
        Interval(mean=2.0, low=-0.484..., high=4.484..., n=3)
        >>> t_interval([1.0, 2.0])
        Interval(mean=1.5, low=None, high=None, n=2)
        >>> t_interval([1.0, 1.0, 1.0])
        Interval(mean=1.0, low=None, high=None, n=3)
    """
    found = _with_bounds(values, confidence)
    return Interval(found.mean, None, None, found.n) if _all_the_same(values) else found


def geometric_interval(ratios: Sequence[float]) -> Interval:
    """Return the geometric mean of ratios with the t interval of their logarithms: twice and half weigh the same.

    Ratios that are all the same have their mean as both bounds, so that those of a method to itself are told as exact.

    Args:
        ratios: at least one, each above 0.

    Example:
        >>> geometric_interval([0.5, 1.0, 2.0]).mean
        1.0
    """
    logarithms = _with_bounds([math.log(ratio) for ratio in ratios], CONFIDENCE)
    low, high = (None if bound is None else _exp(bound) for bound in (logarithms.low, logarithms.high))
    return Interval(math.exp(logarithms.mean), low, high, logarithms.n)


def t_test(values: Sequence[float]) -> float | None:
    """Return the two-sided p-value of Student's t test that the mean of independent values is 0.

    Args:
        values: at least one; differences of pairs make it the paired t test.

    Returns:
        None with fewer than `LEAST_SEEDS` values, and where they are all the same, whatever they are.

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
        interval: mean and t interval of the differences; without bounds where they are all the same.
        bootstrap: interval of their mean by resampling the seeds (BCa), which assumes no normal distribution but is too
            narrow for few seeds; None with fewer than `LEAST_SEEDS` seeds, and where the differences are all the same.
        p: two-sided p-value of the paired t test; None with fewer than `LEAST_SEEDS` seeds, and where the differences
            are all the same, whatever they are.
        better: how many differences are above 0.
    """

    interval: Interval
    bootstrap: tuple[float, float] | None
    p: float | None
    better: int

    @property
    def n(self) -> int:
        """The number of seeds that both have."""
        return self.interval.n


def paired_difference(values: Mapping[int, float], reference: Mapping[int, float]) -> Difference | None:
    """Return the difference of values to those of the same seeds in a reference; None without a seed in common.

    Args:
        values: by seed.
        reference: by seed.

    Example:
        >>> found = paired_difference({1: 0.8, 2: 0.9, 3: 0.9}, {1: 0.7, 2: 0.7, 3: 0.6, 4: 0.5})
        >>> round(found.interval.mean, 3), round(found.p, 3), found.better, found.n
        (0.2, 0.074, 3, 3)
    """
    differences = [values[seed] - reference[seed] for seed in sorted(values.keys() & reference.keys())]
    if not differences:
        return None
    interval = t_interval(differences)
    no_bounds = len(differences) < LEAST_SEEDS or _all_the_same(differences)
    bounds = None if no_bounds else _bootstrap(differences)
    return Difference(interval, bounds, t_test(differences), sum(each > 0 for each in differences))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, by Holm's method: the chance of one false finding among all is kept.

    Args:
        p_values: each in [0, 1].

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


def _with_bounds(values: Sequence[float], confidence: float) -> Interval:
    n, mean = len(values), math.fsum(values) / len(values)
    if n < LEAST_SEEDS:
        return Interval(mean, None, None, n)
    reach = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * _standard_error(values, mean)
    return Interval(mean, mean - reach, mean + reach, n)


def _all_the_same(values: Sequence[float]) -> bool:
    return max(values) - min(values) <= EQUAL


def _standard_error(values: Sequence[float], mean: float) -> float:
    n = len(values)
    if min(values) == max(values):  # rounding must not make a deviation of nothing
        return 0.0
    return math.sqrt(math.fsum((each - mean) ** 2 for each in values) / (n - 1) / n)


def _bootstrap(values: Sequence[float]) -> tuple[float, float]:
    bounds = (math.nan, math.nan)
    for method in ("BCa", "percentile"):  # the first one cannot be had of some few values
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = stats.bootstrap(
                (np.asarray(values),),
                np.mean,
                confidence_level=CONFIDENCE,
                n_resamples=RESAMPLES,
                method=method,
                rng=np.random.default_rng(0),
            ).confidence_interval
        bounds = (float(found.low), float(found.high))
        if all(map(math.isfinite, bounds)):
            break
    return bounds


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf
