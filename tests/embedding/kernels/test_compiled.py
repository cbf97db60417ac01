"""The cache of compiled kernels follows all source files."""

from __future__ import annotations

from pathlib import Path

from mt2st.embedding.kernels.compiled import drop_outdated


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


def test_compiled_forms_go_when_a_source_they_take_functions_from_changes(tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    for folder in (own, other):
        folder.mkdir()
        (folder / "kernel.py").write_text("one")
    drop_outdated(own, uses=[other])
    index = own / "__pycache__" / "kernel.train-1.py311.nbi"
    index.write_text("compiled")
    drop_outdated(own, uses=[other])
    assert index.exists()
    (other / "kernel.py").write_text("three")
    drop_outdated(own, uses=[other])
    assert not index.exists()


def test_a_folder_that_cannot_be_written_to_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").write_text("a file where the folder should be")
    drop_outdated(tmp_path)
