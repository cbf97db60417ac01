"""A process is killed at each step of a save: the state before or the new one is found, whole, and nothing else."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mt2st import _files
from mt2st._files import ASIDE, complete_file, complete_folder, moved_when_complete, restore

POINTS = [
    (os, "fsync"), (os, "mkdir"), (os, "rename"), (os, "replace"), (os, "rmdir"), (os, "unlink"), (os, "chmod"),
    (io, "open"), (tempfile, "mkdtemp"),
]  # fmt: skip
"""Calls that change the disk, before each of which a save is killed."""


def killed_at(number: int, work: Callable[[], object]) -> bool:
    """Do the work in a child that kills itself before the ``number``-th call; return whether it came so far."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    left = number

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                os._exit(9)
            return call(*arguments, **named)

        return counted

    try:
        for module, name in POINTS:
            setattr(module, name, dying(getattr(module, name)))
        work()
    finally:
        os._exit(0)


def kills(work: Callable[[], object]) -> Iterator[int]:
    """Kill the work at one point after the other, until it ends by itself; give the number of each."""
    number = 0
    while killed_at(number, work):
        yield number
        number += 1


def write(folder: Path, content: str) -> None:
    with complete_folder(folder) as new:
        for name in ("a", "b"):
            (new / name).write_text(content, encoding="utf-8")


def read(folder: Path) -> set[str]:
    return {(folder / name).read_text(encoding="utf-8") for name in ("a", "b")}


@pytest.mark.parametrize("exists", [False, True])
def test_a_folder_is_the_old_or_the_new_one_wherever_its_writer_is_killed(tmp_path: Path, exists: bool) -> None:
    place = tmp_path / "place"
    found = []
    for number in range(1000):
        if place.is_dir():
            _files.remove(place)
        if exists:
            write(place, "old")
        if not killed_at(number, lambda: write(place, "new")):
            break
        restore(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == (["place"] if place.exists() else [])
        found.append(read(place) if place.exists() else set())
    assert all(each in ([{"old"}, {"new"}] if exists else [set(), {"new"}]) for each in found)
    assert found == sorted(found, key=lambda each: each == {"new"}), "what is complete once stays so"
    assert len(found) > 10
    assert {"new"} in found[:-1]


def test_the_next_writer_brings_what_was_killed_to_its_end(tmp_path: Path) -> None:
    for number in kills(lambda: write(tmp_path / "place", "new")):
        write(tmp_path / "other", f"{number}")
        assert {path.name for path in tmp_path.iterdir()} <= {"place", "other"}


def test_a_file_is_the_old_or_the_new_one_wherever_its_writer_is_killed(tmp_path: Path) -> None:
    def write_file() -> None:
        with complete_file(tmp_path / "place", overwrite=True) as file:
            file.write(b"new")

    (tmp_path / "place").write_bytes(b"old")
    found = []
    for _ in kills(write_file):
        restore(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["place"]
        found.append((tmp_path / "place").read_bytes())
    assert set(found) == {b"old", b"new"}


def test_files_that_belong_together_are_of_one_time_wherever_their_writer_is_killed(tmp_path: Path) -> None:
    def write_both(content: str) -> None:
        with moved_when_complete(tmp_path / "a") as new:
            for name in ("a", "a.more"):
                (new / name).write_text(content, encoding="utf-8")

    found = []
    for number in range(1000):
        write_both("old")
        if not killed_at(number, lambda: write_both("new")):
            break
        seen = {path.read_text(encoding="utf-8") for path in tmp_path.iterdir() if path.is_file()}
        assert len(seen) <= 1, "nobody reads old words with new vectors, even before it is brought to its end"
        restore(tmp_path)
        found.append({path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()})
    assert all(each in ({"a": when, "a.more": when} for when in ("old", "new")) for each in found)


def test_what_a_living_process_writes_stays(tmp_path: Path) -> None:
    with complete_folder(tmp_path / "place") as new:
        (new / "a").touch()
        restore(tmp_path)
        write(tmp_path / "other", "x")
        assert (new / "a").is_file()
        assert len(list(tmp_path.glob(f"{ASIDE}*"))) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "place"]


def test_a_ctrl_c_between_the_two_renames_leaves_the_old_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "place", "old")
    replace = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        if self.name == "place":
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "place", "new")
    assert read(tmp_path / "place") == {"old"}
    assert [path.name for path in tmp_path.iterdir()] == ["place"]
