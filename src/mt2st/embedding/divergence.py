"""Training that has gone astray: told by its loss, and ended with what to do."""

from __future__ import annotations

import math

from mt2st.errors import InputError


def check_converging(loss: float, *, start: float, factor: float, rate: float) -> None:
    """Raise if the loss of a training says that its vectors are worse than before it began.

    Steps that are too large do not make the loss infinite: the kernels bound them. They leave it above where it was.

    Args:
        loss: mean loss over a good part of the training, an epoch or so.
        start: mean loss of the vectors that the training began with.
        factor: how many times that is past all chance.
        rate: the learning rate at the start.

    Raises:
        InputError: it has diverged.

    Example:
        >>> check_converging(2.9, start=4.16, factor=1.25, rate=0.025)
        >>> check_converging(14.5, start=4.16, factor=1.25, rate=9.0)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        mt2st.errors.InputError: the training has diverged: its mean loss is 14.5, and untrained vectors had 4.16: ...
    """
    if not math.isfinite(loss) or loss > factor * start:
        raise InputError(
            f"the training has diverged: its mean loss is {loss:.4g}, and untrained vectors had {start:.4g}: "
            f"lower the learning rate, found {rate!r}"
        )
