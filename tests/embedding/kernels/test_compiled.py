"""The cache of compiled kernels follows all source files."""

from __future__ import annotations

from pathlib import Path

from mt2st.embedding.kernels import drop_outdated


def test_compiled_forms_go_when_any_source_changes_and_stay_otherwise(tmp_path: Path) -> None:
    (tmp_path / "kernel.py").write_text("one")
    (tmp_path / "helper.py").write_text("two")
    drop_outdated(tmp_path)
    index = tmp_path / "__pycache__" / "kernel.train-1.py311.nbi"
    index.write_text("compiled")
    drop_outdated(tmp_path)
    assert index.exists()
    (tmp_path / "helper.py").write_text("three")
    drop_outdated(tmp_path)
    assert not index.exists()


def test_a_folder_that_cannot_be_written_to_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").write_text("a file where the folder should be")
    drop_outdated(tmp_path)
