from __future__ import annotations

from pathlib import Path

import pytest

from mt2st.cli.main import main
from tests.study.report.folders import results, write_study


def test_a_studys_report_is_made_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_study(tmp_path / "study", results())
    assert main(["report", str(folder)]) == 0
    assert capsys.readouterr().out.strip() == str(folder / "report.html")
    assert (folder / "report.html").is_file()


def test_train_leaves_a_report(train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(train_arguments) == 0
    page = tmp_path / "run" / "report.html"
    written = page.read_bytes()
    assert b"mt2st train" in written
    assert main(["report", str(tmp_path / "run")]) == 0
    assert page.read_bytes() == written
    assert main([*train_arguments, "--overwrite"]) == 0


def test_what_is_no_study_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = write_study(tmp_path / "studies" / "first", results())
    for place, message in (
        (tmp_path / "none", "there is no folder"),
        (tmp_path / "studies", f"Did you mean {study}?"),
        (study / "study.json", "is no folder"),
    ):
        assert main(["report", str(place)]) == 2
        assert message in capsys.readouterr().err
    broken = study / "cell1-seed2" / "result.json"
    broken.write_text("{", encoding="utf-8")
    assert main(["report", str(study)]) == 2
    assert str(broken) in capsys.readouterr().err
