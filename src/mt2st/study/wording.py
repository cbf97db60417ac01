"""How scores, differences, ratios and p-values are written."""

from __future__ import annotations

from mt2st.study.statistics import Interval

SIGNIFICANT = 0.05
"""Below this p-value, adjusted for the number of comparisons in its setting, a difference is significant."""
UNKNOWN = "-"
"""Stands where there is no value."""


def percent(interval: Interval) -> str:
    """Return a mean and half of its interval, as a share of 100.

    Example:
        >>> percent(Interval(0.8, 0.75, 0.85, 3)), percent(Interval(0.8, None, None, 1))
        ('80.0 ± 5.0 %', '80.0 %')
    """
    half = interval.half_width
    return f"{100 * interval.mean:.1f}{'' if half is None else f' ± {100 * half:.1f}'} %"


def points(interval: Interval) -> str:
    """Return a difference in points of 100 and half of its interval.

    Example:
        >>> points(Interval(0.058, 0.05, 0.066, 4)), points(Interval(-0.0001, None, None, 1))
        ('+5.8 ± 0.8', '0.0')
    """
    half = interval.half_width
    return f"{signed(interval.mean)}{'' if half is None else f' ± {100 * half:.1f}'}"


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


def seeds_text(n: int) -> str:
    """Return a number of seeds."""
    return f"{n} seed{'' if n == 1 else 's'}"
