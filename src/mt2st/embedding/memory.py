"""Memory: how much of it is free, and that of mapped files given back."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError

MEGABYTE = 1 << 20

_PROC, _CONTROL_GROUPS = Path("/proc"), Path("/sys/fs/cgroup")

# Limit, use, and the entries of memory.stat that count what is only a cache of files: versions 1 and 2.
_VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_inactive_file", "total_active_file"))
_VERSION_2 = ("memory.max", "memory.current", ("inactive_file", "active_file"))


def available_memory(*, proc: Path = _PROC, control_groups: Path = _CONTROL_GROUPS) -> int | None:
    """Return the bytes that this program may still take without swapping or being killed; None where nothing tells.

    The least of what the machine has available and what the limits of the process's control groups (containers, batch
    systems) leave. Cached file contents count as free: they make room.

    Args:
        proc: where the system tells about itself.
        control_groups: where the control groups are mounted.
    """
    bounds = [*_of_machine(proc / "meminfo"), *_of_control_groups(proc / "self" / "cgroup", control_groups)]
    return max(0, min(bounds)) if bounds else None


def check_available(needed: int, what: str, advice: str) -> None:
    """Raise if there is less memory than something needs; ask before the work, not after.

    Args:
        needed: bytes.
        what: names it, as the start of a sentence.
        advice: what to do.

    Raises:
        InputError: with both figures.
    """
    available = available_memory()
    if available is not None and needed > available:
        raise InputError(
            f"{what} takes {megabytes(needed)} of memory, and {megabytes(available)} are available: {advice}"
        )


def megabytes(size: int) -> str:
    """Return a number of bytes for a person.

    Example:
        >>> megabytes(3_500_000_000), megabytes(1)
        ('3,338 MB', '1 MB')
    """
    return f"{-(-size // MEGABYTE):,} MB"


def give_back(array: NDArray[Any], start: int, stop: int) -> None:
    """Let the pages of ``array[start:stop]`` go, if it is mapped read-only from a file; another read brings them back.

    The system would do so itself when memory gets short; until then they count as this process's memory.

    Args:
        array: one-dimensional and contiguous; one that is not mapped is left alone.
        start: first value.
        stop: behind the last one.
    """
    mapping = _mapping_of(array)
    if mapping is None or not hasattr(mmap, "MADV_DONTNEED"):
        return
    whole = np.frombuffer(mapping, dtype=np.uint8)
    if whole.flags.writeable:  # a private copy of the file may hold what is nowhere else
        return
    begin = array.ctypes.data - whole.ctypes.data
    # The pages at both ends belong to the neighbours too.
    first = -(-(begin + start * array.itemsize) // mmap.PAGESIZE) * mmap.PAGESIZE
    last = min(begin + stop * array.itemsize, whole.size) // mmap.PAGESIZE * mmap.PAGESIZE
    if first < last:
        mapping.madvise(mmap.MADV_DONTNEED, first, last - first)


def _mapping_of(array: NDArray[Any]) -> mmap.mmap | None:
    base: object = array
    while base is not None and not isinstance(base, mmap.mmap):
        base = getattr(base, "base", None)
    return base


def _of_machine(meminfo: Path) -> Iterator[int]:
    for line in _read(meminfo).splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            yield 1024 * int(value.split()[0])


def _of_control_groups(membership: Path, mounted: Path) -> Iterator[int]:
    for line in _read(membership).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root, names = (mounted / "memory", _VERSION_1) if controllers else (mounted, _VERSION_2)
        # A limit binds all groups below it. In a container the process may see its own group as the root.
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            yield from _left(folder, *names)
            if folder == root:
                break


def _left(folder: Path, limit: str, used: str, caches: tuple[str, ...]) -> Iterator[int]:
    bound, taken = _read(folder / limit).strip(), _read(folder / used).strip()
    if bound.isdigit() and taken.isdigit():  # "max" where there is no limit
        entries = dict(line.split(maxsplit=1) for line in _read(folder / "memory.stat").splitlines() if " " in line)
        yield int(bound) - int(taken) + sum(int(entries.get(name, 0)) for name in caches)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
