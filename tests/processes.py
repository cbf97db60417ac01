"""Processes that train together: each runs the functions that a test sends, in one gloo group."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

SECONDS = 300
"""How long a test waits for an answer."""


class Team:
    """Spawned processes, connected with each other.

    Args:
        count: how many.
    """

    def __init__(self, count: int = 2) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._meeting = tempfile.TemporaryDirectory()
        place = Path(self._meeting.name) / "meeting"
        self._pipes: list[Any] = []
        self.processes: list[Any] = []
        for rank in range(count):
            here, there = spawn.Pipe()
            process = spawn.Process(target=_work, args=(rank, count, place, there), daemon=True)
            process.start()
            there.close()
            self._pipes.append(here)
            self.processes.append(process)

    def run(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Call a function of a module in all processes; return what each returns, or the error that it raises."""
        self.send(function, *arguments)
        return [self.receive(rank) for rank in range(len(self._pipes))]

    def send(self, function: Callable[..., Any], *arguments: Any) -> None:
        for pipe in self._pipes:
            pipe.send((function, arguments))

    def receive(self, rank: int) -> Any:
        assert self._pipes[rank].poll(SECONDS), f"process {rank} does not answer"
        return self._pipes[rank].recv()

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.join()
        self._meeting.cleanup()


def _work(rank: int, count: int, place: Path, pipe: Connection) -> None:
    import torch
    from torch import distributed

    torch.set_num_threads(1)
    os.environ["LOCAL_WORLD_SIZE"] = str(count)
    distributed.init_process_group("gloo", init_method=f"file://{place}", rank=rank, world_size=count)
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        try:
            result = function(*arguments)
        except Exception as error:  # the test's own process looks at it
            result = error
        pipe.send(result)
