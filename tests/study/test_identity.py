from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from mt2st.models import ModelSettings
from mt2st.strategy import Switch
from mt2st.study import Cell, StudyData
from mt2st.study.data import changes, difference, identity_of
from mt2st.text import LabelledText

ROWS = LabelledText(["good", "bad"], ["yes", "no"], "reviews")
DATA = StudyData(ROWS, ROWS, ROWS)

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


def hashes(settings: ModelSettings, part: str) -> list[str]:
    return list(identity_of(Switch(2), settings, DATA)[part].values())


def test_settings_without_labelled_data_have_no_hash() -> None:
    settings = ModelSettings().updated(auxiliaries=("context",))
    assert hashes(settings, "auxiliary labels") == []


def test_a_finished_cell_on_other_auxiliary_labels_is_another(settings: ModelSettings) -> None:
    cell = Cell("switch", Switch(2), settings)
    there = cell.identity(DATA)
    assert difference(there, cell.identity(DATA)) is None
    change(settings, TAGGED.replace("film", "book"))
    assert re.fullmatch(r"auxiliary labels \(.*tagged.conll is '\w{16}' there and '\w{16}' here\)",
                        difference(there, cell.identity(DATA)) or "")  # fmt: skip
    change(settings, TAGGED)
    assert difference(there, cell.identity(DATA)) is None


def write(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")
    later = path.stat().st_mtime_ns + 10**9
    os.utime(path, ns=(later, later))


def test_settings_without_a_file_of_vectors_have_no_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("random").write_text("a folder may have such a file", encoding="utf-8")
    assert hashes(ModelSettings(), "word vectors") == []
    assert hashes(ModelSettings().updated(embedding__init="gensim:glove-twitter-100"), "word vectors") == []


@pytest.mark.parametrize("part", ["vectors.kv", "vectors.kv.vectors.npy", "folder/model.safetensors"])
def test_the_hashes_are_of_all_files_of_the_vectors(tmp_path: Path, part: str) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("vectors.kv", "vectors.kv.vectors.npy", "folder/model.safetensors", "other.kv"):
        (tmp_path / name).write_text("first", encoding="utf-8")
    settings = ModelSettings().updated(
        embedding__init=str(tmp_path / ("folder" if part.startswith("folder") else "vectors.kv"))
    )
    first = hashes(settings, "word vectors")
    assert first
    (tmp_path / "other.kv").write_text("second", encoding="utf-8")
    assert hashes(settings, "word vectors") == first
    write(tmp_path / part, "second")
    assert hashes(settings, "word vectors") != first
    write(tmp_path / part, "first")
    assert hashes(settings, "word vectors") == first


def test_a_finished_cell_from_other_vectors_is_another(tmp_path: Path) -> None:
    path = tmp_path / "vectors.vec"
    path.write_text("1 2\ngood 0 1\n", encoding="utf-8")
    cell = Cell("switch", Switch(2), ModelSettings().updated(embedding__init=str(path), embedding__vector_size=2))
    there = cell.identity(DATA)
    write(path, "1 2\ngood 1 0\n")
    assert (difference(there, cell.identity(DATA)) or "").startswith("word vectors (")


def test_a_difference_is_told_by_its_names_and_values() -> None:
    assert difference({"data": "a", "version": "1"}, {"data": "a"}) is None
    assert difference({"data": "a"}, {"data": "b"}) == "data"
    assert changes({"a": 1}, {"a": 1, "b": None}) == "b is unknown there and None here"
    assert changes({}, dict.fromkeys("abcdef", 0)).endswith(", and 2 more")
