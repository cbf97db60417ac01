"""What all experiment trackers are told of a training: which numbers, under which names."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from mt2st.training import Callback, Evaluation

Value = str | int | float | bool
LONGEST = 500
"""Characters of a parameter's or an event's text: MLflow refuses long ones."""


class Tracker(Callback):
    """Follows a training for an experiment tracker; a subclass says how the tracker takes each kind of thing.

    A training that goes on from a checkpoint reports its earlier evaluations again, so that a new run is complete.
    """

    @abstractmethod
    def log_parameters(self, parameters: Mapping[str, Value]) -> None:
        """Take the parameters of the run."""

    @abstractmethod
    def log_numbers(self, numbers: Mapping[str, float], step: int) -> None:
        """Take numbers that were measured after a step."""

    @abstractmethod
    def log_event(self, name: str, text: str, step: int) -> None:
        """Take what happened after a step, in words."""

    def on_fit_start(self, trainer: Any) -> None:
        """Report what the trainer knows of the run."""
        strategy = trainer.strategy.state_dict()
        self.log_parameters(
            plain_parameters(
                {
                    "strategy": strategy["strategy"],
                    **{f"strategy.{name}": value for name, value in strategy["settings"].items()},
                    "auxiliaries": ", ".join(trainer.strategy.auxiliaries),
                    "epochs": trainer.epochs,
                    "batches": trainer.primary.n_batches,
                    "seed": trainer.seed,
                }
            )
        )
        for evaluation in trainer.run.evaluations:
            self.on_evaluation(trainer, evaluation)

    def on_evaluation(self, trainer: Any, evaluation: Evaluation) -> None:  # noqa: ARG002
        """Report an evaluation."""
        self.log_numbers(numbers_of(evaluation), evaluation.step)

    def on_event(self, trainer: Any, kind: str, values: Mapping[str, Any]) -> None:
        """Report an event; of lists, such as the relevance of each dimension, the length alone."""
        told = {name: len(each) if isinstance(each, list) else each for name, each in values.items()}
        text = ", ".join(f"{name} = {value}" for name, value in told.items() if value != "")
        self.log_event(f"{kind}/{values['task']}" if "task" in values else kind, text[:LONGEST], trainer.progress.step)

    def on_model(self, model: Any) -> None:
        """Report the settings that were chosen, and the metrics of the complete model."""
        settings = {f"settings.{name}": value for name, value in model.settings_.flat().items()}
        self.log_parameters(plain_parameters(settings))
        measured = {
            f"model/{part}/{name}": each for part, found in model.metrics_.items() for name, each in found.items()
        }
        self.log_numbers(measured, model.run_.steps)


def numbers_of(evaluation: Evaluation) -> dict[str, float]:
    """Return the numbers of an evaluation by name: ``loss/TASK``, ``weight/TASK``, ``learning_rate/GROUP``, ...

    Example:
        >>> numbers_of(Evaluation(1, 8, 0.5, {"primary": 0.7}, {"context": 1.0}, {"0": 0.1}, 2.0, {"accuracy": 0.9}))
        {'loss/primary': 0.7, 'weight/context': 1.0, 'learning_rate/0': 0.1, 'validation/accuracy': 0.9, ...}
    """
    groups = {
        "loss": evaluation.losses,
        "weight": evaluation.weights,
        "learning_rate": evaluation.learning_rates,
        "validation": evaluation.validation,
        "gradient_cosine": evaluation.gradient_cosines,
        "gain": evaluation.gains,
    }
    numbers = {f"{group}/{name}": float(value) for group, found in groups.items() for name, value in found.items()}
    numbers |= {"gradient_norm": evaluation.gradient_norm, "train_seconds": evaluation.train_seconds}
    return numbers | {"epoch": evaluation.epoch} | ({"flops": evaluation.flops} if evaluation.flops else {})


def plain_parameters(parameters: Mapping[str, Any]) -> dict[str, Value]:
    """Return parameters with all values that are no number, truth value or string as text."""
    return {
        name: value if isinstance(value, int | float) else str(value)[:LONGEST] for name, value in parameters.items()
    }
