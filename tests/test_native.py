"""Functions are compiled once, kept, and loaded without Numba; what is damaged or of other code is compiled again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = """
from __future__ import annotations
import numpy as np
from mt2st._native import F64, I64, helper, native

@helper
def _twice(x: int) -> int:
    return {factor} * x

@native
def fill(values: I64, n: int, into: F64) -> int:
    for at in range(n):
        into[at] = _twice(values[at])
    return n
"""
RUN = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import functions
into = np.zeros(3)
assert functions.fill(np.arange(3), 3, into) == 3
print(into[2], "numba" in sys.modules)
"""


def run(folder: Path, *, factor: int = 2, **environment: str) -> str:
    (folder / "functions.py").write_text(MODULE.format(factor=factor), encoding="utf-8")
    found = subprocess.run(
        [sys.executable, "-c", RUN, str(folder)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.strip()


def kept(folder: Path) -> list[Path]:
    return sorted(folder.rglob("fill.*.native"))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module whose function was compiled."""
    folder = tmp_path_factory.mktemp("native")
    assert run(folder) == "4.0 True"
    return folder


def test_a_function_is_compiled_once(compiled: Path) -> None:
    assert run(compiled) == "4.0 False"
    assert len(kept(compiled)) == 1


def test_what_is_damaged_or_of_other_helpers_is_compiled_again(compiled: Path, tmp_path: Path) -> None:
    shutil.copytree(compiled, tmp_path, dirs_exist_ok=True)
    assert run(tmp_path, factor=3) == "6.0 True"
    (before,) = kept(compiled)
    file = tmp_path / before.relative_to(compiled)
    file.write_bytes(file.read_bytes()[:-9])
    assert run(tmp_path) == "4.0 True"
    assert file.stat().st_size == before.stat().st_size


def test_it_is_kept_where_it_may_be(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").write_text("a file, not a folder")
    places = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "NUMBA_CACHE_DIR": ""}
    assert run(tmp_path, **places) == "4.0 True"
    assert [file.parent for file in kept(tmp_path)] == [tmp_path / "cache" / "mt2st"]
    assert run(tmp_path, **places) == "4.0 False"


def test_without_a_place_every_process_compiles_it(tmp_path: Path) -> None:
    nowhere = tmp_path / "__pycache__"
    nowhere.write_text("a file, not a folder")
    assert run(tmp_path, XDG_CACHE_HOME=str(nowhere), NUMBA_CACHE_DIR=str(nowhere)) == "4.0 True"
    assert not kept(tmp_path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_goes_on_with_the_code(compiled: Path) -> None:
    forked = (
        RUN + "\nif os.fork() == 0:\n    functions.fill(np.arange(3), 3, into)\n    os._exit(0)\nprint(os.wait()[1])\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", "import os\n" + forked, str(compiled)], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["4.0", "False", "0"]


def test_arrays_of_another_type_are_refused(tmp_path: Path) -> None:
    (tmp_path / "functions.py").write_text(MODULE.format(factor=2), encoding="utf-8")
    script = RUN.replace("np.arange(3)", "np.arange(3, dtype=np.int32)")
    found = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "found int32, expected I64" in found.stderr
