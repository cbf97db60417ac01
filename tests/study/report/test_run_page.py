from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.study.report.folders import write_run
from tests.study.report.html_tree import read

from mt2st.errors import InputError
from mt2st.study.report import write_report
from mt2st.training import Freeze


def test_a_run_has_measures_curves_weights_and_settings(tmp_path: Path) -> None:
    page = read(write_report(write_run(tmp_path / "run", classes=("<b>", "pos"))).read_text(encoding="utf-8"))
    assert "76.5 % on the test part" in page.text
    assert "One run cannot tell which strategy is better" in page.text
    tables = page.tables()
    assert tables["Metrics on each part of the data"][2] == ["test", "76.5 %", "76.1 %", "0.400"]
    assert len(tables["Validation accuracy by epoch"]) == 5
    assert "context off after 2 epochs" in page.text
    assert not page.all("b")
    assert "<b>, pos" in page.text
    assert page.all("code")[0].text == "mt2st train reviews.csv"


def test_scores_by_class_and_mistakes_come_before_the_settings_and_changed_settings_before_the_others(
    tmp_path: Path,
) -> None:
    page = read(write_report(write_run(tmp_path / "run")).read_text(encoding="utf-8"))
    sections = [each.text for each in page.all("h2")]
    assert sections[:2] == ["Results", "Mistakes"]
    assert sections[-1] == "To repeat it"
    assert "differ from the share that is right by 3.1 % on average" in page.text
    tables = page.tables()
    assert tables["Scores by class on the test part"][1] == ["neg", "75.0 %", "80.0 %", "77.4 %", "100"]
    assert tables["Scores by entity on the test part"][1] == ["film", "25.0 %", "10.0 %", "14.3 %", "1,200"]
    assert tables["Confusion matrix of the test part"] == [
        ["true class", "neg", "pos"],
        ["neg", "80", "20"],
        ["pos", "27", "73"],
    ]
    (mistakes,) = [rows for caption, rows in tables.items() if caption.startswith("The most certain mistakes: 1 of 47")]
    assert mistakes[1][1:] == ["pos", "neg", "98.7 %"]
    facts = [[pair.all("dt")[0].text for pair in each.all("div")] for each in page.all("dl")]
    changed, others = facts[-2:]
    assert changed == ["optimisation.epochs"]
    assert "optimisation.batch_size" in others


@pytest.mark.parametrize(("best", "in_kept"), [(0, []), (2, [1, 3, 4]), (3, [1, 3, 4, 0])])
def test_frozen_dimensions_are_those_of_the_parameters_kept(tmp_path: Path, best: int, in_kept: list[int]) -> None:
    """Dimensions are frozen from steps 21 and 31 on; the parameters kept are those after step 10, 30 or 40."""
    freezes = [Freeze(3, 21, [4, 1, 3], [0.5, 0.1, 0.9, 0.2, 0.3]), Freeze(4, 31, [0], [0.5, 0.1, 0.9, 0.2, 0.3])]
    folder = write_run(tmp_path / "run", freezes=freezes, best=best)
    page = read(write_report(folder).read_text(encoding="utf-8"))
    _, *rows = page.tables()["Dimensions chosen to be frozen"]
    assert [row[:4] for row in rows] == [["3", "21", "3", "1, 3, 4"], ["4", "31", "1", "0"]]
    assert [row[4] for row in rows] == ["yes" if set(each.dimensions) <= set(in_kept) else "no" for each in freezes]
    saved = json.loads((folder / "frozen_dimensions.json").read_text(encoding="utf-8"))
    assert sorted(saved["kept"]) == sorted(in_kept)
    told = f"4 were chosen to be frozen, and {len(in_kept)} of them were frozen in the parameters kept"
    assert f"Of the 5 dimensions of the embedding, {told}, those after step {10 * (best + 1)}" in page.text
    assert ("The others were still learning then" in page.text) == (len(in_kept) < 4)


def test_a_run_without_frozen_dimensions_says_nothing_of_them(tmp_path: Path) -> None:
    assert "rozen" not in read(write_report(write_run(tmp_path / "run")).read_text(encoding="utf-8")).text


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model/config.json", "{", "config.json cannot be read"),
        ("model/config.json", "[]", "config.json is not what a run leaves"),
        ("model/config.json", '{"classes": []}', "config.json is not what a finished run leaves"),
        ("report.json", "", "report.json cannot be read"),
        ("report.json", "[" * 100_000, "report.json cannot be read"),
        ("model/config.json", '{"classes": ' + "[" * 100_000, "config.json cannot be read"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, name: str, content: str, message: str) -> None:
    folder = write_run(tmp_path / "run")
    (folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        write_report(folder, figures=False)


def test_a_run_that_is_not_finished_is_no_report_yet(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").touch()
    with pytest.raises(InputError, match="is not finished: train it again"):
        write_report(tmp_path)
    (tmp_path / "checkpoint").mkdir()
    with pytest.raises(InputError, match="go on with it by mt2st train --resume"):
        write_report(tmp_path)


def test_a_run_from_few_labels_has_no_curves(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    path = folder / "model" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["run"]["evaluations"] = []
    path.write_text(json.dumps(config), encoding="utf-8")
    page = write_report(folder, figures=False).read_text(encoding="utf-8")
    assert "nothing was trained by gradient descent but the word vectors" in page
    assert "Learning curves" not in page
