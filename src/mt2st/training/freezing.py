"""Selective freezing of embedding dimensions by their relevance to the primary task (section III-A)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from mt2st._checkpoint import Stateful
from mt2st._files import complete_file
from mt2st.errors import InputError
from mt2st.strategy.parameters import non_negative, whole, within
from mt2st.training.modules import rows_with_gradient
from mt2st.training.run import Freeze

Relevance = Literal["fisher", "saliency"]
Which = Literal["least", "most"]


class DimensionFreezing(Stateful):
    """Freezes columns of the embedding, so that what the auxiliary tasks put there is kept.

    The relevance of a dimension is a mean over the steps and words on which the primary has a gradient ``g``: of
    ``g ** 2`` (``"fisher"``, the diagonal of the empirical Fisher information) or of ``|g * w|`` (``"saliency"``, the
    first-order change of the loss if the entry were 0). From the transition or a given epoch on, the dimensions with
    the least relevance are frozen: they keep the general knowledge of the multi-task phase, while the others learn what
    the primary needs.

    Frozen entries are restored after each step, so they stay bit-identical whatever moves the table (momentum, Adam,
    weight decay, kernels).

    Args:
        fraction: share of the dimensions to freeze, in [0, 1]; None if ``threshold`` says which.
        threshold: freeze the dimensions whose relevance is below (above, for ``"most"``) this multiple of the mean
            relevance, at least 0.
        relevance: ``"fisher"`` or ``"saliency"``.
        which: whether the ``"least"`` relevant dimensions are frozen or the ``"most"``.
        at: first epoch with frozen dimensions, from 1; None for the transition.
        over: epochs over which the fraction grows evenly; 1 freezes all at once. Only with ``fraction``.
        every: steps between two measurements of the relevance, at least 1; more steps cost less.

    Attributes:
        frozen: the frozen dimensions in the order of their freezing.
        complete: whether everything is frozen that should be. The relevance is then no longer measured.

    Raises:
        InputError: a value is out of its range, or not exactly one of fraction and threshold is given.
    """

    _state = ("frozen", "complete", "_began", "_steps", "_entries", "_total", "_kept")

    def __init__(
        self,
        fraction: float | None = None,
        *,
        threshold: float | None = None,
        relevance: Relevance = "fisher",
        which: Which = "least",
        at: int | None = None,
        over: int = 1,
        every: int = 5,
    ) -> None:
        if (fraction is None) == (threshold is None):
            raise InputError("freezing needs either a fraction or a threshold")
        if fraction is not None:
            within(0, 1)("fraction", fraction)
        if threshold is not None:
            non_negative("threshold", threshold)
        if relevance not in ("fisher", "saliency"):
            raise InputError(f"relevance must be 'fisher' or 'saliency', found {relevance!r}")
        if which not in ("least", "most"):
            raise InputError(f"which must be 'least' or 'most', found {which!r}")
        for name, value in (("at", at), ("over", over), ("every", every)):
            if value is not None:
                whole(name, value)
        if over > 1 and fraction is None:
            raise InputError("a threshold freezes at once: over takes a fraction")
        self.fraction, self.threshold, self.relevance_kind, self.which = fraction, threshold, relevance, which
        self.at, self.over, self.every = at, over, every
        self.frozen: list[int] = []
        self.complete = False
        self._total: Tensor | None = None
        self._entries = 0
        self._steps = 0
        self._began: int | None = None
        self._kept: Tensor | None = None

    @property
    def relevance(self) -> Tensor:
        """The relevance of each dimension so far, float64 [vector_size]; empty before the first step."""
        return torch.empty(0) if self._total is None else self._total / max(1, self._entries)

    @torch.no_grad()
    def watch(self, table: nn.Parameter) -> None:
        """Use the primary's gradient on the embedding, ``[vocabulary, vector_size]``, after its backward pass.

        Does nothing in steps that are not measured (``every``), and once the freezing is complete.
        """
        if self.complete or table.grad is None:
            return
        self._steps += 1
        if (self._steps - 1) % self.every:
            return
        rows = rows_with_gradient(table.grad)
        gradient = table.grad[rows].double()
        relevance = gradient.square() if self.relevance_kind == "fisher" else (gradient * table[rows]).abs()
        total = relevance.sum(dim=0)
        self._total = total if self._total is None else self._total + total
        self._entries += len(rows)

    @property
    def sums(self) -> list[Tensor]:
        """What the relevance is made of. Of several processes with different tables, each has its own."""
        return [] if self._total is None else [self._total]

    def update(
        self, table: nn.Parameter, *, epoch: int, single_task: bool, join: Callable[[], None] | None = None
    ) -> list[int]:
        """Freeze what is due before a step and return the dimensions that have just been frozen.

        Args:
            table: the embedding's weight.
            epoch: the running epoch, from 1.
            single_task: whether all auxiliary tasks are off, having been on before.
            join: makes the table and `sums` alike in all processes; called before a freeze.
        """
        if self._began is None and (single_task if self.at is None else epoch >= self.at):
            self._began = epoch
        if self.complete or self._began is None or self._total is None:
            return []
        epochs = epoch - self._began + 1
        self.complete = epochs >= self.over
        if self.fraction is not None and self._due(table.shape[1], epochs) <= len(self.frozen):
            return []
        if join is not None:
            join()
        due = self._due(table.shape[1], epochs)
        if due <= len(self.frozen):
            return []
        ranked = torch.argsort(self.relevance, descending=self.which == "most", stable=True).tolist()
        new = [dimension for dimension in ranked if dimension not in self.frozen][: due - len(self.frozen)]
        kept = table.detach()[:, new].clone()
        self._kept = kept if self._kept is None else torch.cat([self._kept, kept], dim=1)
        self.frozen += new
        return new

    @torch.no_grad()
    def restore(self, table: nn.Parameter) -> None:
        """Put the frozen entries back: after the optimizer and the kernels have moved the table."""
        if self._kept is not None:
            table.index_copy_(1, torch.tensor(self.frozen, device=table.device), self._kept)

    def _due(self, size: int, epochs: int) -> int:
        if self.fraction is not None:
            return round(self.fraction * size * min(1.0, epochs / self.over))
        assert self.threshold is not None
        bound = self.threshold * self.relevance.mean()
        return int((self.relevance < bound if self.which == "least" else self.relevance > bound).sum())


def save_freezes(path: Path, freezes: Sequence[Freeze], *, kept: Sequence[int]) -> None:
    """Write the freezes of a run as JSON: the time, the dimensions, and the relevance of all dimensions then.

    Args:
        path: the file.
        freezes: of the run.
        kept: the dimensions that were frozen when the model's parameters were kept (`Run.kept_frozen`): the best
            evaluation may be from before a freeze.

    Raises:
        InputError: the file cannot be written.
    """
    with complete_file(path, overwrite=True) as file:
        record = {"freezes": [asdict(each) for each in freezes], "kept": list(kept)}
        file.write((json.dumps(record, indent=1) + "\n").encode())


def load_freezes(path: Path) -> list[Freeze]:
    """Return what `save_freezes` wrote.

    Raises:
        InputError: the file cannot be read, or holds something else.
    """
    try:
        return [Freeze(**each) for each in json.loads(path.read_text(encoding="utf-8"))["freezes"]]
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path} is no file of frozen dimensions ({type(error).__name__}: {error}): give the one that a run with "
            "freeze_fraction or freeze_threshold wrote"
        ) from error
