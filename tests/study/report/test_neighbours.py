from __future__ import annotations

import shutil
from pathlib import Path

from tests.study.conftest import QUICK, texts
from tests.study.report.folders import write_run
from tests.study.report.html_tree import read

from mt2st.strategy import MultiTask, SingleTask
from mt2st.study import Grid, StudyData, run_study
from mt2st.study.report import write_report


def test_neighbours_stand_side_by_side_and_are_those_of_the_models(tmp_path: Path) -> None:
    from mt2st.models import load_model

    folder = tmp_path / "study"
    data = StudyData(texts(24), texts(8), texts(10))
    run_study(data, Grid({"single-task": SingleTask(), "multi-task": MultiTask()}, QUICK, (1,)).cells(), folder=folder)
    tables = read(write_report(folder, figures=False).read_text(encoding="utf-8")).tables()
    header, *rows = tables["Neighbours of words, seed 1"]
    assert header == ["word", "single-task", "multi-task"]
    assert {row[0] for row in rows} == {"film", "fine", "dull"}  # four letters or more
    for column, name in enumerate(header[1:], start=1):
        vectors = load_model(folder / f"{name}-seed1" / "model").word_vectors
        for row in rows:
            assert row[column].split(", ") == [word for word, _ in vectors.most_similar(row[0], topn=6)]

    config = folder / "multi-task-seed1" / "model" / "config.json"
    config.write_text("{", encoding="utf-8")
    assert "Left out: " in write_report(folder, figures=False).read_text(encoding="utf-8")
    shutil.rmtree(config.parent)
    assert "Neighbours of words" not in write_report(folder, figures=False).read_text(encoding="utf-8")


def test_a_run_without_a_network_has_no_neighbours(tmp_path: Path) -> None:
    assert "Neighbours" not in write_report(write_run(tmp_path / "run")).read_text(encoding="utf-8")
