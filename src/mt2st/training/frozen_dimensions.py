"""The file of the frozen dimensions of a run's embedding and of the relevance of all, beside its model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from mt2st._files import complete_file
from mt2st.errors import InputError
from mt2st.training.run import Freeze


def save_freezes(path: Path, freezes: Sequence[Freeze], *, kept: Sequence[int]) -> None:
    """Write when which dimensions were frozen, with the relevance of all at that time, as JSON.

    Args:
        path: the file.
        freezes: of the run.
        kept: the dimensions that were frozen when the model's parameters were kept (`Run.kept_frozen`): the best
            evaluation may be from before a freeze.

    Raises:
        InputError: when the file cannot be written.
    """
    with complete_file(path, overwrite=True) as file:
        file.write(
            (json.dumps({"freezes": [asdict(each) for each in freezes], "kept": list(kept)}, indent=1) + "\n").encode()
        )


def load_freezes(path: Path) -> list[Freeze]:
    """Return what `save_freezes` wrote.

    Raises:
        InputError: naming the file when it cannot be read or holds something else.
    """
    try:
        return [Freeze(**each) for each in json.loads(path.read_text(encoding="utf-8"))["freezes"]]
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is no file of frozen dimensions ({type(error).__name__}: {error}): give the one that a run with "
            "freeze_fraction or freeze_threshold wrote"
        ) from error
