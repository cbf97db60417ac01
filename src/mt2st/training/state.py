"""The parts of a training, and its checkpoints: all that is needed to go on exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from mt2st.strategy import Strategy
from mt2st.training.auxiliary_stream import AuxiliaryStream
from mt2st.training.averaging import ParameterAverage
from mt2st.training.checkpoint import read_checkpoint, write_checkpoint
from mt2st.training.combination import Combiner
from mt2st.training.convergence import CheckConvergence, EarlyStopping
from mt2st.training.feedback import Feedback
from mt2st.training.progress import Progress
from mt2st.training.run import Run
from mt2st.training.task import KernelTask, Task
from mt2st.training.transition import TransitionActions


class TrainingState:
    """The parts of a training, as `mt2st.training.Trainer` sets them up.

    Attributes:
        module: the module that is trained.
        primary: the primary task.
        optimizer: over the module's parameters.
        scheduler: of the learning rates; None without one.
        strategy: the weights of the auxiliary tasks, bound to their names.
        kernels: the auxiliary tasks with compiled updates of their own.
        streams: the batches of the other auxiliary tasks.
        epochs: the most epochs to train.
        feedback: measurements of how the auxiliary tasks and the primary get along; None without.
        combiner: combines the tasks' gradients; None where they are added.
        transition: what the transition sets off.
        early_stopping: ends the training early; None for never.
        average: of the parameters; None without.
        progress: position in the training.
        run: course of the training so far.
        best_parameters: those of the best evaluation so far; None where none are kept.
    """

    module: nn.Module
    primary: Task
    optimizer: Optimizer
    scheduler: LRScheduler | None
    strategy: Strategy
    kernels: Sequence[KernelTask]
    streams: Sequence[AuxiliaryStream]
    epochs: int
    feedback: Feedback | None
    combiner: Combiner | None
    transition: TransitionActions
    early_stopping: CheckConvergence | EarlyStopping | None
    average: ParameterAverage | None
    progress: Progress
    run: Run
    best_parameters: dict[str, Tensor] | None

    def state_dict(self) -> dict[str, Any]:
        """Return all that a new trainer with the same arguments needs to go on from here.

        A training without parallel kernel tasks goes on exactly as if it had not been interrupted.
        """
        return {
            "module": self.module.state_dict(),
            "best": self.best_parameters,
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler else {},
            "kernels": {task.name: task.state_dict() for task in self.kernels},
            "average": self.average.state_dict() if self.average else {},
            "transition": self.transition.state_dict(),
            "strategy": self.strategy.state_dict(),
            "combination": self.combiner.state_dict() if self.combiner else {},
            "random": torch.get_rng_state(),
            "plain": {
                "progress": asdict(self.progress),
                "run": self.run.as_dict(),
                "streams": {stream.task.name: stream.state_dict() for stream in self.streams},
                "feedback": self.feedback.state_dict() if self.feedback else None,
                "early_stopping": self.early_stopping.state_dict() if self.early_stopping else None,
            },
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict` of a trainer with the same arguments."""
        plain = state["plain"]
        self.module.load_state_dict(state["module"])
        self.best_parameters = state["best"]
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        for task in self.kernels:
            task.load_state_dict(state["kernels"][task.name])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.transition.load_state_dict(state["transition"])
        self.strategy.load_state_dict(state["strategy"])
        if self.combiner is not None:
            self.combiner.load_state_dict(state["combination"])
        self.progress = Progress(**plain["progress"])
        self.progress.losses = {task: (total, count) for task, (total, count) in self.progress.losses.items()}
        self.run = Run.from_dict(plain["run"])
        self.run.stopped, self.run.cause = "epochs", ""
        for stream in self.streams:
            stream.load_state_dict(plain["streams"][stream.task.name])
        if self.feedback and plain["feedback"]:
            self.feedback.load_state_dict(plain["feedback"])
        if self.early_stopping and plain["early_stopping"]:
            self.early_stopping.load_state_dict(plain["early_stopping"])
        if self.progress.single_task and self.transition.activate:
            self.transition.activate(self.module)
        torch.set_rng_state(state["random"])

    def save(self, folder: str | PathLike[str], *, identity: Mapping[str, Any] | None = None) -> None:
        """Write a checkpoint, in place of one that is there: whole or not at all, without pickled objects.

        Args:
            folder: where.
            identity: plain values, such as settings and data, that must be the same when the training goes on.

        Raises:
            InputError: the folder cannot be written.
        """
        write_checkpoint(Path(folder), self.state_dict(), identity or {})

    def load(self, folder: str | PathLike[str], *, identity: Mapping[str, Any] | None = None) -> None:
        """Go on from a checkpoint that `save` wrote. Nothing is unpickled but tensors and plain values.

        Args:
            folder: the checkpoint, of a trainer with the same arguments.
            identity: the plain values that must be the same.

        Raises:
            InputError: a file is missing or broken, or the checkpoint is of another training.
        """
        read_checkpoint(Path(folder), identity or {}, self.load_state_dict)
