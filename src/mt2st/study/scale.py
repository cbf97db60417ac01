"""From values to places on paper, and the round numbers beside an axis."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """An axis, even or logarithmic.

    Attributes:
        low: value at its beginning.
        high: value at its end, above ``low``.
        start: place of the first.
        end: place of the last.
        logarithmic: whether equal ratios are equal lengths; both values are above 0 then.

    Example:
        >>> Scale(0.0, 10.0, 100.0, 0.0)(2.5), Scale(0.25, 4.0, 0.0, 100.0, logarithmic=True)(1.0)
        (75.0, 50.0)
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = math.log(value), math.log(low), math.log(high)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def inside(self, value: float) -> float:
        """Return the value, or the nearest one that is on the axis."""
        return min(max(value, self.low), self.high)


def ticks(low: float, high: float, *, most: int = 5) -> list[float]:
    """Return round numbers between two values: 1, 2 or 5 times a power of ten apart.

    Args:
        low: the smallest value.
        high: the largest, not below it.
        most: at most so many numbers.

    Example:
        >>> ticks(0.0, 1.0), ticks(1, 8, most=4), ticks(0.61, 0.64, most=4)
        ([0.0, 0.5, 1.0], [2.0, 4.0, 6.0, 8.0], [0.61, 0.62, 0.63, 0.64])
    """
    if high <= low:
        return [low]
    power = math.floor(math.log10((high - low) / most))
    for exponent in (power, power + 1):
        for factor in (1, 2, 5):
            step = factor * 10.0**exponent
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            if 1 <= last - first + 1 <= most:
                return [float(f"{number * step:.12g}") for number in range(first, last + 1)]
    return [low]


RATIOS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 10.0, 20.0, 50.0, 100.0)


def ratio_ticks(low: float, high: float) -> list[float]:
    """Return round ratios between two values, 1 among them where it lies there.

    Example:
        >>> ratio_ticks(0.2, 2.5)
        [0.2, 0.5, 1.0, 2.0]
    """
    found = [each for each in RATIOS if low <= each <= high and each not in (0.25, 4.0)]
    return found if len(found) > 1 else [each for each in RATIOS if low <= each <= high] or [low]


def padded(low: float, high: float, share: float = 0.06) -> tuple[float, float]:
    """Return bounds a little wider, and never equal."""
    room = share * (high - low) or max(abs(high), 1.0) * share
    return low - room, high + room


def apart(places: list[float], distance: float, low: float, high: float) -> list[float]:
    """Return places moved as little as needed for labels to stand a distance apart, between two bounds if they fit.

    Example:
        >>> apart([10.0, 11.0, 40.0], 10.0, 0.0, 100.0)
        [5.5, 15.5, 40.0]
    """
    order = sorted(range(len(places)), key=lambda index: places[index])
    clusters: list[list[int]] = []
    centres: list[float] = []

    def reach(number: int) -> tuple[float, float]:
        half = distance * (len(clusters[number]) - 1) / 2
        return centres[number] - half, centres[number] + half

    for index in order:
        clusters.append([index])
        centres.append(places[index])
        while len(clusters) > 1 and reach(-1)[0] - reach(-2)[1] < distance - 1e-9:
            together = clusters.pop(-2) + clusters.pop(-1)
            clusters.append(together)
            del centres[-2:]
            centres.append(sum(places[each] for each in together) / len(together))
        half = distance * (len(clusters[-1]) - 1) / 2
        centres[-1] = max(low + half, min(high - half, centres[-1]))
        while len(clusters) > 1 and reach(-1)[0] - reach(-2)[1] < distance - 1e-9:
            together = clusters.pop(-2) + clusters.pop(-1)
            clusters.append(together)
            del centres[-2:]
            half = distance * (len(together) - 1) / 2
            middle = sum(places[each] for each in together) / len(together)
            centres.append(max(low + half, min(high - half, middle)))
    found = list(places)
    for cluster, centre in zip(clusters, centres, strict=True):
        for rank, index in enumerate(cluster):
            found[index] = centre + distance * (rank - (len(cluster) - 1) / 2)
    return found
