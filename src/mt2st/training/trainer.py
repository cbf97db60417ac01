"""The training loop: from all tasks to the primary one, as a strategy says."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer

from mt2st.errors import InputError
from mt2st.strategy import Observation, Strategy
from mt2st.tasks import KernelTask, Span, Task
from mt2st.training.auxiliary_stream import AuxiliaryStream
from mt2st.training.averaging import ParameterAverage
from mt2st.training.clock import Clock
from mt2st.training.combination import Combiner, GradientCombination
from mt2st.training.combinations import combination_of
from mt2st.training.convergence import CheckConvergence, CheckValidation
from mt2st.training.feedback import Feedback
from mt2st.training.kernel_lane import KernelLane
from mt2st.training.metrics_log import MetricsLog
from mt2st.training.processor import flushed_denormals
from mt2st.training.progress import Progress
from mt2st.training.run import Evaluation, Run
from mt2st.training.state import TrainingState
from mt2st.training.step import OptimisationStep, embedding_weight
from mt2st.training.transition import TransitionEffects


class Trainer(TrainingState):
    """Trains a network on a primary task, with the help of auxiliary tasks for as long as the strategy wants them.

    In each step the strategy says how much each auxiliary task weighs. A task of weight 0 is not computed: no batch is
    drawn, no forward, no backward, and the parameters of its head keep ``grad is None``. The trainer knows tasks and
    strategy by their protocols alone, so a user's own module, losses and data fit in as well as this package's.

    Args:
        network: any module that the tasks' losses accept; for kernel tasks it has an ``embedding`` with a ``weight``.
        primary: the task that all is done for. Its batches make an epoch; its validation chooses the parameters kept.
        optimizer: over the network's parameters.
        strategy: the weights of the auxiliary tasks over time. It is bound to the auxiliaries' names here.
        auxiliaries: any number of tasks of both forms, with different names.
        epochs: the most epochs to train, at least 1.
        seed: decides, with the epoch, the order of all data. (Initial parameters are the network's.)
        evaluations_per_epoch: how often the primary's validation is measured, at even distances.
        select: the validation metric whose best evaluation's parameters are kept at the end, of equals the one of less
            loss, then the earliest. More of it must be better, but of ``"loss"`` less is. None keeps the last, as does
            a task without validation.
        select_single_task: once the transition has come, choose among the evaluations after it alone: what is kept then
            has what the transition brings, such as a layer that is active from there on.
        feedback: measures how each auxiliary task and the primary get along; adaptive strategies decide by it. The
            network then has an ``embedding`` with a ``weight``.
        effects: learning rates, frozen dimensions and whatever else follows the transition.
        convergence: ends the run when the primary's gradient, or its validation measure, has converged. A
            `CheckConvergence` is asked after the transition only, where one is to come: in multi-task training the
            primary's gradient alone does not tell what is still to be learned. One is to come where the strategy's
            course has it within the epochs, or the strategy adapts and auxiliary tasks are still on.
        combination: combines the tasks' gradients on the shared parameters in place of adding them; by default what the
            strategy asks for, which is nothing but for some baselines (`mt2st.strategy.combining`). It goes without
            feedback.
        clip_norm: upper bound on the norm of the whole gradient; None does not clip.
        average: decay of the average of the parameters (`ParameterAverage`), which then is what is evaluated and kept,
            in place of the last step's; None for none.
        beside: whether kernel tasks run on a second thread (`KernelLane`).
        log: file of the metrics, as JSON Lines.
        on_step: called after each step with the progress.
        on_rest: called after each step and its evaluation, when `state_dict` may be taken.
        on_evaluation: called after each evaluation, while the network has the parameters that were evaluated.

    Raises:
        InputError: when two tasks share a name, a number is out of its range, an auxiliary has neither form of a task,
            a kernel task finds no embedding, or the strategy does not fit the tasks.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        primary: Task,
        optimizer: Optimizer,
        strategy: Strategy,
        auxiliaries: Sequence[Task | KernelTask] = (),
        epochs: int,
        seed: int = 1,
        evaluations_per_epoch: int = 1,
        select: str | None = "accuracy",
        select_single_task: bool = False,
        feedback: Feedback | None = None,
        effects: TransitionEffects | None = None,
        convergence: CheckConvergence | CheckValidation | None = None,
        combination: GradientCombination | None = None,
        clip_norm: float | None = None,
        average: float | None = None,
        beside: bool = False,
        log: Path | None = None,
        on_step: Callable[[Progress], None] | None = None,
        on_rest: Callable[[], None] | None = None,
        on_evaluation: Callable[[Evaluation], None] | None = None,
    ) -> None:
        for parameter, value in (("epochs", epochs), ("evaluations_per_epoch", evaluations_per_epoch)):
            if value < 1:
                raise InputError(f"{parameter} must be at least 1, found {value!r}")
        if primary.n_batches < 1:
            raise InputError(f"the primary task '{primary.name}' has no data: it has no batch to train on")
        names = [task.name for task in auxiliaries]
        if primary.name in names:
            raise InputError(f"an auxiliary task has the primary task's name '{primary.name}'")
        for task in auxiliaries:
            if isinstance(task, KernelTask):
                embedding_weight(network, f"the kernel task '{task.name}'")
            elif not isinstance(task, Task):
                raise InputError(
                    f"the auxiliary '{task.name}' is neither a Task nor a KernelTask: it lacks some of their methods"
                )
        self.network, self.primary, self.optimizer = network, primary, optimizer
        self.strategy = strategy.bind(names)
        self.epochs, self.seed = epochs, seed
        if strategy.foreseeable and self.strategy.primary_weight(self._last_time) == 0:
            raise InputError(
                f"{strategy!r} would not train the primary task '{primary.name}' at all: in {epochs} epochs its weight "
                "never rises above 0; train for more, or let the primary task begin earlier"
            )
        self.kernels = [task for task in auxiliaries if isinstance(task, KernelTask)]
        self.streams = [AuxiliaryStream(task, seed) for task in auxiliaries if not isinstance(task, KernelTask)]
        self.evaluations_per_epoch, self.select = evaluations_per_epoch, select
        self.select_single_task = select_single_task
        self.feedback, self.convergence, self.clip_norm, self.beside = feedback, convergence, clip_norm, beside
        if feedback is not None:
            embedding_weight(network, "the feedback")
        combination = combination or combination_of(strategy)
        if combination is not None and feedback is not None:
            raise InputError("gradients that are combined leave none to measure: give a combination or a feedback")
        self.combiner = Combiner(combination, network, [primary.name, *names]) if combination else None
        self.effects = effects or TransitionEffects()
        if self.effects.freezing is not None:
            embedding_weight(network, "freezing")
        if self.effects.rates is not None:
            self.effects.rates.bind(optimizer)
        self.average = ParameterAverage(average) if average is not None else None
        self.log = MetricsLog(log)
        self.on_step, self.on_rest, self.on_evaluation = on_step, on_rest, on_evaluation
        self.progress, self.clock, self.run = Progress(), Clock(self._spent), Run()
        self.best_parameters = None
        self._step = OptimisationStep(self)
        self._stop = False

    def stop(self) -> None:
        """Ask a running `fit` (or the next one) to end after its current step; safe to call from a signal handler."""
        self._stop = True

    @property
    def _spent(self) -> float:
        """Seconds that kernel tasks needed before the first step, where the strategy begins with them.

        Else a task whose data must be prepared would look faster than one that reads the text as it is.
        """
        weights = self.strategy.weights(1)
        return sum(getattr(task, "seconds_before", 0.0) for task in self.kernels if weights[task.name])

    def fit(self) -> Run:
        """Train until the epochs are over, the primary has converged or `stop` is called, and return the run.

        The network then has the parameters of the best evaluation (see ``select``); after `stop` it has the current
        ones, and `state_dict` is what a later `fit` goes on from.
        """
        with flushed_denormals(), KernelLane(beside=self.beside and bool(self.kernels)) as lane:
            self.network.train()
            while self.progress.epoch <= self.epochs and not self._ended():
                self._train_epoch(lane)
        stopped, self._stop = self._stop, False
        if stopped and self.run.stopped != "converged":
            self.run.stopped = "interrupted"
            return self.run
        if self.best_parameters is not None:
            self.network.load_state_dict(self.best_parameters)
        elif self.average is not None:
            self.average.copy_to(self.network)
        ended = {"stopped": self.run.stopped, "cause": self.run.cause}
        self.log.write("end", ended | {"best": self.run.best, "step": self.progress.step})
        return self.run

    def _train_epoch(self, lane: KernelLane) -> None:
        progress, clock = self.progress, self.clock
        parts = self.primary.n_batches
        evaluate_after = {
            round(parts * share / self.evaluations_per_epoch) for share in range(1, self.evaluations_per_epoch + 1)
        }
        batches = islice(self.primary.batches(epoch=progress.epoch, seed=self.seed), progress.batch, None)
        while progress.batch < parts:
            with clock.running():
                self._step.take(self._next(batches), Span(progress.epoch, progress.batch, parts, self.seed), lane)
            progress.batch += 1
            if self.on_step:
                self.on_step(progress)
            if progress.batch in evaluate_after:
                self._evaluate()
            if self._ended():
                return
            if self.on_rest:
                self.on_rest()
        progress.epoch, progress.batch = progress.epoch + 1, 0

    def _next(self, batches: Iterator[Any]) -> Any:
        for batch in batches:
            return batch
        raise InputError(
            f"the primary task '{self.primary.name}' promised {self.primary.n_batches} batches an epoch, "
            f"but gave only {self.progress.batch} in epoch {self.progress.epoch}"
        )

    def _evaluate(self) -> None:
        """Measure the primary's validation, keep the parameters if they are the best so far, tell who wants to know."""
        with self.average.applied(self.network) if self.average else nullcontext():
            evaluation = self._measured()
            self.run.evaluations.append(evaluation)
            self._keep_best(evaluation)
            self.log.write("evaluation", asdict(evaluation))
            self._observe(evaluation)
            if self.on_evaluation:
                self.on_evaluation(evaluation)
        waits = isinstance(self.convergence, CheckConvergence) and self._transition_to_come(evaluation)
        cause = self.convergence.cause(evaluation) if self.convergence and not waits else None
        if cause:
            self.run.stopped, self.run.cause = "converged", cause

    @property
    def single_task_from(self) -> int | None:
        """The first epoch (or step, as the strategy counts) after the transition, by a strategy that can foresee it.

        None where it does not come within the epochs, or the strategy cannot tell.
        """
        return self.strategy.single_task_from(self._last_time) if self.strategy.foreseeable else None

    @property
    def _last_time(self) -> int:
        """The last epoch, or step, as the strategy counts."""
        return self.epochs * (1 if self.strategy.unit == "epoch" else self.primary.n_batches)

    def _transition_to_come(self, evaluation: Evaluation) -> bool:
        if self.effects.happened:
            return False
        if self.strategy.adapts:
            return any(weight > 0 for weight in evaluation.weights.values())
        return self.single_task_from is not None

    def _observe(self, evaluation: Evaluation) -> None:
        """Let the strategy learn from an evaluation, and note what it decides."""
        known = len(self.strategy.decisions)
        if self.effects.rates:
            self.effects.rates.observe(evaluation.validation)
            self._step.log_rate_changes()
        self.strategy.observe(
            Observation(
                evaluation.epoch,
                evaluation.step,
                evaluation.validation,
                evaluation.affinities,
                evaluation.gains,
                losses={task: loss for task, loss in evaluation.losses.items() if task != self.primary.name},
                primary_loss=evaluation.losses.get(self.primary.name, math.nan),
            )
        )
        for decision in self.strategy.decisions[known:]:
            self.run.decisions.append(decision)
            self.log.write("decision", asdict(decision))

    def _measured(self) -> Evaluation:
        progress = self.progress
        losses, norm = progress.take_means()
        signals = self.feedback.take() if self.feedback else {"cosine": {}, "gain": {}}
        weights = self.strategy.weights_at(epoch=progress.epoch, step=progress.step)
        return Evaluation(
            epoch=progress.epoch,
            step=progress.step,
            train_seconds=self.clock.seconds,
            losses=losses,
            weights=weights,
            learning_rates={
                group.get("name", str(number)): group["lr"] for number, group in enumerate(self.optimizer.param_groups)
            }
            | {task.name: task.rate for task in self.kernels if weights[task.name] > 0 and hasattr(task, "rate")},
            gradient_norm=norm,
            validation=dict(self.primary.evaluate(self.network)),
            affinities=signals["cosine"],
            gains=signals["gain"],
            flops=progress.flops,
            primary_weight=self.strategy.primary_weight_at(epoch=progress.epoch, step=progress.step),
        )

    def _keep_best(self, evaluation: Evaluation) -> None:
        if self.select is None or not evaluation.validation:
            self.run.best = len(self.run.evaluations) - 1
            return
        if self.select not in evaluation.validation:
            raise InputError(
                f"select names the metric '{self.select}', but the task '{self.primary.name}' measures "
                f"{sorted(evaluation.validation)}"
            )
        best = self.run.evaluations[self.run.best] if self.run.best >= 0 else None
        too_early = (
            self.select_single_task and self.effects.happened and best is not None and any(best.weights.values())
        )
        if best is None or too_early or evaluation.rank(self.select) > best.rank(self.select):
            self.run.best = len(self.run.evaluations) - 1
            self.best_parameters = copy.deepcopy(self.network.state_dict())

    def _ended(self) -> bool:
        return self._stop or self.run.stopped == "converged"
