from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from mt2st._files import scratch_folder
from mt2st.errors import InputError

HOLD = """
import sys, time
from pathlib import Path
from mt2st._files import scratch_folder
with scratch_folder("corpus", Path(sys.argv[1])) as folder:
    (folder / "inner").mkdir()
    (folder / "inner" / "ids.bin").write_bytes(b"x")
    print(folder, flush=True)
    time.sleep(60)
"""


def test_a_scratch_folder_goes_with_its_block(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), scratch_folder("corpus", tmp_path) as folder:
        assert folder.parent == tmp_path
        (folder / "ids.bin").write_bytes(b"x")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next_and_not_before(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        held = Path(process.stdout.readline().strip())
        with scratch_folder("corpus", tmp_path) as own:
            assert sorted(tmp_path.iterdir()) == sorted([held, own]), "it is in use"
        process.send_signal(signal.SIGKILL)
    assert (held / "inner" / "ids.bin").is_file()
    with scratch_folder("glove", tmp_path):
        assert held.is_dir(), "it is of another purpose"
    with scratch_folder("corpus", tmp_path) as own:
        assert list(tmp_path.iterdir()) == [own]


def test_folders_inside_one_another_leave_each_other_alone(tmp_path: Path) -> None:
    with scratch_folder("corpus", tmp_path) as first, scratch_folder("corpus", tmp_path) as second:
        assert first.is_dir()
        assert second.is_dir()


def test_files_links_and_strange_folders_are_left_alone(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (tmp_path / "mt2st_corpus_link").symlink_to(kept)
    (tmp_path / "mt2st_corpus_file").touch()
    (tmp_path / "mt2st_corpora").mkdir()
    before = sorted(tmp_path.iterdir())
    with scratch_folder("corpus", tmp_path):
        pass
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_folders_of_other_users_are_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "mt2st_corpus_other"
    other.mkdir()
    os.chown(other, 12345, -1)
    with scratch_folder("corpus", tmp_path):
        pass
    assert other.is_dir()


def test_a_folder_taken_away_before_it_is_locked_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    make = tempfile.mkdtemp

    def late(**settings: Any) -> str:
        made.append(Path(make(**settings)))
        if len(made) == 1:
            made[0].rmdir()
        return str(made[-1])

    monkeypatch.setattr("tempfile.mkdtemp", late)
    with scratch_folder("corpus", tmp_path) as folder:
        assert folder.is_dir()
        assert folder in made


def test_a_place_that_cannot_hold_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere: no temporary folder can be made there"), \
            scratch_folder("corpus", tmp_path / "nowhere"):  # fmt: skip
        pass
