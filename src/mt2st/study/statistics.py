"""What a few seeds tell, and how it is written: means with intervals, and paired differences.

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
SIGNIFICANT = 0.05
"""Below this p-value, adjusted for the number of comparisons in its setting, a difference is significant."""
UNKNOWN = "-"
"""Stands where there is no value."""


@dataclass(frozen=True)
class Interval:
    """The mean of ``n`` values and the bounds of its confidence interval.

    There are no bounds with fewer than `LEAST_SEEDS` values, nor where they are all the same.
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

    ``interval`` and ``p`` are those of the differences (`t_interval`, `t_test`); ``better`` of them are above 0.
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


def percent(interval: Interval) -> str:
    """Return a mean and half of its interval, as a share of 100.

    Example:
        >>> percent(Interval(0.8, 0.75, 0.85, 3)), percent(Interval(0.8, None, None, 1))
        ('80.0 ± 5.0 %', '80.0 %')
    """
    return f"{100 * interval.mean:.1f}{_half(interval)} %"


def points(interval: Interval) -> str:
    """Return a difference in points of 100 and half of its interval.

    Example:
        >>> points(Interval(0.058, 0.05, 0.066, 4)), points(Interval(-0.0001, None, None, 1))
        ('+5.8 ± 0.8', '0.0')
    """
    return f"{signed(interval.mean)}{_half(interval)}"


def _half(interval: Interval) -> str:
    return "" if interval.half_width is None else f" ± {100 * interval.half_width:.1f}"


def signed(difference: float) -> str:
    """Return a difference in points of 100; where nothing is left of it but 0, without a sign, which would say more.

    Example:
        >>> signed(0.058), signed(-0.0006), signed(-0.0004), signed(0.0004)
        ('+5.8', '-0.1', '0.0', '0.0')
    """
    text = f"{100 * difference:+.1f}"
    return text if float(text) else text[1:]


def ratio_text(interval: Interval) -> str:
    """Return a ratio with its interval.

    Example:
        >>> ratio_text(Interval(0.53, 0.48, 0.58, 3)), ratio_text(Interval(0.5, None, None, 1))
        ('0.53 [0.48, 0.58]', '0.50')
    """
    bounds = "" if interval.low is None or interval.high is None else f" [{interval.low:.2f}, {interval.high:.2f}]"
    return f"{interval.mean:.2f}{bounds}"


def p_value(p: float) -> str:
    """Return a p-value for reading.

    Example:
        >>> p_value(0.2), p_value(0.012), p_value(0.00001), p_value(0.0499)
        ('p = 0.20', 'p = 0.012', 'p < 0.001', 'p = 0.0499')
    """
    if p < 0.001:
        return "p < 0.001"
    if p >= 0.1:
        return f"p = {p:.2f}"
    text = f"{p:.3f}"
    return f"p = {text}" if (float(text) < SIGNIFICANT) == (p < SIGNIFICANT) else f"p = {p:.4f}"


def counted(n: int, what: str = "seed") -> str:
    """Return a number of things.

    Example:
        >>> counted(1), counted(2, "epoch")
        ('1 seed', '2 epochs')
    """
    return f"{n} {what}{'' if n == 1 else 's'}"
