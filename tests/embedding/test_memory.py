"""How much memory there is, and mapped pages given back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mt2st.embedding import memory
from mt2st.embedding.memory import available_memory, check_available, give_back
from mt2st.errors import InputError

MB = 1 << 20


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine with 1,000 MB available, no control group yet."""
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 9000000 kB\nMemAvailable: 1024000 kB\nSwapTotal: 0 kB\n")
    return tmp_path


def found(machine: Path) -> int | None:
    return available_memory(proc=machine / "proc", control_groups=machine / "cgroup")


def group(folder: Path, limit: str, used: int, caches: str, names: tuple[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in zip((*names, "memory.stat"), (limit, str(used), caches), strict=True):
        (folder / name).write_text(f"{value}\n")


def test_this_machine_tells() -> None:
    assert 0 < (available_memory() or 1) < 1 << 50


def test_without_limits_it_is_what_the_machine_has(machine: Path) -> None:
    assert found(machine) == 1000 * MB
    (machine / "proc" / "meminfo").unlink()
    assert found(machine) is None


@pytest.mark.parametrize("where", ["", "job", "job/step"])
def test_a_control_group_and_those_above_it_bind(machine: Path, where: str) -> None:
    (machine / "proc/self/cgroup").write_text("0::/job/step\n")
    names = ("memory.max", "memory.current")
    group(machine / "cgroup/job/step", "max", 0, "", names)
    caches = f"anon 5\ninactive_file {50 * MB}\nactive_file {10 * MB}"
    group(machine / "cgroup" / where, str(500 * MB), 300 * MB, caches, names)
    assert found(machine) == 260 * MB


def test_version_1_binds_too(machine: Path) -> None:
    (machine / "proc/self/cgroup").write_text("5:cpu:/\n4:memory:/job\n1:name=systemd:/\n")
    caches = f"total_inactive_file {MB}\ntotal_active_file 0"
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
    group(machine / "cgroup/memory/job", str(80 * MB), 79 * MB, caches, names)
    group(machine / "cgroup/memory", str(2**63 - 4096), 79 * MB, "", names)
    assert found(machine) == 2 * MB


def test_a_group_past_its_limit_has_nothing_left(machine: Path) -> None:
    (machine / "proc/self/cgroup").write_text("0::/\n")
    group(machine / "cgroup", "100", 200, "", ("memory.max", "memory.current"))
    assert found(machine) == 0


def test_what_does_not_fit_is_refused_with_both_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 5 * MB)
    check_available(5 * MB, "this", "wait")
    with pytest.raises(InputError, match="^this takes 6 MB of memory, and 5 MB are available: wait$"):
        check_available(5 * MB + 1, "this", "wait")
    monkeypatch.setattr(memory, "available_memory", lambda: None)
    check_available(1 << 60, "this", "wait")


def test_mapped_pages_go_and_come_back(tmp_path: Path) -> None:
    code = f"""
import re, numpy as np
from pathlib import Path
from mt2st.embedding.memory import give_back

def resident():
    return int(re.search(r"RssFile:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1e3

path = Path({str(tmp_path / "values")!r})
np.arange(16_000_000, dtype=np.int32).tofile(path)
values = np.asarray(np.memmap(path, np.int32, "r", offset=4))  # not at the start of a page
before = resident()
for start in range(0, values.size, 500_000):
    part = values[start : start + 500_000]
    assert part[0] == start + 1
    total = int(part.sum())
    give_back(values, start, start + part.size)
assert resident() - before < 6, resident() - before
assert int(values[-1]) == values.size and int(values.sum(dtype=np.int64)) == 16_000_000 * 15_999_999 // 2
assert resident() - before > 50
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_not_a_read_only_map_stays(tmp_path: Path) -> None:
    plain = np.ones(10_000, dtype=np.int32)
    give_back(plain, 0, plain.size)
    assert plain.all()
    path = tmp_path / "values"
    np.zeros(10_000, dtype=np.int32).tofile(path)
    private = np.memmap(path, np.int32, "c")
    private[:] = 7
    give_back(private, 0, private.size)
    assert (private == 7).all()
