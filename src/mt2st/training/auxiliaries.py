"""Auxiliary tasks in a training loop of another library: their weights, batches, losses, and a state to save."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import torch
from torch import Tensor, distributed
from torch.utils.data import DataLoader, DistributedSampler

from mt2st.errors import InputError
from mt2st.strategy import PRIMARY_TASK, CombiningStrategy, Observation, Strategy, as_strategy
from mt2st.training.loader_task import DataLoaderTask
from mt2st.training.processes import current
from mt2st.training.run import Progress
from mt2st.training.task import AuxiliaryStream


@dataclass(frozen=True)
class AuxiliaryDataset:
    """The data and the loss of an auxiliary task, for the loops of `mt2st.integrations`.

    The order of the data is a pure function of seed, epoch and rank: each process reads its share of one order, which
    begins again in another order when the data end. What does not fill a batch of all processes is left to later
    epochs.

    Args:
        dataset: a map-style data set, with ``len`` and indices.
        collator: makes a batch of a list of examples; None is torch's own. It may draw random numbers of torch.
        loss: returns the scalar mean loss of ``(model, batch)``, connected to the model's parameters. The model is the
            unwrapped one.
        batch_size: examples in a batch of one process; None is the primary's.

    Raises:
        InputError: the data set has no length or no rows, or the batch size is below 1.
    """

    dataset: Any
    collator: Callable[[list[Any]], Any] | None
    loss: Callable[..., Tensor]
    batch_size: int | None = None

    def __post_init__(self) -> None:
        if not hasattr(self.dataset, "__len__") or not hasattr(self.dataset, "__getitem__"):
            raise InputError(
                "the data set of an auxiliary task needs a length and indices, so that its order can be repeated; "
                f"found {type(self.dataset).__name__}"
            )
        if len(self.dataset) == 0:
            raise InputError("the data set of an auxiliary task has no rows")
        if self.batch_size is not None and self.batch_size < 1:
            raise InputError(f"batch_size of an auxiliary task must be at least 1, found {self.batch_size!r}")

    def stream(self, name: str, *, seed: int, batch_size: int) -> AuxiliaryStream:
        """Return the endless batches of this process.

        Args:
            name: of the task; tasks of different names have different orders.
            seed: of the order.
            batch_size: of the primary task.
        """
        processes = current()
        size = self.batch_size or batch_size
        fills_one = len(self.dataset) >= size * processes.count
        sampler: DistributedSampler[Any] = DistributedSampler(
            self.dataset,
            num_replicas=processes.count,
            rank=processes.rank,
            seed=crc32(f"{name} {seed}".encode()),
            drop_last=fills_one,
        )
        loader = DataLoader(
            self.dataset, batch_size=size, sampler=sampler, collate_fn=self.collator, drop_last=fills_one
        )
        return AuxiliaryStream(DataLoaderTask(name, loader, self.loss), seed)


class Auxiliaries:
    """The auxiliary tasks of a training whose loop belongs to another library.

    The loop calls, in each optimizer step, `begin_step`, `draw` and `record` for each micro-batch, `end_step`; and
    `observe` after each evaluation. Losses are averaged over the processes of ``torch.distributed`` in `end_step`, by
    one small reduction, so that strategies decide the same everywhere.

    Args:
        strategy: weights of the tasks over time, by name or as an object.
        auxiliaries: their names.
        streams: their batches, by name; empty if the loop has its own.

    Attributes:
        strategy: a copy of the strategy that knows the tasks.
        weights: of the auxiliary tasks, in this step.
        primary_weight: of the primary, in this step.

    Raises:
        InputError: the strategy combines gradients, or does not fit the tasks.

    Example:
        >>> from mt2st.strategy import Switch
        >>> tasks = Auxiliaries(Switch(at=3), ["mlm"])
        >>> for epoch in (1, 2, 3):
        ...     tasks.begin_step(epoch=epoch, step=epoch)
        ...     print(tasks.weights, tasks.active)
        {'mlm': 1.0} ['mlm']
        {'mlm': 1.0} ['mlm']
        {'mlm': 0.0} []
    """

    def __init__(
        self, strategy: str | Strategy, auxiliaries: Iterable[str], streams: Mapping[str, AuxiliaryStream] | None = None
    ) -> None:
        self.strategy = as_strategy(strategy).bind(auxiliaries)
        if isinstance(self.strategy, CombiningStrategy):
            raise InputError(
                f"{self.strategy!r} combines the gradients of the tasks, which this loop adds: take mt2st.Trainer, or "
                "another strategy"
            )
        self.streams = dict(streams or {})
        self.weights: dict[str, float] = {}
        self.primary_weight = 1.0
        self._step = Progress()
        self._since_evaluation, self._since_log = Progress(), Progress()

    @property
    def active(self) -> list[str]:
        """Names of the auxiliary tasks that are on in this step."""
        return [name for name, weight in self.weights.items() if weight > 0]

    def begin_step(self, *, epoch: int, step: int) -> None:
        """Begin an optimizer step; both count from 1."""
        self.weights = self.strategy.weights_at(epoch=epoch, step=step)
        self.primary_weight = self.strategy.primary_weight_at(epoch=epoch, step=step)
        if self.primary_weight == 0 and not self.active:
            raise InputError(f"{self.strategy!r} has all tasks off in epoch {epoch}, step {step}: nothing to train")

    def draw(self) -> dict[str, Any]:
        """Return the next batch of each task that is on. One that is off draws nothing."""
        return {name: self.streams[name].draw() for name in self.active}

    def record(self, task: str, loss: Tensor) -> None:
        """Note the loss of a task in a micro-batch, without its weight."""
        self._step.record_loss(task, loss.detach())  # type: ignore[arg-type]  # read at the end of the step

    def end_step(self) -> None:
        """End an optimizer step: the losses are reduced, and reported to a strategy that needs them."""
        means, _ = self._step.take_means()
        if not means:
            return
        names = sorted(means)  # the same on each process, as the weights are
        values = torch.stack([torch.as_tensor(means[name]).float() for name in names])
        if (count := current().count) > 1:
            distributed.all_reduce(values)  # where the losses are, on a GPU or not, as the library's group has it
            values /= count
        losses = dict(zip(names, values.tolist(), strict=True))
        for task, loss in losses.items():
            self._since_evaluation.record_loss(task, loss)
            self._since_log.record_loss(task, loss)
        if self.strategy.needs_losses:
            primary = losses.pop(PRIMARY_TASK, float("nan"))
            self.strategy.after_step(losses, primary)

    def observe(self, *, epoch: int, step: int, metrics: Mapping[str, float]) -> None:
        """Report an evaluation of the primary to the strategy.

        Args:
            epoch: epochs finished, from 1; within an epoch, its number.
            step: optimizer steps done.
            metrics: the validation metrics, ``{"loss": ..., "accuracy": ...}``.
        """
        losses, _ = self._since_evaluation.take_means()
        primary = losses.pop(PRIMARY_TASK, float("nan"))
        self.strategy.after_evaluation(Observation(epoch, step, metrics, losses=losses, primary_loss=primary))

    def logged(self) -> dict[str, float]:
        """Return the weights of the last step, and the mean loss of each task since the last call, for a log."""
        losses, _ = self._since_log.take_means()
        weights = dict(self.weights)
        if self.primary_weight != 1:
            weights[PRIMARY_TASK] = self.primary_weight
        return {f"{name}_weight": weight for name, weight in weights.items()} | {
            f"{name}_loss": loss for name, loss in losses.items()
        }

    def state_dict(self) -> dict[str, Any]:
        """Return plain JSON values, the same on each process."""
        return {
            "strategy": self.strategy.state_dict(),
            "streams": {name: stream.state_dict() for name, stream in self.streams.items()},
            "losses": {task: list(sums) for task, sums in self._since_evaluation.losses.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`.

        Raises:
            InputError: it is of other tasks or of another strategy.
        """
        if set(state["streams"]) != set(self.streams):
            raise InputError(
                f"the checkpoint has the auxiliary tasks {sorted(state['streams'])}, this training has "
                f"{sorted(self.streams)}: give it the same tasks, or start a new training"
            )
        self.strategy.load_state_dict(state["strategy"])
        for name, stream in self.streams.items():
            stream.load_state_dict(state["streams"][name])
        self._since_evaluation.losses = {task: (total, count) for task, (total, count) in state["losses"].items()}


def checked_datasets(auxiliaries: Mapping[str, AuxiliaryDataset]) -> dict[str, AuxiliaryDataset]:
    """Return auxiliary tasks by name."""
    for name, task in auxiliaries.items():
        if not isinstance(task, AuxiliaryDataset):
            raise InputError(f"the auxiliary task '{name}' must be an AuxiliaryDataset, found {task!r}")
    return dict(auxiliaries)
