"""Floating-point operations of a training, counted while it runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.hooks import RemovableHandle

from mt2st.training.callbacks import Callback
from mt2st.training.device import device_of, moved
from mt2st.training.task import Task

BACKWARD = 2
"""A layer's backward pass has two matrix products, for its input and its weights, where the forward pass has one."""
LOOKUP = 2
"""Operations on each number of a word vector that is looked up: an addition of it, and one of its gradient."""
UPDATE = 12
"""Operations of AdamW on each number (Loshchilov and Hutter 2019): decay, two averages, their correction, the step."""


def layer_flops(layer: nn.Module, values: Tensor, output: Any = None) -> int:
    """Return the operations of a layer's forward pass; a multiplication and an addition are two.

    Args:
        layer: a `Linear`, `LSTM` or convolution layer; any other counts as none.
        values: its input, ``[..., features]`` or ``[batch, channels, ...]``.
        output: its output; needed for convolutions.

    Example:
        >>> layer_flops(nn.Linear(10, 3), torch.zeros(4, 10))
        240
        >>> layer_flops(nn.LSTM(10, 5, batch_first=True), torch.zeros(2, 7, 10))  # 14 tokens, 4 gates of 5
        8400
    """
    if isinstance(layer, nn.Linear):
        return 2 * layer.out_features * values.numel()
    if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return 2 * int(output.numel()) * layer.in_channels // layer.groups * math.prod(layer.kernel_size)
    if isinstance(layer, nn.LSTM):
        return _lstm_flops(layer, values)
    return 0


def _lstm_flops(layer: nn.LSTM, values: Tensor) -> int:
    directions = 2 if layer.bidirectional else 1
    tokens, size, total = values.numel() // layer.input_size, layer.input_size, 0
    for _ in range(layer.num_layers):
        total += directions * tokens * 2 * 4 * layer.hidden_size * (size + layer.hidden_size)
        size = directions * layer.hidden_size
    return total


@dataclass
class ForwardCounter:
    """Operations of forward passes so far, which may run on several threads."""

    operations: int = 0
    _lock: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def count(self, layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        """Add a layer's operations: a forward hook."""
        operations = LOOKUP // 2 * output.numel() if _is_lookup(layer) else layer_flops(layer, inputs[0], output)
        with self._lock:
            self.operations += operations


@contextmanager
def counted_forward(module: nn.Module) -> Iterator[ForwardCounter]:
    """Count the operations of a module's forward passes in a block, of the layers that `FlopMeter` counts."""
    counter = ForwardCounter()
    hooks = [layer.register_forward_hook(counter.count) for layer in _counted_layers(module)]
    try:
        yield counter
    finally:
        for hook in hooks:
            hook.remove()


class FlopMeter(Callback):
    """Counts the operations of a trainer's steps into its progress, which checkpoints keep.

    Counted: the matrix products of linear, convolution and LSTM layers in training, forward and backward, as they run,
    padding included; embedding lookups and the sums of their gradients; the optimizer's step on each parameter with a
    gradient; the fit of a head (`ProbeFit.operations`); kernel tasks that report ``operations``; and tasks that set
    ``products_outside_layers``, measured on one batch. Not counted: evaluation, other element-wise work, averaging of
    parameters, feedback, combination of gradients. Next to a BiLSTM, lookups and the optimizer are negligible; a mean
    of word vectors has little else.

    An embedding of another class than `torch.nn.Embedding` counts if it sets ``is_lookup``.
    """

    def __init__(self) -> None:
        self._layers = 0
        self._hooks: list[RemovableHandle] = []
        self._operations: dict[str, float] = {}
        self._per_step: dict[str, int] = {}

    def on_fit_start(self, trainer: Any) -> None:
        """Hook into the module's layers."""
        self._layers = 0
        self._operations = {task.name: _operations(task) for task in trainer.kernels}
        self._per_step = {
            stream.task.name: _measured(trainer.module, stream.task, trainer.seed)
            for stream in trainer.streams
            if getattr(stream.task, "products_outside_layers", False)
        }
        self._hooks = [layer.register_forward_hook(self._count) for layer in _counted_layers(trainer.module)]

    def on_step_end(self, trainer: Any) -> None:
        """Add a step's operations to the progress."""
        progress = trainer.progress
        progress.flops += self._layers + sum(self._per_step.get(name, 0) for name in progress.active)
        parameters = (each for group in trainer.optimizer.param_groups for each in group["params"])
        progress.flops += UPDATE * sum(each.numel() for each in parameters if each.grad is not None)
        progress.flops += sum(each.operations for each in trainer.run.probes if each.step == progress.step)
        self._layers = 0
        for task in trainer.kernels:
            now = _operations(task)
            progress.flops += now - self._operations[task.name]
            self._operations[task.name] = now

    def on_fit_end(self, trainer: Any) -> None:  # noqa: ARG002
        """Remove the hooks."""
        for hook in self._hooks:
            hook.remove()

    def _count(self, layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if layer.training and torch.is_grad_enabled():
            if _is_lookup(layer):
                self._layers += LOOKUP * output.numel()
            else:
                self._layers += (1 + BACKWARD) * layer_flops(layer, inputs[0], output)


def _is_lookup(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Embedding) or bool(getattr(layer, "is_lookup", False))


def _counted_layers(module: nn.Module) -> list[nn.Module]:
    counted = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.LSTM
    return [layer for layer in module.modules() if isinstance(layer, counted) or _is_lookup(layer)]


def _operations(task: object) -> float:
    return float(getattr(task, "operations", 0.0))


def _measured(module: nn.Module, task: Task, seed: int) -> int:
    """Return the operations of one batch of a task; module and random numbers stay as they are."""
    batch = next(iter(task.batches(epoch=1, seed=seed)), None)
    if batch is None:
        return 0
    with torch.random.fork_rng(devices=[]), FlopCounterMode(display=False) as counter:
        task.loss(module, moved(batch, device_of(module))).backward()  # type: ignore[no-untyped-call]
    module.zero_grad(set_to_none=True)
    return int(counter.get_total_flops())
