"""What a training consists of, how far it is, and what is saved of both so that it can go on exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mt2st.strategy import Strategy, load_strategy
from mt2st.tasks import KernelTask, Task
from mt2st.training.auxiliary_stream import AuxiliaryStream
from mt2st.training.averaging import ParameterAverage
from mt2st.training.clock import Clock
from mt2st.training.combination import Combiner
from mt2st.training.convergence import CheckConvergence, CheckValidation
from mt2st.training.feedback import Feedback
from mt2st.training.metrics_log import MetricsLog
from mt2st.training.progress import Progress
from mt2st.training.run import Run
from mt2st.training.transition import TransitionEffects


class TrainingState:
    """The parts of a training; `state_dict` is all that a later one with the same parts needs to go on.

    Attributes:
        network: what is trained.
        primary: the task that all is done for.
        optimizer: over the network's parameters.
        strategy: the weights of the auxiliary tasks, bound to their names.
        kernels: the auxiliary tasks that have compiled code of their own.
        streams: the batches of the others.
        epochs: the most epochs to train.
        feedback: how the auxiliary tasks and the primary get along; None where nobody measures it.
        combiner: combines the tasks' gradients; None where they are added.
        effects: what follows the transition.
        convergence: what ends the run early; None for nothing.
        average: of the parameters; None for none.
        clip_norm: upper bound on the norm of the whole gradient; None does not clip.
        log: of the metrics.
        progress: where the training is.
        clock: its time so far.
        run: its course so far.
        best_parameters: those of the best evaluation so far; None where none are kept.
    """

    network: nn.Module
    primary: Task
    optimizer: Optimizer
    strategy: Strategy
    kernels: Sequence[KernelTask]
    streams: Sequence[AuxiliaryStream]
    epochs: int
    feedback: Feedback | None
    combiner: Combiner | None
    effects: TransitionEffects
    convergence: CheckConvergence | CheckValidation | None
    average: ParameterAverage | None
    clip_norm: float | None
    log: MetricsLog
    progress: Progress
    clock: Clock
    run: Run
    best_parameters: dict[str, Tensor] | None

    def state_dict(self) -> dict[str, Any]:
        """Return all that a new trainer with the same arguments needs to go on from here.

        A run in which no kernel task runs beside goes on exactly as if it had not been interrupted.
        """
        return {
            "network": self.network.state_dict(),
            "best": self.best_parameters,
            "optimizer": self.optimizer.state_dict(),
            "kernels": {task.name: task.state_dict() for task in self.kernels},
            "average": self.average.state_dict() if self.average else {},
            "effects": self.effects.state_dict(),
            "combination": self.combiner.state_dict() if self.combiner else {},
            "random": torch.get_rng_state(),
            "plain": {
                "progress": asdict(self.progress),
                "run": self.run.as_dict(),
                "train_seconds": self.clock.seconds,
                "streams": {stream.task.name: stream.state_dict() for stream in self.streams},
                "strategy": self.strategy.state_dict(),
                "feedback": self.feedback.state_dict() if self.feedback else None,
                "convergence": self.convergence.state_dict() if self.convergence else None,
            },
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        plain = state["plain"]
        self.network.load_state_dict(state["network"])
        self.best_parameters = state["best"]
        self.optimizer.load_state_dict(state["optimizer"])
        for task in self.kernels:
            task.load_state_dict(state["kernels"][task.name])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.effects.load_state_dict(state["effects"], self.network)
        if self.combiner is not None:
            self.combiner.load_state_dict(state["combination"])
        torch.set_rng_state(state["random"])
        self.progress = Progress(**plain["progress"])
        self.log.cut(self.progress.step)
        self.progress.losses = {task: (total, count) for task, (total, count) in self.progress.losses.items()}
        self.run = Run.from_dict(plain["run"])
        self.run.stopped, self.run.cause = "epochs", ""
        self.clock = Clock(plain["train_seconds"])
        for stream in self.streams:
            stream.load_state_dict(plain["streams"][stream.task.name])
        if self.strategy.state_dict() != plain["strategy"]:  # else it may be of a kind that only its user knows
            self.strategy = load_strategy(plain["strategy"])
        if self.feedback and plain["feedback"]:
            self.feedback.load_state_dict(plain["feedback"])
        if self.convergence and plain["convergence"]:
            self.convergence.load_state_dict(plain["convergence"])
