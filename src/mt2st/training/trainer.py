"""The trainer: a training from all tasks to the primary one, to construct, run, save and load."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from mt2st.errors import DivergedError, DivergenceWarning, listed
from mt2st.training.checkpoint import read_checkpoint, write_checkpoint
from mt2st.training.device import flushed_denormals, random_state, set_random_state
from mt2st.training.kernel_thread import KernelThread
from mt2st.training.loop import HALVE, TrainingLoop
from mt2st.training.run import OPTIMIZER, Halving, Progress, Run

MOST_HALVINGS = 10
"""How often a training that diverges goes on with half its rates: to about a thousandth."""
_TASK = "task "
"""How parts of a state begin that a training cannot go on without."""


class Trainer(TrainingLoop):
    """Trains a module on a primary task, with the help of auxiliary tasks for as long as the strategy wants them.

    In each step the strategy gives each auxiliary task a weight. A task of weight 0 is not computed: no batch is drawn,
    no forward, no backward, and the parameters of its head keep ``grad is None``. The trainer knows tasks by their
    protocols alone (`mt2st.training.Task`), so any module, loss and data fit.

    Args:
        module: any module that the tasks' losses accept. Kernel tasks, feedback and freezing need a shared embedding as
            ``module.embedding.weight``.
        primary: the primary task. Its batches make an epoch; its validation data choose the parameters kept.
        optimizer: over parameters of the module. Those that it lacks stay as they are.
        strategy: the weights of the auxiliary tasks over time, by name or as an object.
        auxiliaries: any number of tasks with different names. Without one, any strategy trains the primary task alone.
        epochs: the most epochs to train, at least 1.
        seed: seed of the order of all data. The initial parameters are the module's.
        monitor: validation metric to monitor. The best evaluation's parameters are kept; ties go to the lower loss,
            then to the earlier one. ``"loss"`` is minimised, every other metric maximised. ``"auto"`` is the primary's
            ``"loss"`` where it is reported; else, and for None, the last parameters are kept.
        evaluations_per_epoch: evaluations of the primary's validation data per epoch, at even distances.
        scheduler: a torch learning rate scheduler, stepped after each optimizer step.
        feedback: measures how each auxiliary task and the primary get along, for adaptive strategies.
        transition: what the transition sets off.
        early_stopping: ends the training when the primary's gradient or a validation metric has converged. A
            `CheckConvergence` waits for the transition if one is expected: during multi-task training, the primary's
            gradient alone does not tell what is still to be learned.
        clip_norm: upper bound on the norm of the whole gradient; None does not clip.
        average: decay of a running average of the parameters (`ParameterAverage`), which is then evaluated and kept in
            place of the last step's; None for none.
        parallel_context: run kernel tasks on a second thread (`KernelThread`).
        on_divergence: ``"stop"`` raises an error where a loss is not finite, or so high that no guessing explains it.
            ``"halve"`` goes back to the state at the last evaluation (or to the one that `load` gave) with half the
            rates, with a warning, up to `MOST_HALVINGS` times. It keeps that state in memory.
        device: where to train: ``"auto"`` (a GPU of CUDA if there is one), ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or
            ``"mps"``. The module is moved there; None trains where it is. Batches are moved to the module.
        accumulate: parts of a batch that are computed one after the other, for batches that do not fit into memory; of
            a `DividedTask`. The gradient is that of the whole batch.
        processes: the processes that train together; by default those of torch's default process group, if it is
            initialised (`mt2st.training.processes`). Each computes a share of every batch. The training is that of one
            process, but for dropout and kernel tasks. Callbacks are called in the first process alone.
        precision: ``"bfloat16"`` computes losses and evaluations under `torch.autocast`; parameters and optimizer stay
            float32.
        callbacks: called in their order at steps, evaluations and events.

    Raises:
        InputError: a number is out of its range, tasks share a name or lack methods, the module lacks an embedding that
            is needed, the optimizer has none of the module's parameters, there is no such device, or arguments do not
            fit together.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> from mt2st.strategy import Switch
        >>> from mt2st.training import DataLoaderTask
        >>> module = nn.ModuleDict({name: nn.Linear(2, 1) for name in ("sum", "difference")})
        >>> points = torch.randn(64, 2, generator=torch.Generator().manual_seed(1))
        >>> def task(name, targets):
        ...     data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(points, targets), batch_size=16)
        ...     loss = lambda module, batch: nn.functional.mse_loss(module[name](batch[0]).squeeze(1), batch[1])
        ...     return DataLoaderTask(name, data, loss, validation=data)
        >>> trainer = Trainer(
        ...     module,
        ...     primary=task("sum", points.sum(dim=1)),
        ...     auxiliaries=[task("difference", points.diff(dim=1).squeeze(1))],
        ...     optimizer=torch.optim.Adam(module.parameters(), lr=0.1),
        ...     strategy=Switch(at=3),
        ...     epochs=20,
        ... )
        >>> run = trainer.fit()
        >>> run.evaluations[run.best].validation["loss"] < 0.01, run.transition_step
        (True, 9)
    """

    def stop(self) -> None:
        """Ask a running `fit` (or the next one) to end after its current step. Safe to call in a signal handler."""
        self._asked_to_stop = True

    def fit(self) -> Run:
        """Train until the epochs are over, the training has converged or `stop` is called.

        The module then has the parameters of the best evaluation (``monitor``); after `stop` it has the current ones,
        and a later `fit` continues from there. Once the training has ended, a further call trains nothing: make a new
        trainer to train more.

        Returns:
            The course of the training.

        Raises:
            InputError: a loss is not finite any more or no single number with a gradient, or a task does not give the
                batches that it promised.
        """
        if self.run.stopped == "interrupted":
            self.run.stopped = "epochs"
        self.module.train()
        try:
            self._tell("before_fit")
            self._begin()
            self._tell("on_fit_start")
            with (
                flushed_denormals(),
                self.processes.statistics_of(self.module),
                KernelThread(parallel=self.parallel_context and bool(self.kernels)) as thread,
            ):
                self._keep_good()
                while self.progress.epoch <= self.epochs and not self._ended:
                    try:
                        self._train_epoch(thread)
                    except DivergedError as error:
                        self._go_back(error)
            self._finish()
        finally:
            self._tell("on_fit_end")
        return self.run

    def _begin(self) -> None:
        """Begin alike in all processes: with the first one's state, which may be that of a checkpoint."""
        self._agree_to_stop()
        if self.processes.count == 1:
            return
        state = self.processes.of_first(self.state_dict)
        if self.processes.rank:
            self.load_state_dict(state)
            # Dropout is another one in each process; the first goes on as it would alone.
            torch.manual_seed(int(torch.randint(2**62, ())) + self.processes.rank)

    def _evaluate(self) -> None:
        super()._evaluate()
        self._keep_good()

    def _keep_good(self) -> None:
        """Keep what to go back to, if a training that diverges is to go on."""
        if self.on_divergence == HALVE:
            self._good = copy.deepcopy({**self.state_dict(), "best": None}) | {"best": self.best_parameters}

    def _go_back(self, error: DivergedError) -> None:
        """Go back to the last good state, and halve the rates.

        At first only those of the kernel task, or of the optimizer, whose task shows the divergence, so that the others
        learn as they should. The cause may be the others', which write into the same table: later all are halved.

        Raises:
            DivergedError: this is not wanted, or was done often enough.
        """
        if self.on_divergence != HALVE:
            raise error
        before, done = self.progress, len(self.run.halvings)
        if done == MOST_HALVINGS:
            raise DivergedError(f"{error}. The rates were halved {done} times", task=error.task) from error
        self.load_state_dict(copy.deepcopy(self._good))  # which shares no tensor with what goes on
        progress = self.progress
        progress.train_seconds, progress.flops = before.train_seconds, before.flops  # spent all the same
        kernels = [task.name for task in self.kernels]
        shows = error.task if error.task in kernels else OPTIMIZER
        alone = self.run.rate_factor(shows) > 0.5 ** (MOST_HALVINGS // 2)
        halved = [shows] if alone else [OPTIMIZER, *kernels]
        warnings.warn(
            f"{error.found}: back to step {progress.step}, with half the rate of {listed(halved)} ({done + 1} of at "
            f"most {MOST_HALVINGS} times)",
            DivergenceWarning,
            stacklevel=2,
        )
        halving = Halving(progress.epoch, progress.step, before.step, error.found, halved)
        self._record("halving", self.run.halvings, halving)
        self._keep_good()

    def _finish(self) -> None:
        stopped, self._stop, self._asked_to_stop = self._stop, False, False
        if stopped and self.run.stopped != "converged":
            self.run.stopped = "interrupted"
            return
        if self.best_parameters is not None:
            self.module.load_state_dict(self.best_parameters)
        elif self.average is not None:
            self.average.copy_to(self.module)
        self._make_alike()
        run = self.run
        end = {"stopped": run.stopped, "cause": run.cause, "best": run.best, "step": self.progress.step}
        self._tell_events([("end", end)])

    @property
    def _parts(self) -> dict[str, Any]:
        """All that has a state of its own, apart from the module."""
        parts = {
            "optimizer": self.optimizer,
            "scheduler": self.scheduler,
            "strategy": self.strategy,
            "combination": self.combiner,
            "average": self.average,
            "rates": self.transition.rates,
            "freezing": self.transition.freezing,
            "feedback": self.feedback,
            "early_stopping": self.early_stopping,
            **{_TASK + task.name: task for task in self.kernels},
            **{_TASK + stream.task.name: stream for stream in self.streams},
        }
        return {name: part for name, part in parts.items() if part is not None}

    def state_dict(self) -> dict[str, Any]:
        """Return all that a new trainer with the same arguments needs to continue from here.

        Without parallel kernel tasks, the continued training is identical to one without interruption.
        """
        module = self.module.state_dict()
        if self.average is not None:
            module.update(self.average.replaced)  # during an evaluation, the module has the average
        return {
            "module": module,
            "best": self.best_parameters,
            "parts": {name: part.state_dict() for name, part in self._parts.items()},
            "random": random_state(self.device),
            "plain": {"progress": asdict(self.progress), "run": self.run.as_dict()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict` of a trainer with the same arguments."""
        plain = state["plain"]
        self.module.load_state_dict(state["module"])
        self.best_parameters = state["best"]
        for name, part in self._parts.items():
            if name in state["parts"] or name.startswith(_TASK):
                part.load_state_dict(state["parts"][name])
        self.progress = Progress(**plain["progress"])
        self.progress.losses = {task: (total, count) for task, (total, count) in self.progress.losses.items()}
        self.run = Run.from_dict(plain["run"])
        if self.run.stopped == "interrupted":
            self.run.stopped = "epochs"
        if self.progress.single_task and self.transition.activate:
            self.transition.activate(self.module)
        set_random_state(self.device, state["random"])

    def save(self, folder: str | PathLike[str], *, identity: Mapping[str, Any] | None = None) -> None:
        """Write a checkpoint, in place of one that is there: whole or not at all, without pickled objects.

        Args:
            folder: where: a folder that is missing, empty or a checkpoint.
            identity: plain values, such as settings and data, that must be the same when the training goes on.

        Raises:
            InputError: the folder cannot be written, or has other files than a checkpoint's.
            DivergedError: the training has diverged; the checkpoint that is there stays.
        """
        self.check_converging()
        write_checkpoint(Path(folder), self.state_dict(), identity or {})

    def load(self, folder: str | PathLike[str], *, identity: Mapping[str, Any] | None = None) -> None:
        """Go on from a checkpoint that `save` wrote. Nothing is unpickled but tensors and plain values.

        Args:
            folder: the checkpoint, of a trainer with the same arguments.
            identity: the plain values that must be the same.

        Raises:
            InputError: a file is missing or broken, or the checkpoint is of another training.
        """
        read_checkpoint(Path(folder), identity or {}, self.load_state_dict, self.device)
