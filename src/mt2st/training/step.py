"""One step of the optimisation, from the primary's batch to the moved parameters (eqs 2 to 5, Algorithms 1 and 2)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from torch import nn

from mt2st.errors import InputError
from mt2st.tasks import KernelTask, SharedKernelTask, Span
from mt2st.training.feedback import Probe
from mt2st.training.kernel_lane import Job, KernelLane
from mt2st.training.numerics import gradient_norm
from mt2st.training.refit import FittedHead
from mt2st.training.run import Refit, Transition
from mt2st.training.state import TrainingState

GRADIENT_SAMPLE = 10
"""The norm of the primary's gradient is taken in one step of ten: on small models it costs a tenth of a step. (And in
the first step after each evaluation, so that every evaluation has one.)"""


class OptimisationStep:
    """Moves the parameters once, as eq. 3 says, with the tasks that are on; notes what happened on the way.

    Args:
        state: of the training. It is looked up in each step: loading a checkpoint replaces parts of it.
    """

    def __init__(self, state: TrainingState) -> None:
        self._state = state

    def take(self, batch: Any, span: Span, lane: KernelLane) -> None:
        """Take one step: the primary's gradient plus the weighted gradients of the tasks that are on.

        Args:
            batch: of the primary task.
            span: the part of the epoch that this step is, for kernel tasks.
            lane: where kernel tasks run.

        Raises:
            InputError: when the primary's loss is no finite number any more.
        """
        state = self._state
        progress = state.progress
        progress.step += 1
        weights = state.strategy.weights_at(epoch=progress.epoch, step=progress.step)
        of_primary = state.strategy.primary_weight_at(epoch=progress.epoch, step=progress.step)
        self._note_transitions(weights)
        self._apply_effects(weights)
        freezing = state.effects.freezing
        kernels: dict[str, Job] = {
            task.name: partial(self._update, task, weight=weights[task.name], span=span, lane=lane)
            for task in state.kernels
            if weights[task.name] > 0
        }
        probe = self._new_probe(weights) if of_primary > 0 else None
        if probe:
            kernels = {name: probe.kernel(name, job) for name, job in kernels.items()}
        combiner = state.combiner
        if combiner and kernels:
            table = embedding_weight(state.network, "a combination of gradients")
            kernels = {name: combiner.kernel(name, table, job, weights[name]) for name, job in kernels.items()}
        streams = [stream for stream in state.streams if weights[stream.task.name] > 0]
        losses: dict[str, float] = {}
        primary_loss = math.nan

        with lane.running(kernels) as kernel_losses:
            state.optimizer.zero_grad(set_to_none=True)
            if of_primary > 0:
                primary_loss = self._backward_primary(batch, of_primary, probe)
            if freezing:
                freezing.watch(embedding_weight(state.network, "freezing"))
            if combiner:
                combiner.take(state.primary.name)
            for stream in streams:
                name = stream.task.name
                loss = stream.task.loss(state.network, stream.draw())
                (weights[name] * loss).backward()  # type: ignore[no-untyped-call]
                losses[name] = loss.item()
                if probe:
                    probe.auxiliary(name)
                if combiner:
                    combiner.take(name)
            if probe:
                lane.wait()
                self._measure(probe)
            if combiner:
                lane.wait()
                combiner.finish(table if kernels else None)
            if state.clip_norm is not None:
                nn.utils.clip_grad_norm_(state.network.parameters(), state.clip_norm)
            state.optimizer.step()
        if freezing:
            freezing.restore(embedding_weight(state.network, "freezing"))
        if state.average is not None:
            state.average.update(state.network)
        losses |= {name: value for name, value in kernel_losses.items() if not math.isnan(value)}
        for name, value in losses.items():
            progress.record_loss(name, value)
        if state.strategy.learns:
            state.strategy.learn(losses, primary_loss)

    def _backward_primary(self, batch: Any, weight: float, probe: Probe | None) -> float:
        """Leave the primary's weighted gradient on the parameters; record and return its loss, without the weight."""
        state = self._state
        progress = state.progress
        loss = state.primary.loss(state.network, batch)
        (loss if weight == 1 else weight * loss).backward()  # type: ignore[no-untyped-call]
        value = loss.item()
        self._record_primary(value)
        if probe:
            probe.primary()
        if progress.step % GRADIENT_SAMPLE == 1 or progress.norms[1] == 0:
            progress.record_norm(gradient_norm(state.network.parameters()) / weight)
        return value

    def _apply_effects(self, weights: Mapping[str, float]) -> None:
        state = self._state
        progress = state.progress
        table = embedding_weight(state.network, "freezing") if state.effects.freezing else None
        freeze = state.effects.before_step(
            state.network, table, state.optimizer, weights, epoch=progress.epoch, step=progress.step
        )
        self.log_rate_changes()
        self._take_over(state.effects.take_refitted())
        if freeze and table is not None:
            state.run.freezes.append(freeze)
            state.log.write("freeze", asdict(freeze))
            if state.average:
                state.average.pin("embedding.weight", freeze.dimensions, table)

    def _take_over(self, fitted: FittedHead | None) -> None:
        """Go on from a head that was fitted anew: what is remembered of the old one would pull back to it."""
        if fitted is None:
            return
        state = self._state
        progress = state.progress
        for parameter in fitted.parameters:
            state.optimizer.state.pop(parameter, None)
        if state.average:
            state.average.restart()
        refit = Refit(
            progress.epoch, progress.step, fitted.texts, fitted.iterations, fitted.converged, fitted.operations
        )
        state.run.refits.append(refit)
        state.log.write("refit", asdict(refit))

    def log_rate_changes(self) -> None:
        """Write to the log what the learning rates have become, and why."""
        state = self._state
        progress = state.progress
        for change in state.effects.rates.take_changes() if state.effects.rates else ():
            state.log.write("learning_rate", {"epoch": progress.epoch, "step": progress.step} | asdict(change))

    def _new_probe(self, weights: Mapping[str, float]) -> Probe | None:
        state = self._state
        if state.feedback is None or not (state.feedback.due(state.progress.step) and any(weights.values())):
            return None
        return state.feedback.probe(embedding_weight(state.network, "feedback"))

    def _measure(self, probe: Probe) -> None:
        state = self._state
        assert state.feedback is not None
        table = embedding_weight(state.network, "feedback")
        rate = next(
            group["lr"] for group in state.optimizer.param_groups if any(each is table for each in group["params"])
        )
        state.feedback.measure(state.network, table, probe, learning_rate=rate)

    def _update(self, task: KernelTask, *, weight: float, span: Span, lane: KernelLane) -> float:
        span = replace(span, elapsed=self._elapsed(task, span))
        table = embedding_weight(self._state.network, task.name).data
        if isinstance(task, SharedKernelTask):
            return task.update_shared(table, weight=weight, span=span, share=lane.share)
        return task.update(table, weight=weight, span=span)

    def _elapsed(self, task: KernelTask, span: Span) -> tuple[float, float]:
        """Return the shares of a task's time that have passed before and after the step."""
        strategy, epochs = self._state.strategy, self._state.epochs
        if strategy.unit == "epoch":
            steps = (strategy.off_from(task.name, epochs) - 1) * span.parts
        else:
            steps = strategy.off_from(task.name, epochs * span.parts) - 1
        before = (span.epoch - 1) * span.parts + span.part
        return min(1.0, before / steps), min(1.0, (before + 1) / steps)  # of a user's strategy a task may come back

    def _note_transitions(self, weights: Mapping[str, float]) -> None:
        state = self._state
        progress = state.progress
        active = [name for name, weight in weights.items() if weight > 0]
        for name in progress.active:
            if name not in active:
                transition = Transition(name, epoch=progress.epoch, step=progress.step)
                state.run.transitions.append(transition)
                state.log.write("transition", asdict(transition))
        progress.active = active

    def _record_primary(self, loss: float) -> None:
        state = self._state
        if not math.isfinite(loss):
            rates = {group.get("name", "network"): group["lr"] for group in state.optimizer.param_groups}
            raise InputError(
                f"the training has diverged: the loss of '{state.primary.name}' is {loss} "
                f"in step {state.progress.step} (epoch {state.progress.epoch}); "
                f"choose smaller learning rates than {rates}, or a clip_norm"
            )
        state.progress.record_loss(state.primary.name, loss)


def embedding_weight(network: nn.Module, user: str) -> nn.Parameter:
    """Return the weight of the embedding that the tasks share, ``[vocabulary, vector_size]``.

    Raises:
        InputError: naming who needs it, when the network has none.
    """
    weight = getattr(getattr(network, "embedding", None), "weight", None)
    if not isinstance(weight, nn.Parameter):
        raise InputError(f"{user} needs network.embedding.weight, but the network has none")
    return weight
