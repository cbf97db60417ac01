"""Environments without a compiler, or without a place for what it compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TRAIN = """
import sys
from mt2st.cli.main import main
{first}
sys.exit(main(["vectors", "train", "corpus.txt", "--output", "v.vec", "--min-count", "1", "--vector-size", "4"]))
"""
NO_PLACE = """
from numba.core.caching import CacheImpl
CacheImpl._locator_classes = [each for each in CacheImpl._locator_classes if "UserProvided" in each.__name__]
"""


def trained(folder: Path, first: str = "", **environment: str) -> tuple[int, list[str]]:
    """The exit code of a training of word vectors in a process of its own, and the lines of its messages."""
    (folder / "corpus.txt").write_text("a fine film\n" * 100, encoding="utf-8")
    command = [sys.executable, "-c", TRAIN.format(first=first)]
    found = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    return found.returncode, found.stderr.splitlines()


def test_without_a_compiler_one_line_says_so(tmp_path: Path) -> None:
    code, lines = trained(tmp_path, NUMBA_DISABLE_JIT="1")
    assert code == 2
    assert "NUMBA_DISABLE_JIT is set" in lines[-1]
    assert not any("Traceback" in line for line in lines)


@pytest.mark.parametrize("place", ["", "nowhere"])
def test_without_a_cache_the_kernels_are_compiled_for_one_run(tmp_path: Path, place: str) -> None:
    environment = {"TMPDIR": str(tmp_path), "NUMBA_CACHE_DIR": ""}
    if place:
        (tmp_path / place).write_text("a file, not a folder")
        environment["NUMBA_CACHE_DIR"] = str(tmp_path / place)
    code, lines = trained(tmp_path, NO_PLACE, **environment)
    assert code == 0
    assert sum("compiled for this run alone: name a writable folder by the" in line for line in lines) == 1
    assert (tmp_path / "v.vec").exists()
    assert not list(tmp_path.glob("mt2st_numba_*"))
