from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from mt2st.models import ClassifierSettings
from mt2st.strategy import Switch
from mt2st.study import Cell, StudyData
from mt2st.study.cell import difference
from mt2st.study.fingerprint import auxiliary_labels
from mt2st.text import LabelledText

TAGGED = "the\tD\tB\nfilm\tN\tI\n\nit\tN\tO\n"


@pytest.fixture
def settings(tmp_path: Path) -> ClassifierSettings:
    path = tmp_path / "tagged.conll"
    path.write_text(TAGGED, encoding="utf-8")
    return ClassifierSettings(auxiliary=("tagging",), tagging_data=str(path), tagging_column="2")


def change(settings: ClassifierSettings, text: str) -> None:
    assert settings.tagging_data
    path = Path(settings.tagging_data)
    before = path.stat().st_mtime_ns
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_settings_without_labelled_data_have_no_hash() -> None:
    assert auxiliary_labels(ClassifierSettings(auxiliary=("context",), tagging_data="unread.conll")) is None


def test_the_hash_is_of_what_is_read_not_of_the_file(settings: ClassifierSettings) -> None:
    first = auxiliary_labels(settings)
    change(settings, TAGGED + "\n\n")  # no row more
    assert auxiliary_labels(settings) == first
    assert auxiliary_labels(replace(settings, tagging_column="3")) != first
    change(settings, TAGGED.replace("it\tN", "it\tP"))
    assert auxiliary_labels(settings) != first


def test_a_finished_cell_on_other_auxiliary_labels_is_another(settings: ClassifierSettings) -> None:
    rows = LabelledText(["good", "bad"], ["yes", "no"], "reviews")
    data, cell = StudyData(rows, rows, rows), Cell("switch", Switch(2), settings)
    there = cell.identity(data)
    assert difference(there, cell.identity(data)) is None
    change(settings, TAGGED.replace("film", "book"))
    assert difference(there, cell.identity(data)) == "labels of auxiliary tasks"
