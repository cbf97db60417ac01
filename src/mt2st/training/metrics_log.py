"""The metrics of a run as JSON Lines, one record at a time, readable while the run goes on."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any


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
            event: what it is about: ``"evaluation"``, ``"transition"``, ``"end"``.
            record: plain JSON values; numbers that are not finite become null.
        """
        if self.path is None:
            return
        line = json.dumps({"event": event, **_finite(dict(record))}, allow_nan=False)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
