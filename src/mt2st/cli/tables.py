"""Tables of the commands."""

from __future__ import annotations

from collections.abc import Mapping

from mt2st.aligned import aligned
from mt2st.measures import MEASURES

__all__ = ["aligned", "measures_table"]


def measures_table(parts: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    """Return header and rows of a model's measures: a row for each part of the data.

    Example:
        >>> measures_table({"test": {"loss": 0.5, "accuracy": 0.75, "weighted_f1": 0.7}})
        [['part', 'accuracy', 'loss'], ['test', '75.0 %', '0.500']]
    """
    shown = [name for name in MEASURES if any(name in values for values in parts.values())]
    header = ["part", *(MEASURES[name] for name in shown), "loss"]
    return [
        header,
        *(
            [part, *(f"{100 * values[name]:.1f} %" for name in shown), f"{values['loss']:.3f}"]
            for part, values in parts.items()
        ),
    ]
