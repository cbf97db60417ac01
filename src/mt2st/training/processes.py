"""Several processes that train one model, on one machine or on many.

Each process has a copy of the module and computes a share of each batch. The gradients are added up before the
optimizer's step, so the copies stay alike. This is done by torch's collectives after each backward pass, not by
`torch.nn.parallel.DistributedDataParallel`: it fails where a task goes off and takes its head with it, and where a step
has several forward passes, unless it searches for missing parameters each time. The gradients are the same. Of a large
table, only rows are exchanged on which some process has a gradient.

Kernel tasks move the embedding by themselves, in each process by a share of the text. The tables are then averaged: by
`Group.average`, not by torch's `PeriodicModelAverager`, which skips parameters without a gradient, takes the memory of
another copy, and leaves a parameter with other memory than its kernel writes to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed, nn

from mt2st.errors import InputError, LostProcessError

ValueT = TypeVar("ValueT")

TIMEOUT = timedelta(hours=1)
"""How long a process waits for one that has not ended. While the first one evaluates, the others wait for it."""
LARGE_TABLE = 1024
"""Rows of a parameter from which on the processes ask first which of them have a gradient."""


class Alone:
    """One process that trains by itself: all that it would share with others is its own.

    Attributes:
        rank: the number of this process, from 0. The first one evaluates, writes and tells.
        count: how many processes there are.
        on_machine: how many of them are on this machine and share its cores.
    """

    rank, count, on_machine = 0, 1, 1

    def backward(self, module: nn.Module, share: Callable[[], float]) -> float:
        """Add the gradients of all processes' shares of a batch to the module's, and return the sum of their losses.

        Args:
            module: its gradients are alike in all processes, before and after.
            share: adds the gradients of this process's share to the module's; returns its share of the loss.
        """
        del module
        return share()

    def sums(self, values: Sequence[float]) -> list[float]:
        """Return each number summed over the processes."""
        return list(values)

    def of_first(self, compute: Callable[[], ValueT]) -> ValueT:
        """Return what the first process computes. The others wait for it."""
        return compute()

    def from_each(self, value: ValueT) -> list[ValueT]:
        """Return the values of all processes in the first one; an empty list in the others."""
        return [value]

    def average(self, tables: Iterable[Tensor | NDArray[np.float32]]) -> None:
        """Replace tables by their mean over the processes, in place."""

    @contextmanager
    def statistics_of(self, module: nn.Module) -> Iterator[None]:
        """Let layers that take means over a batch take them over all processes' shares of it, for a block.

        These are layers with an attribute ``add_up``, a function that adds up a tensor over the processes in place.
        """
        del module
        yield


class Group(Alone):
    """The processes of torch's default group.

    Raises:
        LostProcessError: by every method, when another process has ended or does not answer.
    """

    def __init__(self) -> None:
        self.rank, self.count = distributed.get_rank(), distributed.get_world_size()
        self.on_machine = int(os.environ.get("LOCAL_WORLD_SIZE", self.count))

    @torch.no_grad()
    def backward(self, module: nn.Module, share: Callable[[], float]) -> float:
        """Do as `Alone.backward` says."""
        parameters = [each for each in module.parameters() if each.requires_grad]
        for each in parameters:
            if each.grad is not None:  # of an earlier task of the step: the processes' parts make one again
                each.grad /= self.count
        with torch.enable_grad():
            loss = share()
        own = [float(each.grad is not None) for each in parameters]
        loss, *present = self.sums([loss, *own])
        self._add_up([each for each, number in zip(parameters, present, strict=True) if number])
        return loss

    def _add_up(self, parameters: Sequence[nn.Parameter]) -> None:
        """Add up the gradients of parameters; a process that has none counts as zero."""
        for each in parameters:
            if each.grad is None:
                each.grad = torch.zeros_like(each)
        rows = [self._rows(each.grad) for each in parameters if each.grad is not None]
        parts = [
            each.grad if chosen is None else each.grad[chosen]
            for each, chosen in zip(parameters, rows, strict=True)
            if each.grad is not None
        ]
        if not parts:
            return
        flat = torch.cat([part.flatten() for part in parts])
        _add_up(flat)
        sums = torch.split(flat, [part.numel() for part in parts])
        for each, chosen, part in zip(parameters, rows, sums, strict=True):
            assert each.grad is not None
            if chosen is None:
                each.grad.copy_(part.view_as(each))
            else:
                each.grad[chosen] = part.view(len(chosen), -1)

    def _rows(self, gradient: Tensor) -> Tensor | None:
        """Return the rows of a large table on which some process has a gradient; None for all rows."""
        if gradient.ndim != 2 or len(gradient) < LARGE_TABLE:
            return None
        there = gradient.any(dim=1).to(torch.uint8)
        _add_up(there, distributed.ReduceOp.MAX)
        return there.nonzero().squeeze(1)

    def sums(self, values: Sequence[float]) -> list[float]:
        """Do as `Alone.sums` says."""
        numbers = torch.tensor(values, dtype=torch.float64)
        _add_up(numbers)
        return numbers.tolist()

    def of_first(self, compute: Callable[[], ValueT]) -> ValueT:
        """Do as `Alone.of_first` says. The value is pickled."""
        values: list[Any] = [compute() if self.rank == 0 else None]
        _together(distributed.broadcast_object_list, values)
        value: ValueT = values[0]
        return value

    def from_each(self, value: ValueT) -> list[ValueT]:
        """Do as `Alone.from_each` says. The values are pickled."""
        values: list[Any] | None = [None] * self.count if self.rank == 0 else None
        _together(distributed.gather_object, value, values)
        return values or []

    def average(self, tables: Iterable[Tensor | NDArray[np.float32]]) -> None:
        """Do as `Alone.average` says."""
        for each in map(torch.as_tensor, tables):  # in the memory of the table
            _add_up(each)
            each /= self.count

    @contextmanager
    def statistics_of(self, module: nn.Module) -> Iterator[None]:
        """Do as `Alone.statistics_of` says."""
        layers: list[Any] = [each for each in module.modules() if hasattr(each, "add_up")]
        for each in layers:
            each.add_up = _add_up
        try:
            yield
        finally:
            for each in layers:
                each.add_up = None


def _add_up(values: Tensor, operation: Any = distributed.ReduceOp.SUM) -> None:
    """Add up a tensor over the processes in place; on a device of the group's, where its backend reaches no other."""
    devices = [pair.partition(":")[0] for pair in distributed.get_backend_config().split(",")]
    there = values if values.device.type in devices else values.to(devices[0])
    _together(distributed.all_reduce, there, operation)
    if there is not values:
        values.copy_(there)


def _together(collective: Callable[..., Any], *arguments: Any) -> None:
    try:
        collective(*arguments)
    except RuntimeError as error:  # gloo's and NCCL's alike
        reason = " ".join(str(error).split())[:200]
        raise LostProcessError(
            "another process of this training has ended or does not answer, so this one ends too: see what that one "
            f"says ({reason})"
        ) from error


def current() -> Alone:
    """Return the processes that train together: those of torch's default group, or this one alone."""
    several = distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
    return Group() if several else Alone()


@contextmanager
def connected() -> Iterator[Alone]:
    """Connect the processes that a launcher (torchrun, ``accelerate launch``) has started, for a block.

    Without a launcher this process is alone.

    Raises:
        LostProcessError: not all processes came.
        InputError: a variable that a launcher sets is missing.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or distributed.is_initialized():
        yield current()
        return
    backend = "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        backend = "cpu:gloo,cuda:nccl"
    try:
        _together(lambda: distributed.init_process_group(backend, timeout=TIMEOUT))
    except ValueError as error:  # a variable of the environment is missing
        raise InputError(
            f"the processes cannot connect: {error}; start them by torchrun or accelerate launch, or unset WORLD_SIZE"
        ) from error
    try:
        yield current()
    finally:
        distributed.destroy_process_group()
