from __future__ import annotations

import os
from pathlib import Path

import pytest

from mt2st.models import ModelSettings
from mt2st.strategy import Switch
from mt2st.study import Cell, StudyData
from mt2st.study.cell import VECTORS, difference
from mt2st.study.fingerprint import auxiliary_labels, start_vectors
from mt2st.text import LabelledText

TAGGED = "the\tD\tB\nfilm\tN\tI\n\nit\tN\tO\n"


@pytest.fixture
def settings(tmp_path: Path) -> ModelSettings:
    path = tmp_path / "tagged.conll"
    path.write_text(TAGGED, encoding="utf-8")
    return ModelSettings().updated(
        auxiliaries=("tagging",), auxiliary_data__tagging=str(path), auxiliary_data__tagging_column="2"
    )


def change(settings: ModelSettings, text: str) -> None:
    assert settings.auxiliary_data.tagging
    path = Path(settings.auxiliary_data.tagging)
    before = path.stat().st_mtime_ns
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_settings_without_labelled_data_have_no_hash() -> None:
    assert (
        auxiliary_labels(ModelSettings().updated(auxiliaries=("context",), auxiliary_data__tagging="unread.conll"))
        is None
    )


def test_the_hash_is_of_what_is_read_not_of_the_file(settings: ModelSettings) -> None:
    first = auxiliary_labels(settings)
    change(settings, TAGGED + "\n\n")  # no row more
    assert auxiliary_labels(settings) == first
    assert auxiliary_labels(settings.updated(auxiliary_data__tagging_column="3")) != first
    change(settings, TAGGED.replace("it\tN", "it\tP"))
    assert auxiliary_labels(settings) != first


def test_a_finished_cell_on_other_auxiliary_labels_is_another(settings: ModelSettings) -> None:
    rows = LabelledText(["good", "bad"], ["yes", "no"], "reviews")
    data, cell = StudyData(rows, rows, rows), Cell("switch", Switch(2), settings)
    there = cell.identity(data)
    assert difference(there, cell.identity(data)) is None
    change(settings, TAGGED.replace("film", "book"))
    assert difference(there, cell.identity(data)) == "labels of auxiliary tasks"


def write(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")
    later = path.stat().st_mtime_ns + 10**9
    os.utime(path, ns=(later, later))


def test_settings_without_a_file_of_vectors_have_no_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("random").write_text("a folder may have such a file", encoding="utf-8")
    assert start_vectors(ModelSettings()) is None
    assert start_vectors(ModelSettings().updated(embedding__init="gensim:glove-twitter-100")) is None


@pytest.mark.parametrize("part", ["vectors.kv", "vectors.kv.vectors.npy", "folder/model.safetensors"])
def test_the_hash_is_of_all_files_of_the_vectors(tmp_path: Path, part: str) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("vectors.kv", "vectors.kv.vectors.npy", "folder/model.safetensors", "other.kv"):
        (tmp_path / name).write_text("first", encoding="utf-8")
    settings = ModelSettings().updated(
        embedding__init=str(tmp_path / ("folder" if part.startswith("folder") else "vectors.kv"))
    )
    first = start_vectors(settings)
    assert first is not None
    (tmp_path / "other.kv").write_text("second", encoding="utf-8")
    assert start_vectors(settings) == first
    write(tmp_path / part, "second")
    assert start_vectors(settings) != first
    write(tmp_path / part, "first")
    assert start_vectors(settings) == first


def test_a_finished_cell_from_other_vectors_is_another(tmp_path: Path) -> None:
    path = tmp_path / "vectors.vec"
    path.write_text("1 2\ngood 0 1\n", encoding="utf-8")
    rows = LabelledText(["good", "bad"], ["yes", "no"], "reviews")
    data = StudyData(rows, rows, rows)
    cell = Cell("switch", Switch(2), ModelSettings().updated(embedding__init=str(path), embedding__vector_size=2))
    there = cell.identity(data)
    write(path, "1 2\ngood 1 0\n")
    assert difference(there, cell.identity(data)) == VECTORS
