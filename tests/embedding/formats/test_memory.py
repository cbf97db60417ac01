"""A large file is converted in flat memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

N_WORDS, SIZE = 25_000, 512
TABLE = N_WORDS * SIZE * 4 / 1e6
"""Megabytes of the vectors alone."""

CONVERT = """
import json, re, sys
from pathlib import Path
from mt2st.embedding import WordVectors, convert_vectors
def peak():  # of this program; ru_maxrss would begin with that of the one that started it
    return int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1e3
small, source, *names = sys.argv[1:]
convert_vectors(small, f"{small}.warm", target_format="word2vec")  # whatever is set up once
before, grown = peak(), {}
for name in names:
    target = f"{source}.{name}"
    convert_vectors(source, target, target_format=name)
    grown[name], source = peak() - before, target
loaded = WordVectors.load(source)
print(json.dumps([grown, peak() - before, loaded.vectors.shape]))
"""
"""Megabytes of memory at the worst moment, above what the imports take."""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell the peak of memory")
def test_conversions_hold_a_block_and_loading_holds_the_table_once(tmp_path: Path) -> None:
    row = " 0.5" * SIZE + "\n"
    (tmp_path / "small").write_text("a" + row + "b" + row)
    with (tmp_path / "large").open("w") as file:
        file.writelines(f"word{number}{row}" for number in range(N_WORDS))
    names = ["word2vec-binary", "safetensors", "static-embedding"]
    command = [sys.executable, "-c", CONVERT, str(tmp_path / "small"), str(tmp_path / "large"), *names]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    grown, grown_by_loading, shape = json.loads(found.stdout)
    assert shape == [N_WORDS, SIZE]
    assert 0 < max(grown.values()) < 0.4 * TABLE, grown
    assert TABLE < grown_by_loading < 1.6 * TABLE
