"""A training in Weights & Biases (extra ``wandb``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mt2st.errors import MissingExtraError
from mt2st.integrations.tracker import Tracker, Value

if TYPE_CHECKING:
    import wandb


class WandbLog(Tracker):
    """Writes a training to Weights & Biases: its history, its configuration, and events in the summary.

    It writes to the active run: ``with wandb.init(project="films"): model.fit(..., callbacks=[WandbLog()])``. If none
    is active, one is begun, which ends with the process or by ``wandb.finish()``. Project, folder and mode are wandb's
    own settings; with ``WANDB_MODE=offline`` nothing leaves the machine.

    Raises:
        MissingExtraError: wandb is not installed.
    """

    def __init__(self) -> None:
        try:
            import wandb
        except ModuleNotFoundError as error:
            raise MissingExtraError("a log for Weights & Biases", "wandb") from error
        self._wandb = wandb

    @property
    def _run(self) -> wandb.Run:
        return self._wandb.run or self._wandb.init()

    def log_parameters(self, parameters: Mapping[str, Value]) -> None:
        """Add to the configuration of the run."""
        self._run.config.update(dict(parameters), allow_val_change=True)  # type: ignore[no-untyped-call]

    def log_numbers(self, numbers: Mapping[str, float], step: int) -> None:
        """Add to the history of the run."""
        self._run.log(dict(numbers), step=step)

    def log_event(self, name: str, text: str, step: int) -> None:
        """Write to the summary; of several events of a kind, the last one stays."""
        self._run.summary[f"event/{name}"] = f"step {step}: {text}"
