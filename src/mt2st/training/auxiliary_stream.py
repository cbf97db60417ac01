"""An endless supply of an auxiliary task's batches that remembers where it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mt2st.errors import InputError
from mt2st.training.task import Task


class AuxiliaryStream:
    """Gives one batch after the other, epoch after epoch of the task's own data.

    A batch is drawn only when asked for, so a task that is off costs nothing.

    Args:
        task: the task.
        seed: the run's seed.
    """

    def __init__(self, task: Task, seed: int) -> None:
        self.task, self.seed = task, seed
        self.epoch, self.drawn = 1, 0
        self._batches: Iterator[Any] | None = None

    def draw(self) -> Any:
        """Return the next batch.

        Raises:
            InputError: when the task has no batch in a whole epoch.
        """
        if self._batches is None:
            self._batches = self.task.batches(epoch=self.epoch, seed=self.seed)
            for _ in range(self.drawn):
                next(self._batches)
        for batch in self._batches:
            self.drawn += 1
            return batch
        if self.drawn == 0:
            raise InputError(
                f"the auxiliary task '{self.task.name}' has no data: it gave no batch in epoch {self.epoch}"
            )
        self.epoch, self.drawn, self._batches = self.epoch + 1, 0, None
        return self.draw()

    def state_dict(self) -> dict[str, int]:
        """Return the position."""
        return {"epoch": self.epoch, "drawn": self.drawn}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go to a position."""
        self.epoch, self.drawn, self._batches = state["epoch"], state["drawn"], None
