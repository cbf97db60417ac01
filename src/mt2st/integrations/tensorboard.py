"""A training in TensorBoard (extra ``tensorboard``)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING

from mt2st.errors import MissingExtraError
from mt2st.integrations.tracker import Tracker, Value

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class TensorBoardLog(Tracker):
    """Writes a training to an event file: scalars of each evaluation; parameters and events as text.

    Args:
        folder: where; None is TensorBoard's own choice, ``runs/`` with the time. A run needs a folder of its own.

    Raises:
        MissingExtraError: TensorBoard is not installed.
    """

    def __init__(self, folder: str | PathLike[str] | None = None) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ModuleNotFoundError as error:
            raise MissingExtraError("a log for TensorBoard", "tensorboard") from error
        self._folder, self._new = folder, SummaryWriter

    @cached_property
    def _writer(self) -> SummaryWriter:
        """Make the folder when there is something to write: until then, the training may be refused."""
        return self._new(self._folder)

    def log_parameters(self, parameters: Mapping[str, Value]) -> None:
        """Write a table."""
        rows = [f"| {name} | {value} |" for name, value in parameters.items()]
        self._writer.add_text("parameters", "\n".join(["| parameter | value |", "| --- | --- |", *rows]))
        self._writer.flush()

    def log_numbers(self, numbers: Mapping[str, float], step: int) -> None:
        """Write scalars, which TensorBoard shows at once."""
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def log_event(self, name: str, text: str, step: int) -> None:
        """Write a line."""
        self._writer.add_text(f"event/{name}", text, step)
        self._writer.flush()
