"""Auxiliary tasks and strategies in the Trainer of Hugging Face transformers (extra ``hf``).

`MultiTaskTrainer` is transformers' ``Trainer`` with auxiliary tasks. It also adds them to a trainer of your own:
``class Mine(MultiTaskTrainer, MyTrainer)``. `StrategyCallback` follows a strategy for a trainer that computes the
losses of its tasks itself.

Under ``DistributedDataParallel`` a micro-batch goes through the wrapped model once, and what that returns must show
which parameters took part. Two forward passes crash; a loss that is left out later crashes too, unless
``ddp_find_unused_parameters`` is on. So the trainer puts the auxiliary batches among the inputs of the model. Its
forward computes their losses too, and returns them with its outputs. This way autocast and ``torch.compile`` cover
them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, make_dataclass
from functools import cache, wraps
from inspect import signature
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn

from mt2st.errors import InputError, MissingExtraError
from mt2st.strategy import PRIMARY_TASK, Strategy
from mt2st.training.auxiliaries import Auxiliaries, AuxiliaryDataset, checked_datasets
from mt2st.training.device import moved
from mt2st.training.modules import checked_loss
from mt2st.training.task import AuxiliaryStream

try:
    from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
    from transformers.utils.generic import ModelOutput
except ImportError as error:
    raise MissingExtraError("the Trainer of Hugging Face transformers", "hf") from error

__all__ = ["AuxiliaryDataset", "MultiTaskTrainer", "StrategyCallback"]

KEY = "mt2st_auxiliaries"
"""In the inputs of the model, the auxiliary tasks' losses and batches; in a checkpoint, their state."""
LOSSES = "auxiliary_losses"
"""In the outputs of the model, the auxiliary tasks' losses."""
EVALUATION = "eval_"
"""How names of metrics of the evaluation data begin; the strategy gets them without it."""
IGNORED = -100
"""The label that counts as none."""


class StrategyCallback(TrainerCallback):
    """Follows a strategy: its weights in each step, evaluations and losses for adaptive ones, logs and checkpoints.

    `MultiTaskTrainer` has one already. Alone, it serves a trainer whose own ``compute_loss`` adds up the losses::

        for task, weight in callback.weights.items():
            if weight:  # weight 0 means: do not even compute this task
                loss = loss + weight * ...

    The weights are in the log history, and the strategy's state is in ``trainer_state.json`` of each checkpoint.

    Args:
        strategy: weights of the auxiliary tasks over time, by name or as an object.
        auxiliaries: names of the auxiliary tasks.
        streams: makes the batches of the tasks, by name, when a training starts; by default none.

    Raises:
        InputError: the strategy combines gradients, or does not fit the tasks.
    """

    def __init__(
        self,
        strategy: str | Strategy,
        auxiliaries: Iterable[str],
        *,
        streams: Callable[[], Mapping[str, AuxiliaryStream]] = dict,
    ) -> None:
        self._strategy, self._names, self._streams = strategy, list(auxiliaries), streams
        self.tasks = Auxiliaries(strategy, self._names)

    @property
    def strategy(self) -> Strategy:
        """The strategy of this training."""
        return self.tasks.strategy

    @property
    def weights(self) -> Mapping[str, float]:
        """The weights of the auxiliary tasks in this step."""
        return self.tasks.weights

    @property
    def primary_weight(self) -> float:
        """The weight of the primary task in this step: 1 except for some baselines."""
        return self.tasks.primary_weight

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Start from the beginning, or from the state in the checkpoint."""
        self.tasks = Auxiliaries(self._strategy, self._names, self._streams())
        if KEY in (kept := _kept(state)):
            self.tasks.load_state_dict(kept[KEY])

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Take the weights of the step."""
        self.tasks.begin_step(epoch=math.floor(state.epoch or 0) + 1, step=state.global_step + 1)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Report the losses of the step."""
        self.tasks.end_step()
        _kept(state)[KEY] = self.tasks.state_dict()

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, metrics: Any = None, **_: Any
    ) -> None:
        """Report an evaluation within the training, of the evaluation data."""
        found = {
            name.removeprefix(EVALUATION): float(value)
            for name, value in (metrics or {}).items()
            if name.startswith(EVALUATION) and isinstance(value, int | float)
        }
        if found and self.tasks.weights and state.global_step > 0:
            self.tasks.observe(epoch=math.ceil(state.epoch or 0), step=state.global_step, metrics=found)
            _kept(state)[KEY] = self.tasks.state_dict()

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **_: Any
    ) -> None:
        """Add weights and losses to what the training logs."""
        if logs is not None and "loss" in logs:
            found = self.tasks.logged()
            logs.update(found)
            state.log_history[-1].update(found)

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Follow no evaluation after the training."""
        self.tasks.weights = {}


def _kept(state: TrainerState) -> dict[str, Any]:
    """Return what the checkpoints keep of callbacks."""
    kept = state.stateful_callbacks
    assert isinstance(kept, dict), "transformers makes a dictionary of it"
    return kept


class MultiTaskTrainer(Trainer):
    """transformers' ``Trainer`` with auxiliary tasks, weighed by a strategy.

    In each step the losses of the tasks that are on are added, with their weights, to the primary's: the data set,
    collator and loss that the ``Trainer`` has anyway. A task of weight 0 draws no batch and computes nothing, and its
    head keeps ``grad is None``. Without an active task, it trains as ``Trainer`` does.

    - **Accumulation**: weights are those of the optimizer step; each micro-batch draws a batch of each task. A loss
      that takes ``num_items_in_batch`` as its third argument gets the number of labels other than -100 in the task's
      batches of the whole step, on all processes (None for batches without ``"labels"``), and divides its sum by it.
      Any other loss is the mean of its batch.
    - **Several processes**: started by ``torchrun`` or ``accelerate launch``; each reads its share of one order.
    - **Checkpoints** keep the strategy and the position in the auxiliary data: a training that goes on is the
      undisturbed one.
    - **Logs** have ``<task>_weight`` and ``<task>_loss``, and ``primary_loss``, next to ``loss``, which is the sum.
    - **Adaptive strategies** get the evaluations (``eval_loss`` as ``loss``). Cosines of gradients and gains are not
      measured, so `mt2st.AdaptiveDiminish` decays as `mt2st.Diminish`.

    Args:
        arguments: of ``Trainer``.
        auxiliaries: the auxiliary tasks, by name.
        strategy: the weights of the auxiliary tasks over time, by name or as an object.
        options: of ``Trainer``.

    Raises:
        InputError: a task or the strategy does not fit, or ``ddp_find_unused_parameters`` is off.
    """

    def __init__(
        self,
        *arguments: Any,
        auxiliaries: Mapping[str, AuxiliaryDataset],
        strategy: str | Strategy = "diminish",
        **options: Any,
    ) -> None:
        self.auxiliaries = checked_datasets(auxiliaries)
        self.strategy_callback = StrategyCallback(strategy, auxiliaries, streams=self._make_streams)
        self._drawn: list[dict[str, Any]] = []
        self._drawn_in = -1
        super().__init__(*arguments, **options)
        module = getattr(self.model, "_orig_mod", self.model)  # that of a compiled one
        assert isinstance(module, nn.Module), "Trainer has a model"
        _compute_auxiliaries_in_forward(module)
        # Before the callbacks of loggers, which then have the weights too.
        self.callback_handler.callbacks.insert(0, self.strategy_callback)

    def call_model_init(self, trial: Any = None) -> nn.Module:
        """Return a new model, prepared for auxiliary tasks."""
        model = super().call_model_init(trial)
        _compute_auxiliaries_in_forward(model)
        return model

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the primary's loss; in training, with the weighted losses of the auxiliary tasks."""
        if not model.training:
            return super().compute_loss(
                model, inputs, return_outputs=return_outputs, num_items_in_batch=num_items_in_batch
            )
        tasks, primary_weight = self.strategy_callback.tasks, self.strategy_callback.primary_weight
        # Whether the trainer will divide the loss by the number of micro-batches, or takes it for a share of a sum.
        divided = not self._is_scaled(num_items_in_batch)
        parts = self.current_gradient_accumulation_steps
        batches = self._next_batches()
        work = {name: (self._loss_of(name, batch), batch[0]) for name, batch in batches.items()}
        total, outputs = None, None
        if primary_weight > 0:
            if work:
                inputs = {**inputs, KEY: work}
            loss, outputs = super().compute_loss(
                model, inputs, return_outputs=True, num_items_in_batch=num_items_in_batch
            )
            tasks.record(PRIMARY_TASK, loss if divided else loss * parts)
            total = loss if primary_weight == 1 else primary_weight * loss
        else:
            outputs = model(**{KEY: work})
        losses = self._auxiliary_losses(outputs) if work else {}
        for name, loss in losses.items():
            mean = checked_loss(loss, name)
            tasks.record(name, mean)
            weighted = tasks.weights[name] * (mean if divided else mean / parts)
            total = weighted if total is None else total + weighted
        return (total, outputs) if return_outputs else total

    def _is_scaled(self, num_items_in_batch: Any) -> bool:
        """Return whether the loss counts as one of the whole step, as ``Trainer.training_step`` decides it."""
        told = getattr(self, "loss_is_scaled_for_ga", None)  # of newer versions
        if told is not None:
            return bool(told)
        takes_items = self.model_accepts_loss_kwargs and num_items_in_batch is not None
        return takes_items or self.compute_loss_func is not None

    def _make_streams(self) -> dict[str, AuxiliaryStream]:
        if self.args.n_gpu > 1:
            raise InputError("auxiliary tasks need one process for each GPU: start with torchrun or accelerate launch")
        handler, kind = self.accelerator.ddp_handler, self.accelerator.distributed_type
        if kind.value.startswith("MULTI_") and handler is not None and not handler.find_unused_parameters:
            raise InputError(
                "with several processes, auxiliary tasks need TrainingArguments(ddp_find_unused_parameters=True): else "
                "the training crashes when a task goes off"
            )
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        size = self._train_batch_size
        return {name: task.stream(name, seed=seed, batch_size=size) for name, task in self.auxiliaries.items()}

    def _next_batches(self) -> dict[str, tuple[Any, Any]]:
        """Return the batches of this micro-batch, each with the number of labels in those of the whole step."""
        if not self._drawn or self._drawn_in != self.state.global_step:
            self._drawn_in, parts = self.state.global_step, self.current_gradient_accumulation_steps
            drawn = [self.strategy_callback.tasks.draw() for _ in range(parts)]
            counts = {name: self._items([each[name] for each in drawn]) for name in drawn[0]}
            device = self.args.device
            self._drawn = [{name: (moved(each[name], device), counts[name]) for name in each} for each in drawn]
        return self._drawn.pop(0)

    def _items(self, batches: list[Any]) -> Tensor | None:
        """Return the number of labels in batches, on all processes; None without labels."""
        if not all(isinstance(each, Mapping) and isinstance(each.get("labels"), Tensor) for each in batches):
            return None
        count = torch.stack([(each["labels"] != IGNORED).sum() for each in batches]).sum().to(self.args.device)
        total: Tensor = self.accelerator.reduce(count, "sum")
        return total

    def _loss_of(self, name: str, batch: tuple[Any, Any]) -> Callable[[nn.Module, Any], Tensor]:
        """Return a task's loss as a function of model and batch, on the scale of a mean over one micro-batch."""
        loss, items = self.auxiliaries[name].loss, batch[1]
        if not _takes_items(loss):
            return loss
        # The loss is a share of the step's sum; what follows divides by micro-batches, and DDP by processes.
        parts = 1 if items is None else self.current_gradient_accumulation_steps * self.args.world_size
        return lambda model, inputs: parts * loss(model, inputs, num_items_in_batch=items)

    def _auxiliary_losses(self, outputs: Any) -> dict[str, Tensor]:
        found = outputs.get(LOSSES) if isinstance(outputs, dict) else outputs[-1]
        if not isinstance(found, dict):
            raise InputError(
                f"compute_loss of {type(self).__name__} must return the outputs of the model with return_outputs=True: "
                "the losses of the auxiliary tasks are there"
            )
        return found


@cache
def _takes_items(loss: Callable[..., Tensor]) -> bool:
    return "num_items_in_batch" in signature(loss).parameters


def _compute_auxiliaries_in_forward(model: nn.Module) -> None:
    """Let a model's forward compute the auxiliary tasks' losses that its inputs ask for, and return them too."""
    original = model.forward
    if hasattr(original, KEY):
        return
    function = getattr(original, "__func__", None)

    @wraps(function or original)
    def forward(self: nn.Module, *arguments: Any, **inputs: Any) -> Any:
        work = inputs.pop(KEY, None)
        alone = work is not None and not arguments and not inputs
        if function is not None:  # of this object, which may be a copy of the model
            arguments = (self, *arguments)
        outputs = {} if alone else (function or original)(*arguments, **inputs)
        if work is None:
            return outputs
        return _joined(outputs, {name: loss(self, batch) for name, (loss, batch) in work.items()})

    setattr(forward, KEY, True)
    model.forward = MethodType(forward, model)


@torch.compiler.disable  # type: ignore[untyped-decorator]  # it makes a class, and computes nothing
def _joined(outputs: Any, losses: dict[str, Tensor]) -> Any:
    if isinstance(outputs, ModelOutput):
        return _output_type(type(outputs))(**outputs, **{LOSSES: losses})
    if isinstance(outputs, dict):
        return {**outputs, LOSSES: losses}
    if isinstance(outputs, tuple | list):
        return (*outputs, losses)
    raise InputError(
        f"with auxiliary tasks, the model must return a ModelOutput, a dictionary or a tuple; found {type(outputs)}"
    )


@cache
def _output_type(kind: type[ModelOutput]) -> type[ModelOutput]:
    """Return a subclass with a field for the losses: torch rebuilds outputs by their type."""
    losses = (LOSSES, Any, field(default=None))
    return make_dataclass(kind.__name__, [losses], bases=(kind,))
