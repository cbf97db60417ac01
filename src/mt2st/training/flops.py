"""Floating-point operations of a training, counted while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mt2st.network.subword_embedding import SubwordEmbedding
from mt2st.tasks import LabelledTask, Task
from mt2st.training.progress import Progress

if TYPE_CHECKING:
    from mt2st.training.trainer import Trainer

BACKWARD = 2
"""A layer's backward pass has two matrix products, for its input and its weights, where the forward has one."""
LOOKUP = 2
"""Operations on each number of a word vector that is looked up: an addition of it, and one of its gradient."""
UPDATE = 12
"""Operations of AdamW on each number (Loshchilov and Hutter 2019): decay, two averages, their correction, the step."""


def layer_flops(layer: nn.Module, values: Tensor) -> int:
    """Return the operations of a layer's forward pass; a multiplication and an addition are two.

    Args:
        layer: a `Linear`, `Conv1d` or `LSTM` layer; any other counts as none.
        values: its input: ``[..., features]``; for a convolution ``[batch, channels, length]``, padded to its length.

    Example:
        >>> layer_flops(nn.Linear(10, 3), torch.zeros(4, 10))
        240
        >>> layer_flops(nn.LSTM(10, 5, batch_first=True), torch.zeros(2, 7, 10))  # 14 tokens, 4 gates of 5
        8400
    """
    if isinstance(layer, nn.Linear):
        return 2 * layer.out_features * values.numel()
    if isinstance(layer, nn.Conv1d):
        width, positions = layer.kernel_size[0], values.numel() // layer.in_channels
        return 2 * layer.out_channels * layer.in_channels // layer.groups * width * positions
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
    """Operations of forward passes so far, which may be made by several threads."""

    operations: int = 0
    _lock: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def count(self, layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        """Add a layer's: what a forward hook calls."""
        lookup = isinstance(layer, nn.Embedding | SubwordEmbedding)
        operations = LOOKUP // 2 * output.numel() if lookup else layer_flops(layer, inputs[0])
        with self._lock:
            self.operations += operations


@contextmanager
def counted_forward(network: nn.Module) -> Iterator[ForwardCounter]:
    """Count the operations of a network's forward passes in a block, of the layers that `FlopMeter` counts."""
    counter = ForwardCounter()
    hooks = [layer.register_forward_hook(counter.count) for layer in _counted_layers(network)]
    try:
        yield counter
    finally:
        for hook in hooks:
            hook.remove()


class FlopMeter:
    """Counts the operations of a trainer's steps into its progress, which checkpoints keep.

    What counts: the matrix products of `Linear`, `Conv1d` and `LSTM` layers in training, forward and backward, padding
    included, as they are run; word vectors that are looked up, and their gradients that are added up; the optimizer's
    step on each parameter that has a gradient; a head that is fitted anew (`Refit.operations`); the matrix
    products of auxiliary tasks on words, measured on one batch of each; and the vector products of kernel tasks that
    count their own (``operations``), as their objectives ask for them. What does not: evaluation, other element-wise
    work, the averaging of parameters, what feedback measures, what combines the gradients of a baseline. Beside a
    BiLSTM, lookups and the optimizer are next to nothing; a mean of word vectors has hardly anything else.

    Args:
        trainer: before its `fit`; call `on_step` after each of its steps.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._kernels = {task.name: task for task in trainer.kernels}
        self._operations = {name: _operations(task) for name, task in self._kernels.items()}
        self._per_step = {
            stream.task.name: _measured(trainer.network, stream.task, trainer.seed)
            for stream in trainer.streams
            if not isinstance(stream.task, LabelledTask)
        }
        self._trainer = trainer
        self._parameters = [each for group in trainer.optimizer.param_groups for each in group["params"]]
        self._layers = 0
        self._hooks = [layer.register_forward_hook(self._count) for layer in _counted_layers(trainer.network)]

    def on_step(self, progress: Progress) -> None:
        """Add a step's operations to its progress."""
        progress.flops += self._layers + sum(self._per_step.get(name, 0) for name in progress.active)
        progress.flops += UPDATE * sum(each.numel() for each in self._parameters if each.grad is not None)
        progress.flops += sum(each.operations for each in self._trainer.run.refits if each.step == progress.step)
        self._layers = 0
        for name, task in self._kernels.items():
            now = _operations(task)
            progress.flops += now - self._operations[name]
            self._operations[name] = now

    def close(self) -> None:
        """Take the hooks off the network."""
        for hook in self._hooks:
            hook.remove()

    def _count(self, layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if layer.training and torch.is_grad_enabled():
            if isinstance(layer, nn.Embedding | SubwordEmbedding):
                self._layers += LOOKUP * output.numel()
            else:
                self._layers += (1 + BACKWARD) * layer_flops(layer, inputs[0])


def _counted_layers(network: nn.Module) -> list[nn.Module]:
    counted = nn.Linear | nn.Conv1d | nn.LSTM | nn.Embedding | SubwordEmbedding
    return [layer for layer in network.modules() if isinstance(layer, counted)]


def _operations(task: object) -> float:
    return float(getattr(task, "operations", 0.0))


def _measured(network: nn.Module, task: Task, seed: int) -> int:
    """Return the operations of one batch of a task on words; network and random numbers stay as they are."""
    batch = next(iter(task.batches(epoch=1, seed=seed)), None)
    if batch is None:
        return 0
    with torch.random.fork_rng(devices=[]), FlopCounterMode(display=False) as counter:
        task.loss(network, batch).backward()  # type: ignore[no-untyped-call]
    network.zero_grad(set_to_none=True)
    return int(counter.get_total_flops())
