"""``mt2st train`` is killed at every rename that it makes: each command then does what it promises."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from mt2st import _checkpoint
from mt2st.cli.main import main

SAID = "said.txt"
"""What the last command printed for a person."""


def command(arguments: list[str], *, kill_at: int | None = None) -> int:
    """Run a command in a child, which kills itself before the given rename; return its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = -1 if kill_at is None else kill_at
    code = 1

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **named: Any) -> Any:
            nonlocal left
            if "/run/" in str(given[0]):  # not those of caches
                if left == 0:
                    os._exit(9)
                left -= 1
            return call(*given, **named)

        return counted

    try:
        with (Path(arguments[1]).parent / SAID).open("w") as said:
            os.dup2(said.fileno(), 2)
            os.rename, os.replace = dying(os.rename), dying(os.replace)
            code = main(arguments)
    finally:
        os._exit(code)


def model(run: Path) -> dict[str, np.ndarray[Any, Any]]:
    return load_file(run / "model" / "model.safetensors")


def equal(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def put_back(run: Path, kept: Path) -> None:
    shutil.rmtree(run, ignore_errors=True)
    if kept.exists():
        shutil.copytree(kept, run)


@pytest.mark.parametrize("earlier", [False, True])
def test_a_run_is_killed_at_each_rename(
    earlier: bool, train_arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_checkpoint, "CHECKPOINT_SHARE", 1e9)  # one at each epoch
    run, kept = tmp_path / "run", tmp_path / "kept"
    assert main(train_arguments) == 0  # here, so that the children find all modules loaded
    whole, before = model(run), tmp_path / "before"
    other = ["--seed", "2"] if earlier else []
    if earlier:
        assert command([*train_arguments, "--overwrite", *other]) == 0
        shutil.copytree(run, before)
    old = model(run) if earlier else None
    found = set()
    for kill_at in range(0, 1000, 2 if earlier else 1):
        put_back(run, before)
        code = command([*train_arguments, *["--overwrite"] * earlier], kill_at=kill_at)
        if code == 0:
            break
        assert code == 9, (tmp_path / SAID).read_text(encoding="utf-8")
        put_back(kept, run)
        if (run / "model").exists():  # the old or the new one, and whole
            found.add("new" if equal(model(run), whole) else "old")
            assert equal(model(run), whole) or (old is not None and equal(model(run), old))
        begun = command(train_arguments)  # the plain command begins where nothing was done, and else refuses
        assert begun == 2 or equal(model(run), whole)
        for again in ("--resume", "--overwrite")[:: 1 if kill_at % 4 == 0 else 2]:
            put_back(run, kept)
            code = command([*train_arguments, again])
            begins = again == "--resume" and not (kept / "checkpoint").exists()
            assert code == 0 or (begins and code == 2), (tmp_path / SAID).read_text(encoding="utf-8")
            if code == 0:
                assert equal(model(run), whole)
                assert not list(run.glob(".mt2st-*"))
                assert not (run / "checkpoint").exists()
    assert kill_at > 12
    assert "new" in found
