"""The files of a checkpoint: a folder with all that a training needs to go on, complete or not there at all."""

from __future__ import annotations

import hashlib
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

from mt2st._files import check_own, check_space, complete_folder, restore
from mt2st.errors import InputError
from mt2st.strategy.parameters import plain

MODULE, BEST, STATE, PLAIN, MANIFEST = (
    "model.safetensors",
    "best.safetensors",
    "state.pt",
    "progress.json",
    "manifest.json",
)
FILES = (MODULE, BEST, STATE, PLAIN, MANIFEST)


ORIGIN = "origin"
"""Part of an identity: how the data were chosen. It may differ, since the same data may have another name; where the
data differ, it explains why."""

RESOLVED = "resolved"
"""Part of an identity: the values of settings that were left to the defaults."""

IN_STATE = ("optimizer", "scheduler", "kernels", "average", "transition", "strategy", "combination", "random")
"""Parts of a trainer's state that hold tensors and plain values."""

_DOES_NOT_FIT = (KeyError, TypeError, ValueError, AttributeError, RuntimeError)
"""Errors from using plain values of another shape."""


def check_place(folder: Path) -> bool:
    """Raise if a checkpoint may not be written to this folder; check before hours of work, not after.

    Returns:
        Whether a checkpoint is there. Else the folder is missing or empty.

    Raises:
        InputError: something else is there, which a checkpoint would replace.
    """
    restore(folder.parent)
    try:
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            return False
    except OSError as error:
        raise InputError(f"{folder} cannot be read ({error.strerror}): choose another folder") from error
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: choose another name for the checkpoint")
    _manifest(folder)
    check_own(folder, FILES)
    return True


def write_checkpoint(folder: Path, state: Mapping[str, Any], identity: Mapping[str, Any]) -> None:
    """Write a `Trainer.state_dict` as a checkpoint, in place of the one that may be there: whole or not at all.

    Raises:
        InputError: the folder has other files than a checkpoint's, or the state has an object that could not be read
            again.
        NotWrittenError: the disk refuses; the checkpoint that was there stays.
    """
    check_place(folder)
    with complete_folder(folder, size=state_bytes(state)) as partial:
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
        hashes = {path.name: _digest(path) for path in sorted(partial.iterdir())}
        manifest = {"files": hashes, "identity": plain(identity)}
        (partial / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def check_room(folder: Path, state: Mapping[str, Any]) -> None:
    """Raise `NotWrittenError` unless the disk has room for the checkpoints of a training with this state at its start.

    While one is written, the one before is still there. The best parameters and the optimizer's two moments are still
    to come, each of the module's size.
    """
    foreseen = max(state_bytes(state), 4 * state_bytes(state["module"]))
    there = next((each for each in folder.absolute().parents if each.is_dir()), Path())
    check_space(there, 2 * foreseen, folder)


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


def read_checkpoint(folder: Path, identity: Mapping[str, Any], load: Callable[[dict[str, Any]], None]) -> None:
    """Read a checkpoint of the same identity. Nothing is unpickled but tensors and plain values.

    ``load`` is `Trainer.load_state_dict`; its errors are reported as those of a checkpoint that does not fit.

    Raises:
        InputError: a file is missing or broken, or the checkpoint is of another training.
    """
    files, saved = _manifest(folder)
    try:
        _check_whole(folder, files)
        _check_same(folder, saved, json.loads(json.dumps(plain(identity))))
        load(
            {
                "module": load_file(folder / MODULE),
                "best": load_file(folder / BEST) if BEST in files else None,
                "plain": json.loads((folder / PLAIN).read_text(encoding="utf-8")),
                **torch.load(folder / STATE, weights_only=True),
            }
        )
    except InputError:
        raise
    except (OSError, SafetensorError, UnpicklingError, *_DOES_NOT_FIT) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"the checkpoint {folder} cannot be read ({reason}): delete it to start again") from error


def _manifest(folder: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the hash of each file and the identity."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        files, identity = dict(manifest["files"]), dict(manifest["identity"])
        if not files.keys() >= {MODULE, STATE, PLAIN}:
            raise ValueError("it lists other files")
    except (OSError, *_DOES_NOT_FIT) as error:
        raise InputError(
            f"{path} is not the manifest of a checkpoint ({type(error).__name__}: {error}): choose another folder; "
            f"a checkpoint is written to a folder that is missing, empty or a checkpoint, not to {folder}"
        ) from error
    return files, identity


def _check_whole(folder: Path, files: Mapping[str, str]) -> None:
    for name, digest in files.items():
        if _digest(folder / name) != digest:
            raise InputError(f"the checkpoint is broken: {folder / name} is not as it was written; delete {folder}")


def _check_same(folder: Path, saved: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for group, values in wanted.items():
        before = saved.get(group)
        if group == ORIGIN or before == values:
            continue
        change = _changes(group, before, values)[0]
        if group == "data":
            chosen = _changes("", saved[ORIGIN], wanted[ORIGIN]) if saved.get(ORIGIN) and wanted.get(ORIGIN) else []
            change = ", ".join(chosen) or f"the data have changed ({change})"
        raise InputError(f"the checkpoint {folder} is of another run: {change}; use the same, or delete the checkpoint")


def _changes(group: str, before: Any, now: Any) -> list[str]:
    """Return what differs, by name."""
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        return [f"{group} was {before!r} there and is {now!r} now"]
    return [
        f"{group}{'.' if group else ''}{name} was {_shown(before, name)} there and is {_shown(now, name)} now"
        for name in dict.fromkeys((*now, *before))
        if name not in now or name not in before or now[name] != before[name]
    ]


def _shown(values: Mapping[str, Any], name: str) -> str:
    return repr(values[name]) if name in values else "unknown"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
