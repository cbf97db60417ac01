"""The loop of a training: an epoch, its steps and its evaluations (eqs 2 to 5, Algorithms 1 and 2).

The way of a batch: the primary task's batch and one batch of each auxiliary task that is on -> loss of each task x
weight from the strategy -> backward -> optimizer -> (every n steps) feedback -> evaluation -> strategy.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from mt2st.errors import DivergedError, InputError, listed, suggestion
from mt2st.strategy import CombiningStrategy, Observation, Strategy, as_strategy
from mt2st.strategy.parameters import positive, whole
from mt2st.training.averaging import ParameterAverage
from mt2st.training.callbacks import Callback, check_callbacks
from mt2st.training.combination import Combiner
from mt2st.training.convergence import CheckConvergence, EarlyStopping
from mt2st.training.device import BFLOAT16, FLOAT32, computing_in, device_named, device_of, moved
from mt2st.training.feedback import Feedback, StepDirections
from mt2st.training.kernel_thread import KernelThread
from mt2st.training.modules import check_optimised, checked_loss, embedding_weight, evaluation_mode, gradient_norm
from mt2st.training.processes import Alone, current
from mt2st.training.run import OPTIMIZER, Evaluation, Freeze, Halving, ProbeFit, Progress, Run, Transition, timed
from mt2st.training.task import (
    AuxiliaryStream,
    EpochSlice,
    KernelTask,
    SharedKernelTask,
    Shares,
    Task,
    check_metrics,
    check_tasks,
    shares_of,
)
from mt2st.training.transition import TransitionActions

AUTO, LOSS = "auto", "loss"
STOP, HALVE = ON_DIVERGENCE = "stop", "halve"
RecordT = TypeVar("RecordT", Transition, Freeze, ProbeFit, Halving)
Event = tuple[str, Mapping[str, Any]]
"""Kind and values, as `Callback.on_event` gets them."""
JOIN_EVERY = 4
"""Steps after which the tables that kernel tasks move are made alike in all processes: usually some ten thousand words
of each. Word vectors were as good with 10,000 to 200,000 (docs/howto/several-machines.md)."""
NORM_EVERY = 10
"""Steps between two norms of the primary's gradient: on small models a norm costs a tenth of a step. The first step
after each evaluation has one too, so that every evaluation has a mean."""


class TrainingLoop:
    """The part of `mt2st.training.Trainer` that trains; the trainer starts, saves and loads it.

    Its attributes are the trainer's arguments, and ``kernels`` and ``streams``: the auxiliary tasks with compiled
    updates of their own, and the batches of the others.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        primary: Task,
        optimizer: Optimizer,
        strategy: str | Strategy = "diminish",
        auxiliaries: Sequence[Task | KernelTask] = (),
        epochs: int,
        seed: int = 1,
        monitor: str | None = AUTO,
        evaluations_per_epoch: int = 1,
        scheduler: LRScheduler | None = None,
        feedback: Feedback | None = None,
        transition: TransitionActions | None = None,
        early_stopping: CheckConvergence | EarlyStopping | None = None,
        clip_norm: float | None = None,
        average: float | None = None,
        parallel_context: bool = False,
        on_divergence: str = STOP,
        device: str | torch.device | None = None,
        precision: str = FLOAT32,
        accumulate: int = 1,
        processes: Alone | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        for argument, value, kind in (("module", module, nn.Module), ("optimizer", optimizer, Optimizer)):
            if not isinstance(value, kind):
                raise InputError(f"{argument} must be an object of torch's {kind.__name__}, found {value!r}")
        for argument, part, method in (
            ("scheduler", scheduler, "step"),
            ("feedback", feedback, "watch"),
            ("transition", transition, "activate"),
            ("early_stopping", early_stopping, "cause"),
        ):
            if part is not None and not hasattr(part, method):
                raise InputError(f"{argument} must be an object with '{method}', found {part!r}")
        if not isinstance(monitor, str | None):
            raise InputError(f"monitor must be the name of a metric, 'auto' or None, found {monitor!r}")
        if on_divergence not in ON_DIVERGENCE:
            raise InputError(f"on_divergence must be one of {listed(ON_DIVERGENCE)}, found {on_divergence!r}")
        check_tasks(primary, auxiliaries)
        if precision not in (FLOAT32, BFLOAT16):
            raise InputError(f"precision must be '{FLOAT32}' or '{BFLOAT16}', found {precision!r}")
        if device is not None:
            module.to(device_named(device))  # in place: the optimizer's parameters are still the module's
        self.device, self.precision = device_of(module), precision
        strategy = as_strategy(strategy)
        self.module, self.primary, self.optimizer = module, primary, optimizer
        self.strategy = strategy.bind([task.name for task in auxiliaries])
        self.epochs, self.seed = whole("epochs", epochs), whole("seed", seed, least=0)
        if strategy.is_fixed and self.strategy.primary_weight(self._last_time) == 0:
            raise InputError(
                f"{strategy!r} would not train the primary task '{primary.name}' at all: in {epochs} epochs its weight "
                "never rises above 0; train for more, or let the primary task begin earlier"
            )
        self.processes, self.accumulate = processes or current(), whole("accumulate", accumulate)
        self.kernels = [task for task in auxiliaries if isinstance(task, KernelTask)]
        self.streams = [
            AuxiliaryStream(task, self.seed, partial(self._shares, task))
            for task in auxiliaries
            if not isinstance(task, KernelTask)
        ]
        self.evaluations_per_epoch = whole("evaluations_per_epoch", evaluations_per_epoch)
        self.monitor = monitor
        self.scheduler, self.feedback, self.early_stopping = scheduler, feedback, early_stopping
        self.transition = transition or TransitionActions()
        self.clip_norm = None if clip_norm is None else positive("clip_norm", clip_norm)
        self.parallel_context, self.callbacks = parallel_context, check_callbacks(callbacks)
        self.on_divergence = on_divergence
        self.combiner: Combiner | None = None
        if isinstance(self.strategy, CombiningStrategy):
            self.strategy.check_requirements()
            self.combiner = Combiner(self.strategy, module, [primary.name, *self.strategy.auxiliaries])
        self.average = ParameterAverage(average) if average is not None else None
        self._check_parts()
        if self.transition.rates is not None:
            self.transition.rates.bind(optimizer)
        self.progress, self.run = Progress(train_seconds=self._prepared_seconds), Run()
        self.best_parameters: dict[str, Tensor] | None = None
        self._stop = self._asked_to_stop = False
        self._apart = False
        """Whether kernels have moved the table since the processes' were alike."""
        self.told: Sequence[Evaluation] = ()
        """What an earlier training measured at its evaluations. A training on all labelled data has nothing to measure
        on; told this, strategy and learning rates decide at each evaluation as they did there."""

    def _check_parts(self) -> None:
        """Refuse parts that the module cannot bear, or that do not go together."""
        check_optimised(self.module, self.optimizer)
        if known := tuple(getattr(self.primary, "metric_names", ())):
            self._check_monitors(known)
        users = [f"the kernel task '{task.name}'" for task in self.kernels]
        users += ["feedback"] * (self.feedback is not None)
        users += ["freezing"] * (self.transition.freezing is not None)
        for user in users:
            embedding_weight(self.module, user)
        if self.combiner is not None and self.feedback is not None:
            raise InputError(
                f"{self.strategy!r} combines the gradients, which leaves none to measure: train without feedback"
            )
        if self.processes.count > 1 and self.kernels and self.combiner is not None:
            raise InputError(
                f"{self.strategy!r} combines the gradients with what '{self.kernels[0].name}' does to the embedding, "
                "which each process sees for itself: train in one process"
            )
        if self.scheduler is not None and self.transition.rates is not None:
            raise InputError("scheduler and transition.rates both set the learning rates: give one of them")
        if isinstance(self.scheduler, ReduceLROnPlateau):
            raise InputError(
                "ReduceLROnPlateau needs a metric in each step: give transition=TransitionActions("
                "rates=LearningRateSchedule(patience=...)) in place of a scheduler"
            )

    @property
    def _prepared_seconds(self) -> float:
        """Seconds that kernel tasks took to prepare their data, if the strategy begins with them: training time too.

        Otherwise a task whose data must be prepared would look faster than one that reads the text as it is.
        """
        weights = self.strategy.weights(1)
        return sum(getattr(task, "seconds_before", 0.0) for task in self.kernels if weights[task.name])

    def _train_epoch(self, thread: KernelThread) -> None:
        progress, parts = self.progress, self.primary.n_batches
        evaluate_after = {
            round(parts * number / self.evaluations_per_epoch) for number in range(1, self.evaluations_per_epoch + 1)
        }
        shares = islice(self._shares(self.primary, epoch=progress.epoch, seed=self.seed), progress.batch, None)
        while True:
            # Before the step, not after it: a checkpoint written at the end of a step goes on with its evaluation.
            if progress.batch in evaluate_after and progress.step > self.run.steps:
                self._evaluate()
            self._agree_to_stop()
            if self._ended:
                return
            if progress.batch == parts:
                break
            waited = thread.waited
            with timed(progress, "train_seconds"):
                self._step(self._next(shares), EpochSlice(progress.epoch, progress.batch, parts, self.seed), thread)
            progress.kernel_seconds += thread.waited - waited
            progress.batch += 1
            self._tell("on_step_end")
        progress.epoch, progress.batch = progress.epoch + 1, 0

    def _shares(self, task: Task, *, epoch: int, seed: int) -> Iterator[Shares]:
        """Yield this process's part of each batch, in as many parts as are computed one after the other."""
        numbers = range(self.processes.rank * self.accumulate, (self.processes.rank + 1) * self.accumulate)
        of = self.processes.count * self.accumulate
        return shares_of(task, epoch=epoch, seed=seed, numbers=numbers, of=of)

    def _next(self, shares: Iterator[Shares]) -> Shares:
        for share in shares:
            return share
        raise InputError(
            f"the primary task '{self.primary.name}' promised {self.primary.n_batches} batches an epoch, "
            f"but gave only {self.progress.batch} in epoch {self.progress.epoch}"
        )

    # One step

    def _step(self, shares: Shares, epoch_slice: EpochSlice, thread: KernelThread) -> None:
        """Take one step: the primary's gradient plus the weighted gradients of the tasks that are on (eq. 3)."""
        progress, strategy, freezing = self.progress, self.strategy, self.transition.freezing
        progress.step += 1
        weights = strategy.weights_at(epoch=progress.epoch, step=progress.step)
        primary_weight = strategy.primary_weight_at(epoch=progress.epoch, step=progress.step)
        if not any(weights[task.name] for task in self.kernels):
            self._join()  # before anything is made of the table that all processes must have alike
        self._follow_transition(weights)
        # Looks at the gradient of each task by itself: to measure it (feedback), or to combine it with the others.
        watcher = self._watcher(weights, primary_weight)
        jobs: dict[str, Callable[[], float]] = {
            task.name: partial(self._update_kernel, task, weights[task.name], epoch_slice, thread)
            for task in self.kernels
            if weights[task.name] > 0
        }
        if watcher is not None:
            jobs = {name: watcher.watched(name, job, weights[name]) for name, job in jobs.items()}
        losses: dict[str, float] = {}
        primary_loss = math.nan

        with thread.running(jobs) as kernel_losses:
            self.optimizer.zero_grad(set_to_none=True)
            if primary_weight > 0:
                primary_loss = self._backward(self.primary, shares, primary_weight)
                progress.record_loss(self.primary.name, primary_loss)
                if progress.step % NORM_EVERY == 1 or progress.norms[1] == 0:
                    progress.record_norm(gradient_norm(self.module.parameters()) / primary_weight)
                if freezing is not None:  # the relevance of dimensions is by the primary's gradient alone
                    freezing.watch(embedding_weight(self.module, "freezing"))
                if watcher is not None:
                    watcher.take(self.primary.name)
            for stream in self.streams:
                name = stream.task.name
                if weights[name] > 0:
                    losses[name] = self._backward(stream.task, stream.draw(), weights[name])
                    if watcher is not None:
                        watcher.take(name)
            if watcher is not None:
                thread.wait()  # the kernels' displacements are complete only now
                watcher.finish()
            if self.clip_norm is not None:
                nn.utils.clip_grad_norm_(self.module.parameters(), self.clip_norm)
            self._move()
        self._apart = self._apart or (bool(jobs) and self.processes.count > 1)
        if progress.step % JOIN_EVERY == 0:
            self._join()
        if freezing is not None:  # whatever has moved the table: momentum, weight decay, kernels
            freezing.restore(embedding_weight(self.module, "freezing"))
        if self.scheduler is not None:
            self.scheduler.step()
        if self.average is not None:
            self.average.update(self.module)
        losses |= self._kernel_losses(kernel_losses)
        for name, value in losses.items():
            if math.isinf(value):
                raise self._diverged(name, value)
        for name, value in losses.items():
            progress.record_loss(name, value)
        if strategy.needs_losses:
            strategy.after_step(losses, primary_loss)

    def _move(self) -> None:
        """Let the optimizer make its step, at rates that schedules know nothing of if they were halved."""
        factor, groups = self.run.rate_factor(OPTIMIZER), self.optimizer.param_groups
        scheduled = [group["lr"] for group in groups]
        try:
            if factor < 1:
                for group in groups:
                    group["lr"] = factor * group["lr"]
            self.optimizer.step()
        finally:
            for group, rate in zip(groups, scheduled, strict=True):
                group["lr"] = rate

    def _backward(self, task: Task, shares: Shares, weight: float) -> float:
        """Add a task's weighted gradient to the parameters' and return its loss, without the weight."""

        def share() -> float:
            total = 0.0
            for batch, factor in shares:
                with computing_in(self.precision, self.device):
                    loss = checked_loss(task.loss(self.module, moved(batch, self.device)), task.name)
                weighted = weight * factor
                (loss if weighted == 1 else weighted * loss).backward()  # type: ignore[no-untyped-call]
                total += factor * float(loss.item())
            return total

        value = self.processes.backward(self.module, share)
        if not math.isfinite(value):
            raise self._diverged(task.name, value)
        return value

    def _update_kernel(self, task: KernelTask, weight: float, epoch_slice: EpochSlice, thread: KernelThread) -> float:
        count, rank = self.processes.count, self.processes.rank
        elapsed = self._elapsed(task, epoch_slice)
        # Each process has its share of the text. The mean of what they do, each with a rate so many times as high, is
        # what one process would do on all of it; with the rate as it is, the task would learn so many times less.
        epoch_slice = replace(
            epoch_slice, part=epoch_slice.part * count + rank, parts=epoch_slice.parts * count, elapsed=elapsed
        )
        weight *= self.run.rate_factor(task.name) * count
        table = embedding_weight(self.module, task.name).data
        try:
            if isinstance(task, SharedKernelTask):
                shared = thread.run_parallel
                return float(task.update_shared(table, weight=weight, epoch_slice=epoch_slice, run_parallel=shared))
            return float(task.update(table, weight=weight, epoch_slice=epoch_slice))
        except DivergedError:  # which knows neither task nor step, nor what all processes are to do now
            return math.inf

    def _kernel_losses(self, own: Mapping[str, float]) -> dict[str, float]:
        """Return the mean loss of each kernel task over the processes; none of a task that had nothing to learn."""
        figures = [number for value in own.values() for number in ((0.0, 0.0) if math.isnan(value) else (value, 1.0))]
        sums = self.processes.sums(figures) if figures else []
        counted = zip(own, sums[::2], sums[1::2], strict=True)
        return {name: total / count for name, total, count in counted if count}

    def _join(self) -> None:
        """Make the tables that kernels have moved alike in all processes."""
        if not self._apart:
            return
        states = {task.name: task.state_dict() for task in self.kernels}
        own = [table for state in states.values() for table in state.values() if table.is_floating_point()]
        freezing = self.transition.freezing
        relevance = freezing.sums if freezing is not None else []
        self.processes.average([embedding_weight(self.module, self.kernels[0].name).data, *own, *relevance])
        for task in self.kernels:  # whose state may be a copy
            task.load_state_dict(states[task.name])
        self._apart = False

    def _elapsed(self, task: KernelTask, epoch_slice: EpochSlice) -> tuple[float, float]:
        """Return the shares of a task's time that have passed before and after the step."""
        if self.strategy.unit == "epoch":
            steps = (self.strategy.off_from(task.name, self.epochs) - 1) * epoch_slice.parts
        else:
            steps = self.strategy.off_from(task.name, self.epochs * epoch_slice.parts) - 1
        before = (epoch_slice.epoch - 1) * epoch_slice.parts + epoch_slice.part
        if before >= steps:  # a user's strategy has brought the task back
            steps = self.epochs * epoch_slice.parts
        return before / steps, (before + 1) / steps

    def _watcher(self, weights: Mapping[str, float], primary_weight: float) -> StepDirections | Combiner | None:
        if self.feedback is not None and primary_weight > 0 and any(weights.values()):
            return self.feedback.watch(self.module, self.optimizer, self.progress.step)
        return self.combiner

    def _diverged(self, task: str, loss: float, most: float | None = None) -> DivergedError:
        less = "" if task == self.primary.name else ", a smaller weight of this auxiliary task"
        found = f"is {loss:.4g}" if most is None else f"is {loss:.4g} on average, above {most:.4g},"
        return self._divergence(f"the loss of '{task}' {found}", task, less)

    def _divergence(self, found: str, task: str = "", less: str = "") -> DivergedError:
        found = f"{found} in step {self.progress.step} (epoch {self.progress.epoch})"
        rates = {name: float(f"{rate:.4g}") for name, rate in self._rates().items()}
        advice = f"choose smaller learning rates than {rates}{less}, or a clip_norm"
        return DivergedError(f"the training has diverged: {found}; {advice}", found=found, task=task)

    def check_converging(self) -> None:
        """Raise if the training has diverged since the last evaluation; each loss is looked at as it comes.

        Raises:
            DivergedError: the mean loss of a task is above its ``most_loss``, or a parameter is not finite.
        """
        tasks: list[Task | KernelTask] = [self.primary, *self.kernels, *(stream.task for stream in self.streams)]
        for task in tasks:
            total, count = self.progress.losses.get(task.name, (0.0, 0))
            most = getattr(task, "most_loss", math.inf)
            if count and total / count > most:
                raise self._diverged(task.name, total / count, most)
        for name, parameter in self.module.named_parameters():
            # The largest one of all: without the copy that torch.isfinite makes.
            if parameter.numel() and not math.isfinite(torch.linalg.vector_norm(parameter.detach(), ord=math.inf)):
                raise self._divergence(f"'{name}' is not finite after the update")

    def _rates(self) -> dict[str, float]:
        """Return the learning rates of the optimizer's groups, and of the kernel tasks that are on."""
        factor = self.run.rate_factor(OPTIMIZER)
        rates = {
            group.get("name", str(number)): factor * float(group["lr"])
            for number, group in enumerate(self.optimizer.param_groups)
        }
        on = [task for task in self.kernels if task.name in self.progress.active and hasattr(task, "rate")]
        return rates | {task.name: float(task.rate) * self.run.rate_factor(task.name) for task in on}

    # The transition

    def _follow_transition(self, weights: Mapping[str, float]) -> None:
        """Record tasks that go off before this step, and act when the last one does."""
        progress, actions = self.progress, self.transition
        active = [name for name, weight in weights.items() if weight > 0]
        for name in progress.active:
            if name not in active:
                self._record("transition", self.run.transitions, Transition(name, progress.epoch, progress.step))
        begins = bool(progress.active) and not active and not progress.single_task and self._stays_off()
        progress.active = active
        if begins:
            progress.single_task = True
            if actions.rates is not None:
                actions.rates.transition(progress.step)
            if actions.activate is not None:
                actions.activate(self.module)
        if actions.rates is not None:
            actions.rates.apply(self.optimizer, progress.step)
            self._tell_events(self._rate_changes())
        if begins and actions.probe is not None:
            self._probe_head()
        if actions.freezing is not None:
            self._freeze()

    def _stays_off(self) -> bool:
        """Return whether the tasks, which are all off now, are known to stay off."""
        now = self.progress.epoch if self.strategy.unit == "epoch" else self.progress.step
        return self.strategy.off_is_final or now == self.transition_time

    def _probe_head(self) -> None:
        """Go on from a newly fitted head. What optimizer and average remember of the old one would pull back to it."""
        assert self.transition.probe is not None
        fitted = self.transition.probe(self.module)
        for parameter in fitted.parameters:
            self.optimizer.state.pop(parameter, None)
        if self.average is not None:
            self.average.restart()
        self._make_alike()
        outcome = fitted.texts, fitted.iterations, fitted.converged, fitted.operations
        self._record("probe", self.run.probes, ProbeFit(self.progress.epoch, self.progress.step, *outcome))

    def _make_alike(self) -> None:
        """Give all processes the first one's module, to the last digit."""
        if self.processes.count > 1:
            self.module.load_state_dict(self.processes.of_first(self.module.state_dict))

    def _freeze(self) -> None:
        freezing, progress = self.transition.freezing, self.progress
        assert freezing is not None
        table = embedding_weight(self.module, "freezing")
        new = freezing.update(table, epoch=progress.epoch, single_task=progress.single_task, join=self._join)
        if not new:
            return
        freeze = Freeze(progress.epoch, progress.step, new, freezing.relevance.tolist())
        self._record("freeze", self.run.freezes, freeze)
        if self.average is not None:
            self.average.pin("embedding.weight", new, table)

    def _rate_changes(self) -> list[Event]:
        where = {"epoch": self.progress.epoch, "step": self.progress.step}
        changes = self.transition.rates.take_changes() if self.transition.rates else ()
        return [("learning_rate", where | asdict(change)) for change in changes]

    # Evaluation

    def _evaluate(self) -> None:
        """Evaluate the primary task, keep the best parameters, and let strategy and callbacks know."""
        self._join()
        with self.average.applied(self.module) if self.average else nullcontext():
            evaluation = self._measured()
            self.run.evaluations.append(evaluation)
            self._keep_best(evaluation)
            # Before the callbacks: a checkpoint that one of them writes has all that follows from the evaluation.
            events = self._adapt(evaluation)
            for callback in self._told:
                callback.on_evaluation(self, evaluation)
        self._tell_events(events)

    def _measured(self) -> Evaluation:
        progress = self.progress
        self.check_converging()
        losses, norm = progress.take_means()
        taken = self.feedback.take() if self.feedback else {"cosine": {}, "gain": {}}
        signals = self.processes.of_first(lambda: taken)
        weights = self.strategy.weights_at(epoch=progress.epoch, step=progress.step)
        validation = self.processes.of_first(self._validation)
        for told in self.told[len(self.run.evaluations) :][:1]:
            validation = dict(told.validation)
            signals = {"cosine": dict(told.gradient_cosines), "gain": dict(told.gains)}
        if (found := validation.get(LOSS, 0.0)) > (most := getattr(self.primary, "most_loss", math.inf)):
            raise self._divergence(f"the validation loss is {found:.4g}, above {most:.4g},", self.primary.name)
        return Evaluation(
            epoch=progress.epoch,
            step=progress.step,
            train_seconds=progress.train_seconds,
            losses=losses,
            weights=weights,
            learning_rates=self._rates(),
            gradient_norm=norm,
            validation=validation,
            gradient_cosines=signals["cosine"],
            gains=signals["gain"],
            flops=progress.flops,
            primary_weight=self.strategy.primary_weight_at(epoch=progress.epoch, step=progress.step),
        )

    def _validation(self) -> dict[str, float]:
        with evaluation_mode(self.module), computing_in(self.precision, self.device):
            return check_metrics(self.primary.name, self.primary.evaluate(self.module))

    def _check_monitors(self, metrics: Iterable[str]) -> None:
        """Refuse the name of a metric that the primary task does not report."""
        names = {"monitor": None if self.monitor == AUTO else self.monitor}
        if isinstance(self.early_stopping, EarlyStopping):
            names["the monitor of early_stopping"] = self.early_stopping.monitor
        for argument, name in names.items():
            if name is not None and name not in metrics:
                raise InputError(
                    f"{argument} names the metric '{name}', which the task '{self.primary.name}' does not report."
                    f"{suggestion(name, metrics)} It reports: {listed(metrics)}"
                )

    def _keep_best(self, evaluation: Evaluation) -> None:
        found, number = evaluation.validation, len(self.run.evaluations) - 1
        if found:
            self._check_monitors(found)
        if self.monitor == AUTO and found and AUTO not in found:
            self.monitor = LOSS if LOSS in found else None
        if self.monitor is None or not found:
            self.run.best = number
            return
        best = self.run.evaluations[self.run.best] if self.run.best >= 0 else None
        too_early = (
            self.transition.keep_after and self.progress.single_task and best is not None and any(best.weights.values())
        )
        if best is None or too_early or evaluation.rank(self.monitor) > best.rank(self.monitor):
            self.run.best = number
            self.best_parameters = copy.deepcopy(self.module.state_dict())

    def _adapt(self, evaluation: Evaluation) -> list[Event]:
        """Let learning rates, strategy and early stopping follow an evaluation. Return what the callbacks are told."""
        if self.transition.rates is not None:
            self.transition.rates.observe(evaluation.validation)
        known = len(self.strategy.decisions)
        self.strategy.after_evaluation(
            Observation(
                evaluation.epoch,
                evaluation.step,
                evaluation.validation,
                evaluation.gradient_cosines,
                evaluation.gains,
                losses={task: loss for task, loss in evaluation.losses.items() if task != self.primary.name},
                primary_loss=evaluation.losses.get(self.primary.name, math.nan),
            )
        )
        decisions = self.strategy.decisions[known:]
        self.run.decisions += decisions
        waits = isinstance(self.early_stopping, CheckConvergence) and self._transition_expected(evaluation)
        if self.early_stopping is not None and not waits and (cause := self.early_stopping.cause(evaluation)):
            self.run.stopped, self.run.cause = "converged", cause
        return [*self._rate_changes(), *(("decision", asdict(each)) for each in decisions)]

    def _agree_to_stop(self) -> None:
        """Stop if any process was asked to, all after the same step."""
        self._stop = self.processes.sums([float(self._asked_to_stop)])[0] > 0

    @property
    def _ended(self) -> bool:
        return self._stop or self.run.stopped == "converged"

    @property
    def _last_time(self) -> int:
        """The last epoch, or step, as the strategy counts."""
        return self.epochs * (1 if self.strategy.unit == "epoch" else self.primary.n_batches)

    @property
    def transition_time(self) -> int | None:
        """The epoch (or step, as the strategy counts) of the transition, if a fixed schedule reaches one."""
        return self.strategy.transition_time(self._last_time) if self.strategy.is_fixed else None

    def _transition_expected(self, evaluation: Evaluation) -> bool:
        if self.progress.single_task:
            return False
        if self.strategy.is_fixed:
            return self.transition_time is not None
        return self.strategy.reaches_single_task and any(weight > 0 for weight in evaluation.weights.values())

    def _record(self, kind: str, records: list[RecordT], record: RecordT) -> None:
        """Add a record to the run and tell the callbacks."""
        records.append(record)
        self._tell_events([(kind, asdict(record))])

    def _tell_events(self, events: Sequence[Event]) -> None:
        for kind, values in events:
            for callback in self._told:
                callback.on_event(self, kind, values)

    def _tell(self, method: str) -> None:
        for callback in self._told:
            getattr(callback, method)(self)

    @property
    def _told(self) -> Sequence[Callback]:
        return self.callbacks if self.processes.rank == 0 else ()
