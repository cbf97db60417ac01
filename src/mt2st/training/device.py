"""Where and how a training computes: devices, batches on them, random numbers, threads, denormal numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from threading import Lock
from typing import Any

import joblib
import torch
from torch import Tensor, nn

from mt2st.errors import InputError

AUTO = "auto"
FLOAT32, BFLOAT16 = "float32", "bfloat16"


def device_named(name: str | torch.device) -> torch.device:
    """Return a device of this machine.

    Args:
        name: ``"cpu"``, ``"cuda"`` (torch's current GPU), ``"cuda:1"``, ``"mps"`` (Apple's), or ``"auto"``: a GPU of
            CUDA if there is one, else the CPU.

    Example:
        >>> device_named("cpu")
        device(type='cpu')
        >>> device_named("gpu")
        Traceback (most recent call last):
        mt2st.errors.InputError: device: should be 'auto', 'cpu', 'cuda', 'cuda:1' (a number) or 'mps', found 'gpu'
    """
    check_name(name)
    n_cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == AUTO:
        return torch.device("cuda" if n_cuda else "cpu")
    device = torch.device(name)
    here = {"cpu": 1, "cuda": n_cuda, "mps": int(torch.backends.mps.is_available())}
    if (device.index or 0) >= here[device.type]:
        gpus = [f"cuda:{number}" for number in range(n_cuda)] + ["mps"] * here["mps"]
        raise InputError(
            f"device '{name}' is not there: torch {torch.__version__} finds {', '.join(['cpu', *gpus])} on this machine"
        )
    return device


def check_name(name: str | torch.device) -> None:
    """Raise `InputError` unless a device has this name somewhere."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", str(name)):
        raise InputError(f"device: should be 'auto', 'cpu', 'cuda', 'cuda:1' (a number) or 'mps', found '{name}'")


def device_of(module: nn.Module) -> torch.device:
    """Return where a module's parameters are, by the first; the CPU without any."""
    return next((each.device for each in module.parameters()), torch.device("cpu"))


def moved(batch: Any, device: torch.device) -> Any:
    """Return a batch with its tensors on a device: in lists, tuples, mappings and dataclasses; the same if it is there.

    Whatever else is in it stays as it is.

    Example:
        >>> moved({"ids": torch.zeros(2), "names": ["a", "b"]}, torch.device("meta"))["ids"].device
        device(type='meta')
    """
    if all(each.device == device for each in tensors_in(batch)):
        return batch
    return mapped(batch, lambda tensor: tensor.to(device))


def tensors_in(batch: Any) -> Iterator[Tensor]:
    """Yield the tensors of a batch."""
    if isinstance(batch, Tensor):
        yield batch
        return
    for each in _values(batch):
        yield from tensors_in(each)


def _values(batch: Any) -> list[Any]:
    if isinstance(batch, Mapping):
        return list(batch.values())
    if isinstance(batch, list | tuple):
        return list(batch)
    return list(_of_dataclass(batch).values())


def _of_dataclass(batch: Any) -> dict[str, Any]:
    is_one = is_dataclass(batch) and not isinstance(batch, type)
    return {each.name: getattr(batch, each.name) for each in fields(batch) if each.init} if is_one else {}


def mapped(batch: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Return a batch with each of its tensors changed."""
    if isinstance(batch, Tensor):
        return change(batch)
    if isinstance(batch, Mapping):
        return {key: mapped(each, change) for key, each in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(mapped(each, change) for each in batch))
    if isinstance(batch, list | tuple):
        return type(batch)(mapped(each, change) for each in batch)
    if values := _of_dataclass(batch):
        return replace(batch, **{name: mapped(each, change) for name, each in values.items()})
    return batch


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Return the states of torch's generators that a training on a device draws from."""
    states = {"cpu": torch.get_rng_state()}
    return states | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def set_random_state(device: torch.device, states: Mapping[str, Tensor]) -> None:
    """Restore a `random_state`; that of a GPU only where the training goes on on one."""
    torch.set_rng_state(states["cpu"].cpu())
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"].cpu(), device)


@contextmanager
def computing_in(precision: str, device: torch.device) -> Iterator[None]:
    """Let torch compute matrix products in ``"bfloat16"`` for a block; ``"float32"`` leaves all as it is.

    Parameters, optimizer and sums stay float32 (`torch.autocast`). bfloat16 has the range of float32, so no loss needs
    to be scaled.
    """
    if precision == FLOAT32:  # where a caller's autocast may apply
        yield
        return
    with torch.autocast(device.type, dtype=torch.bfloat16):
        yield


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's generators for a block on a device; afterwards they go on as before it."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


_lock = Lock()
_requests: list[tuple[object, int]] = []
"""The thread counts that running blocks asked for, the latest last; before them, the count there was."""


def usable_cores() -> int:
    """Return how many cores this process may use, container quotas included."""
    return int(joblib.cpu_count())


@contextmanager
def torch_threads(threads: int | None) -> Iterator[None]:
    """Set torch's number of threads for a block; None leaves it alone.

    The number belongs to the process. Where blocks on several threads overlap, the latest that is still open decides.
    After the last one the number is what it was before the first.
    """
    if threads is None:
        yield
        return
    block = object()
    with _lock:
        if not _requests:
            _requests.append((None, torch.get_num_threads()))
        _requests.append((block, threads))
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        with _lock:
            _requests[:] = [each for each in _requests if each[0] is not block]
            torch.set_num_threads(_requests[-1][1])
            if len(_requests) == 1:
                _requests.clear()


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Treat denormal numbers as zero for a block.

    Arithmetic on them takes a slow path in the processor: a run that drives activations towards zero would become many
    times slower. The previous state is restored, except on builds that cannot report it. The state belongs to a
    thread; threads of torch's pool inherit it when torch makes them, at the first large operation of the process.
    """
    before = flushes_denormals()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def flushes_denormals() -> bool:
    """Return whether this thread treats denormal numbers as zero."""
    return bool((torch.tensor([1e-39], dtype=torch.float32, device="cpu") * 1.0 == 0).item())
