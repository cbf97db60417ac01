"""A task made of a torch `DataLoader` and a loss function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from zlib import crc32

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, DistributedSampler

from mt2st.errors import InputError
from mt2st.training.device import device_of, mapped, moved, tensors_in
from mt2st.training.task import Shares

Loss = Callable[[nn.Module, Any], Tensor]
"""Returns the scalar mean loss of a batch, connected to the module's parameters."""
Metric = Callable[[nn.Module, Any], Tensor | float]
"""Returns the mean of a metric over a batch."""


class DataLoaderTask:
    """A task whose batches come from a `torch.utils.data.DataLoader`.

    The order of the batches, and all that their transforms draw from torch's random numbers, depends on seed, epoch and
    name alone, so a training that goes on from a checkpoint sees the same batches. (This needs transforms that draw
    from torch alone.) The tensors of a batch are moved to the module's device.

    Args:
        name: name in strategies and logs.
        loader: the training batches; it needs a length.
        loss: returns the mean loss of a batch, connected to the module's parameters.
        validation: the validation batches, if any.
        metrics: further metrics of the validation batches, by name; each returns its mean over a batch.

    Raises:
        InputError: a loader is none or has no length, or a metric is named ``"loss"``.

    Example:
        >>> from torch.utils.data import TensorDataset
        >>> numbers = torch.arange(4.0).unsqueeze(1)
        >>> data = DataLoader(TensorDataset(numbers, 2 * numbers), batch_size=2)
        >>> task = DataLoaderTask("double", data, lambda module, batch: (module(batch[0]) - batch[1]).square().mean())
        >>> task.n_batches, float(task.loss(nn.Identity(), next(task.batches(epoch=1, seed=1))))
        (2, 0.5)
    """

    def __init__(
        self,
        name: str,
        loader: DataLoader[Any],
        loss: Loss,
        validation: DataLoader[Any] | None = None,
        metrics: Mapping[str, Metric] | None = None,
    ) -> None:
        for argument, value in (("loader", loader), ("validation", validation)):
            if value is not None and not hasattr(value, "__len__"):
                raise InputError(f"{argument} of the task '{name}' must be a DataLoader with a length, found {value!r}")
        if metrics and "loss" in metrics:
            raise InputError(f"a metric of the task '{name}' is named 'loss', which is its loss: give another name")
        self.name, self.loader, self.validation = name, loader, validation
        self._loss, self._metrics = loss, dict(metrics or {})

    @property
    def n_batches(self) -> int:
        """Number of batches in an epoch."""
        return len(self.loader)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that `evaluate` reports: a `Trainer` refuses a ``monitor`` of another name before it trains."""
        return () if self.validation is None else ("loss", *self._metrics)

    def batches(self, *, epoch: int, seed: int) -> Iterator[Any]:
        """Yield the loader's batches, in an order that depends on name, epoch and seed alone."""
        batches: Iterator[Any] | None = None
        sampler = self.loader.sampler if isinstance(self.loader, DataLoader) else None
        processes, rank = (sampler.num_replicas, sampler.rank) if isinstance(sampler, DistributedSampler) else (1, 0)
        for number in range(self.n_batches):
            # Around each batch by itself: between them, the training draws random numbers of its own.
            with torch.random.fork_rng(devices=[]):
                if batches is None:
                    self._order(seed, epoch)
                self._seed(seed, epoch, number * processes + rank)
                if batches is None:
                    batches = iter(self.loader)
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def shares(self, *, epoch: int, seed: int, numbers: range, of: int) -> Iterator[Shares]:
        """Yield parts of the batches, as `mt2st.training.DividedTask` describes: tensors are cut by their rows."""
        for batch in self.batches(epoch=epoch, seed=seed):
            size = _size(batch)
            parts = [range(number, size, of) for number in numbers]
            yield [(_rows(batch, part or range(1), size), len(part) / size) for part in parts]

    def loss(self, module: nn.Module, batch: Any) -> Tensor:
        """Return the loss of a batch."""
        return self._loss(module, moved(batch, device_of(module)))

    def evaluate(self, module: nn.Module) -> dict[str, float]:
        """Return the mean ``"loss"`` and metrics over the validation batches, weighted by their sizes."""
        if self.validation is None:
            return {}
        functions: dict[str, Metric] = {"loss": self._loss, **self._metrics}
        sums, total = dict.fromkeys(functions, 0.0), 0
        for batch in self.validation:
            size, there = _size(batch), moved(batch, device_of(module))
            total += size
            for name, function in functions.items():
                sums[name] += size * float(function(module, there))
        return {name: value / total for name, value in sums.items()} if total else {}

    def _seed(self, *numbers: int) -> int:
        """Seed torch's random numbers, and return the seed."""
        seed = int(np.random.SeedSequence([*numbers, crc32(self.name.encode())]).generate_state(1)[0])
        torch.default_generator.manual_seed(seed)  # and not those of GPUs, which dropout goes on with
        return seed

    def _order(self, seed: int, epoch: int) -> None:
        """Set the order of an epoch in a loader or sampler that has a generator, or an epoch, of its own."""
        drawn = self._seed(seed, epoch, 0)
        for owner in (self.loader, getattr(self.loader, "sampler", None), getattr(self.loader, "batch_sampler", None)):
            generator = getattr(owner, "generator", None)
            if isinstance(generator, torch.Generator):
                generator.manual_seed(drawn)
            if isinstance(owner, DistributedSampler):
                owner.set_epoch(epoch)


def _size(batch: Any) -> int:
    """Return the number of examples of a batch: the length of its first tensor."""
    first = next(tensors_in(batch), None)
    return len(first) if first is not None and first.ndim else 1


def _rows(batch: Any, rows: range, size: int) -> Any:
    """Return some rows of a batch of ``size``; tensors of another length stay whole."""
    return mapped(
        batch, lambda each: each[rows.start : rows.stop : rows.step] if each.ndim and len(each) == size else each
    )
