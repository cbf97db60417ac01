"""The files of a checkpoint: a folder with all that a training needs to go on, complete or not there at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mt2st._checkpoint import MANIFEST, CheckpointFolder
from mt2st.errors import InputError
from mt2st.strategy.parameters import plain

MODULE, BEST, STATE, PLAIN = "model.safetensors", "best.safetensors", "state.pt", "progress.json"
FILES = (MODULE, BEST, STATE, PLAIN, MANIFEST)

RESOLVED = "resolved"
"""Part of an identity: the values of settings that were left to the defaults."""

IN_STATE = ("parts", "random")
"""Parts of a trainer's state that hold tensors and plain values."""


def checkpoint_in(folder: Path) -> CheckpointFolder:
    """Return the checkpoint of a trainer in a folder, which need not be there yet."""
    return CheckpointFolder(folder, (MODULE, STATE, PLAIN), (BEST,))


def check_room(folder: Path, state: Mapping[str, Any]) -> None:
    """Raise `NotWrittenError` unless the disk has room for the checkpoints of a training with this state at its start.

    The best parameters and the optimizer's two moments are still to come, each of the module's size.
    """
    checkpoint_in(folder).check_room(max(state_bytes(state), 4 * state_bytes(state["module"])))


def write_checkpoint(folder: Path, state: Mapping[str, Any], identity: Mapping[str, Any]) -> None:
    """Write a `Trainer.state_dict` as a checkpoint, in place of the one that may be there: whole or not at all.

    Raises:
        InputError: the folder has other files than a checkpoint's, or the state has an object that could not be read
            again.
        NotWrittenError: the disk refuses; the checkpoint that was there stays.
    """
    with checkpoint_in(folder).written(plain(identity), state_bytes(state)) as partial:
        save_file(_apart(state["module"]), partial / MODULE)
        if state["best"] is not None:
            save_file(_apart(state["best"]), partial / BEST)
        torch.save({name: _readable(state[name]) for name in IN_STATE}, partial / STATE)
        try:
            torch.load(partial / STATE, weights_only=True, mmap=True)  # not the numbers, only what is around them
        except UnpicklingError as error:
            reason = " ".join(str(error).split())
            raise InputError(
                f"the training cannot be saved: the state of the strategy, optimizer, scheduler or a kernel task must "
                f"be tensors and plain values, found others ({reason})"
            ) from error
        (partial / PLAIN).write_text(json.dumps(plain(state["plain"])), encoding="utf-8")


def state_bytes(state: Any) -> int:
    """Return the bytes of all tensors in a state."""
    if isinstance(state, Tensor):
        return state.nbytes
    inner = state.values() if isinstance(state, Mapping) else state if isinstance(state, list | tuple) else ()
    return sum(map(state_bytes, inner))


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors of which no two share memory, as tied weights do: safetensors refuses these."""
    seen: set[int] = set()
    apart = {}
    for name, value in tensors.items():
        memory = value.untyped_storage().data_ptr()
        apart[name] = value.clone(memory_format=torch.contiguous_format) if memory in seen else value.contiguous()
        seen.add(memory)
    return apart


def _readable(value: Any) -> Any:
    """Return a state with Python's numbers and torch's tensors in place of NumPy's, which need a pickle."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    if type(value) is dict:
        return {_readable(key): _readable(each) for key, each in value.items()}
    return type(value)(_readable(each) for each in value) if type(value) in (list, tuple) else value


def read_checkpoint(
    folder: Path, identity: Mapping[str, Any], load: Callable[[dict[str, Any]], None], device: torch.device
) -> None:
    """Read a checkpoint of the same identity. Nothing is unpickled but tensors and plain values.

    ``load`` is `Trainer.load_state_dict`; its errors are reported as those of a checkpoint that does not fit. The
    tensors come to ``device``, wherever they were when they were saved.
    """
    with checkpoint_in(folder).opened(plain(identity)) as files:
        try:
            state = torch.load(folder / STATE, weights_only=True, map_location=device)
            module, best = (load_file(folder / name) if name in files else None for name in (MODULE, BEST))
        except (SafetensorError, UnpicklingError) as error:
            raise ValueError(error) from error
        load({"module": module, "best": best, "plain": json.loads((folder / PLAIN).read_text("utf-8")), **state})
