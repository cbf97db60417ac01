"""Auxiliary tasks and strategies in Lightning (extra ``lightning``).

`MultiTaskCallback` adds them to any ``LightningModule``. A module with the mixin `MultiTaskModule` has its own.

The auxiliary losses are computed within ``training_step``, which Lightning runs within the one forward pass of a module
that ``DistributedDataParallel`` wraps, under its precision. So precision, accumulation and several processes are
Lightning's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from typing import Any

from torch import Tensor

from mt2st.errors import InputError, MissingExtraError
from mt2st.strategy import PRIMARY_TASK, Strategy
from mt2st.training.auxiliaries import Auxiliaries, AuxiliaryDataset, checked_datasets
from mt2st.training.modules import checked_loss

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
    from lightning.pytorch.strategies import DDPStrategy
    from lightning.pytorch.trainer.states import TrainerFn
except ImportError as error:
    raise MissingExtraError("Lightning", "lightning") from error

__all__ = ["AuxiliaryDataset", "MultiTaskCallback", "MultiTaskModule"]

VALIDATION = ("val_", "val/")
"""How names of validation metrics begin; the strategy gets them without it."""


class MultiTaskCallback(Callback):
    """Adds auxiliary tasks, weighed by a strategy, to the ``training_step`` of a ``LightningModule``.

    A task of weight 0 draws no batch and computes nothing. Each micro-batch draws one batch of each task that is on,
    and its weight is that of the optimizer step. ``<task>_weight``, ``<task>_loss`` and ``primary_loss`` are logged.
    Checkpoints keep the strategy and the position in the auxiliary data. Adaptive strategies get the validation
    metrics whose names begin with ``val_``, without it: ``val_loss`` as ``loss``.

    Args:
        auxiliaries: the auxiliary tasks, by name.
        strategy: the weights of the auxiliary tasks over time, by name or as an object.
        seed: of the order of the auxiliary data.

    Raises:
        InputError: a task or the strategy does not fit, the module optimises by hand, or
            ``ddp_find_unused_parameters_true`` is needed.
    """

    def __init__(
        self, auxiliaries: Mapping[str, AuxiliaryDataset], strategy: str | Strategy = "diminish", *, seed: int = 1
    ) -> None:
        self.auxiliaries, self.seed = checked_datasets(auxiliaries), seed
        self._strategy = strategy
        self.tasks = Auxiliaries(strategy, auxiliaries)
        self._saved: dict[str, Any] = {}
        self._begun = -1

    @property
    def strategy(self) -> Strategy:
        """The strategy of this training."""
        return self.tasks.strategy

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Add the tasks to the module's training step."""
        if stage != "fit":
            return
        if not pl_module.automatic_optimization:
            raise InputError("auxiliary tasks need automatic_optimization = True: else follow mt2st.strategy by hand")
        ddp = trainer.strategy
        if isinstance(ddp, DDPStrategy) and not ddp._ddp_kwargs.get("find_unused_parameters", False):
            raise InputError(
                "with several processes, auxiliary tasks need Trainer(strategy='ddp_find_unused_parameters_true'): "
                "without it, the training crashes when a task goes off"
            )
        own, self._replaced = pl_module.training_step, pl_module.__dict__.get("training_step")
        pl_module.training_step = wraps(own)(partial(self._step, trainer, pl_module, own))  # type: ignore[method-assign]

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Give the module its own training step back."""
        if stage == "fit":
            del pl_module.training_step
            if self._replaced is not None:  # a compiled one, for example
                pl_module.training_step = self._replaced  # type: ignore[method-assign]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start from the beginning, or from the state in the checkpoint."""
        size = getattr(trainer.train_dataloader, "batch_size", None)
        for name, task in self.auxiliaries.items():
            if task.batch_size is None and size is None:
                raise InputError(f"the primary has no batch size to take for the auxiliary task '{name}': give it one")
        streams = {
            name: task.stream(name, seed=self.seed, batch_size=size or 1) for name, task in self.auxiliaries.items()
        }
        self.tasks = Auxiliaries(self._strategy, self.auxiliaries, streams)
        if self._saved:
            self.tasks.load_state_dict(self._saved)
            self._saved = {}

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Report the losses of an optimizer step to the strategy."""
        if trainer.global_step > self._begun:  # not where gradients are still accumulated
            self.tasks.end_step()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report an evaluation to the strategy."""
        if trainer.sanity_checking or trainer.state.fn != TrainerFn.FITTING:
            return
        metrics = {
            name.removeprefix(start): float(value)
            for name, value in trainer.callback_metrics.items()
            for start in VALIDATION
            if name.startswith(start)
        }
        self.tasks.observe(epoch=trainer.current_epoch + 1, step=trainer.global_step, metrics=metrics)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return self.tasks.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint, when the training starts."""
        self._saved = state_dict

    def _step(
        self, trainer: Trainer, module: LightningModule, own: Callable[..., Any], *inputs: Any, **named: Any
    ) -> Any:
        """Return what the module's own training step returns, with the weighted sum of all losses as its loss."""
        tasks, self._begun = self.tasks, trainer.global_step
        tasks.begin_step(epoch=trainer.current_epoch + 1, step=trainer.global_step + 1)
        output = own(*inputs, **named) if tasks.primary_weight > 0 else None
        if output is None and tasks.primary_weight > 0:
            return None  # Lightning leaves out the micro-batch
        losses: dict[str, Tensor] = {}
        if output is not None:
            losses[PRIMARY_TASK] = output["loss"] if isinstance(output, Mapping) else output
        for name, batch in tasks.draw().items():
            losses[name] = checked_loss(tasks.streams[name].task.loss(module, batch), name)
        weights = {PRIMARY_TASK: tasks.primary_weight, **tasks.weights}
        for name, loss in losses.items():
            tasks.record(name, loss)
            module.log(f"{name}_loss", loss.detach())
        for name in self.auxiliaries:
            module.log(f"{name}_weight", weights[name])
        total = sum(weights[name] * loss for name, loss in losses.items())
        return {**output, "loss": total} if isinstance(output, Mapping) else total


class MultiTaskModule:
    """A mixin for a ``LightningModule`` whose attributes are its auxiliary tasks: it brings `MultiTaskCallback` along.

    Put it before ``LightningModule`` among the bases, and set the attributes in the constructor.

    Attributes:
        auxiliaries: the auxiliary tasks, by name.
        strategy: the weights of the auxiliary tasks over time, by name or as an object.
    """

    auxiliaries: Mapping[str, AuxiliaryDataset]
    strategy: str | Strategy

    def configure_callbacks(self) -> Sequence[Callback] | Callback:
        """Add the callback to those of the module."""
        found = super().configure_callbacks()  # type: ignore[misc]
        others = found if isinstance(found, Sequence) else [found]
        return [*others, MultiTaskCallback(self.auxiliaries, self.strategy)]
