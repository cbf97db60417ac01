"""Runs a function in several processes of ``torch.distributed`` with gloo, on this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import torch
from torch import multiprocessing


def run_processes(work: Callable[..., Any], folder: str, *arguments: Any, processes: int) -> list[Any]:
    """Return what ``work(folder, rank, *arguments)`` returns in each process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    multiprocessing.spawn(_start, (work, folder, processes, port, arguments), nprocs=processes)
    return [torch.load(f"{folder}/result-{rank}.pt", weights_only=False) for rank in range(processes)]


def _start(
    rank: int, work: Callable[..., Any], folder: str, processes: int, port: int, arguments: tuple[Any, ...]
) -> None:
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    torch.set_num_threads(1)
    torch.save(work(folder, rank, *arguments), f"{folder}/result-{rank}.pt")
