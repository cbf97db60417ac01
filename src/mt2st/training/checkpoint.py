"""Checkpoints: a folder with everything a run needs to go on, complete or not there at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from mt2st._files import complete_folder
from mt2st.errors import InputError
from mt2st.training.trainer import Trainer

NETWORK, BEST, STATE, PLAIN, MANIFEST = (
    "model.safetensors",
    "best.safetensors",
    "state.pt",
    "progress.json",
    "manifest.json",
)


ORIGIN = "origin"
"""The part of an identity that says how the data were chosen. It need not be the same, as the same data may come
by another name; but where the data are not the same, it tells why."""

RESOLVED = "resolved"
"""The part of an identity that says what settings came to which were left to the defaults. Checkpoints of earlier
versions lack it; they go on."""

IN_STATE = ("optimizer", "kernels", "average", "effects", "combination", "random")
"""Parts of a trainer's state that hold tensors and plain values."""

_DOES_NOT_FIT = (KeyError, TypeError, ValueError, AttributeError, RuntimeError)
"""What plain values of another shape raise where they are used."""


def save_checkpoint(folder: Path, trainer: Trainer, identity: Mapping[str, Any]) -> None:
    """Write a checkpoint, in place of the one that may be there.

    It appears whole or not at all (`complete_folder`); a manifest holds the hash of each file.

    Args:
        folder: where.
        trainer: the run to keep.
        identity: plain values that must be the same when the run goes on: its settings and data.

    Raises:
        InputError: when the folder cannot be written.
    """
    state = trainer.state_dict()
    with complete_folder(folder) as partial:
        save_file({name: value.contiguous() for name, value in state["network"].items()}, partial / NETWORK)
        if state["best"] is not None:
            save_file({name: value.contiguous() for name, value in state["best"].items()}, partial / BEST)
        torch.save({name: state[name] for name in IN_STATE}, partial / STATE)
        (partial / PLAIN).write_text(json.dumps(state["plain"]), encoding="utf-8")
        hashes = {path.name: _digest(path) for path in sorted(partial.iterdir())}
        (partial / MANIFEST).write_text(json.dumps({"files": hashes, "identity": identity}), encoding="utf-8")


def load_checkpoint(folder: Path, trainer: Trainer, identity: Mapping[str, Any]) -> None:
    """Bring a new trainer to where a checkpoint was written. Nothing is unpickled but tensors and plain values.

    Args:
        folder: the checkpoint.
        trainer: a trainer with the same arguments as the one that was saved.
        identity: the plain values that must be the same.

    Raises:
        InputError: when a file is missing or broken, or the checkpoint is of another run.
    """
    files, saved = _manifest(folder)
    try:
        _check_whole(folder, files)
        _check_same(folder, saved, json.loads(json.dumps(identity)))
        trainer.load_state_dict(
            {
                "network": load_file(folder / NETWORK),
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
        return dict(manifest["files"]), dict(manifest["identity"])
    except (OSError, *_DOES_NOT_FIT) as error:
        raise InputError(
            f"{path} is not the manifest of a checkpoint ({type(error).__name__}: {error}): "
            f"delete {folder} to start again"
        ) from error


def _check_whole(folder: Path, files: Mapping[str, str]) -> None:
    for name, digest in files.items():
        if _digest(folder / name) != digest:
            raise InputError(f"the checkpoint is broken: {folder / name} is not as it was written; delete {folder}")


def _check_same(folder: Path, saved: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for group, values in wanted.items():
        before = saved.get(group)
        if group == ORIGIN or before == values or (group == RESOLVED and group not in saved):
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
    """Return a value as a message shows it; another version of mt2st may not know the name."""
    return repr(values[name]) if name in values else "unknown"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
