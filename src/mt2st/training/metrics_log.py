"""The metrics of a run as JSON Lines, one record at a time, readable while the run goes on."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mt2st._files import complete_file


class MetricsLog:
    """Appends records to ``metrics.jsonl``; a record is on disk (as far as the system keeps it) when `write` returns.

    Args:
        path: the file; None keeps no log.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def write(self, event: str, record: Mapping[str, Any]) -> None:
        """Append one record.

        Args:
            event: what it is about: ``"evaluation"``, ``"transition"``, ``"decision"``, ``"learning_rate"``,
                ``"freeze"``, ``"refit"``, ``"end"``.
            record: plain JSON values; numbers that are not finite become null.
        """
        if self.path is None:
            return
        line = json.dumps({"event": event, **finite(dict(record))}, allow_nan=False)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def cut(self, step: int) -> None:
        """Drop what was written after a step: the records of a run that goes on from a checkpoint taken there."""
        if self.path is None or not self.path.is_file():
            return
        kept = [line for line in self.path.read_bytes().splitlines() if _step(line) <= step]
        with complete_file(self.path, overwrite=True) as file:
            file.writelines(line + b"\n" for line in kept)


def _step(line: bytes) -> float:
    """Return the step of a record; infinite where the line is cut short or is no record of a running training."""
    try:
        record = json.loads(line)
        return math.inf if record["event"] == "end" else float(record["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf


def finite(value: Any) -> Any:
    """Return a record with null in place of the numbers that JSON does not know, at any depth of mappings."""
    if isinstance(value, Mapping):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
