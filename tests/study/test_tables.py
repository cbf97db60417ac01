from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from tests.study.results import cell, with_scores

from mt2st._files import OWN
from mt2st.study import Study, summarise
from mt2st.study.statistics import percent
from mt2st.study.tables import Table, csv_table, result_table, search_table, target_table, write_tables

SINGLE = with_scores("single-task", [0.60, 0.70, 0.65, 0.62])
BETTER = with_scores("switch", [0.66, 0.75, 0.71, 0.68])
NOISY = with_scores("diminish", [0.90, 0.40, 0.95, 0.50])


def test_nothing_is_bold_and_nothing_has_a_star_without_a_significant_difference() -> None:
    clear, unclear = result_table(Study([*SINGLE, *BETTER])), result_table(Study([*SINGLE, *NOISY]))
    assert re.findall(r"\*\*.*?\*\*", clear.markdown()) == ["**70.0 ± 6.2 %**"]
    assert re.findall(r"\\textbf\{.*?\} &", clear.latex()) == [r"\textbf{70.0 $\pm$ 6.2 \%} &"]
    assert "+5.8 ± 0.8*" in clear.text()
    assert "**" not in unclear.markdown()
    assert "textbf" not in unclear.latex()
    assert "*" not in unclear.text()


@pytest.mark.parametrize("encoders", [("bilstm",), ("bilstm", "cnn")])
def test_nothing_is_bold_but_the_score_of_the_best(encoders: tuple[str, ...]) -> None:
    """It took a hundred times as long, and single-task's best came later: these fields are not better."""
    slow = [cell("switch", seed, [0.4] * 99 + [0.5], score) for seed, score in enumerate([0.66, 0.75, 0.71, 0.68], 1)]
    others = [with_scores("switch", [0.2, 0.3, 0.25, 0.22], encoder=encoder) for encoder in encoders[1:]]
    table = result_table(Study([*SINGLE, *slow, *(each for cells in others for each in cells)]))
    assert table.strong == {(1, table.header.index("accuracy"))}
    row = table.markdown().splitlines()[3]
    assert row.count("**") == 2
    assert "| **70.0 ± 6.2 %** |" in row
    assert "| 1000.0 | 100.00 [100.00, 100.00] (4/4) |" in row


def test_equal_differences_have_no_star_no_bold_type_and_no_interval_of_nothing() -> None:
    for seeds in (2, 4):
        table = result_table(Study([*SINGLE[:seeds], *with_scores("switch", [0.61, 0.71, 0.66, 0.63][:seeds])]))
        assert table.rows[1][table.header.index("vs single-task")] == "+1.0"
        assert not table.strong
    assert "never with fewer than 3 seeds, nor where the difference is the same with every seed" in table.notes
    assert "Holm's correction for the methods of one setting" in table.notes


@pytest.mark.parametrize("seeds", [2, 3])
def test_the_mean_of_equal_scores_has_no_interval_of_nothing(seeds: int) -> None:
    study = Study([*SINGLE, *with_scores("switch", [0.569] * seeds)])
    rows = summarise(study)
    assert result_table(study, rows).rows[1][2] == "56.9 %"
    assert percent(rows[1].score) == "56.9 %"
    *_, switch = csv.DictReader(io.StringIO(csv_table(rows)))
    assert (float(switch["score"]), switch["score_low"], switch["score_high"]) == (pytest.approx(0.569), "", "")


@pytest.mark.parametrize("less", [0.0001, 0.0, -0.0001])
def test_a_difference_of_which_nothing_is_left_has_no_sign(less: float) -> None:
    scores = [each.test["accuracy"] - less * (1 + 0.1 * (seed % 2)) for seed, each in enumerate(SINGLE)]
    table = result_table(Study([*SINGLE, *with_scores("switch", scores)]))
    field = table.rows[1][table.header.index("vs single-task")]
    assert field.rstrip("*") in ("0.0 ± 0.0", "0.0")
    for text in (table.text(), table.markdown(), table.latex()):
        assert not re.search(r"[-+]0\.0\b", text)


def test_every_row_says_of_how_many_seeds_it_is() -> None:
    table = result_table(Study([*SINGLE, *BETTER[:1]]))
    assert [row[table.header.index("seeds")] for row in table.rows] == ["4", "1"]
    assert table.rows[1][table.header.index("accuracy")] == "66.0 %"  # one seed has no interval


def test_factors_have_a_column_where_the_study_varies_them() -> None:
    wide = Study([*SINGLE, *with_scores("single-task", [0.5, 0.6], encoder="cnn")])
    assert result_table(wide).header[:3] == ["strategy", "encoder", "seeds"]
    assert [row[1] for row in result_table(wide).rows] == ["bilstm", "cnn"]
    assert result_table(Study(SINGLE)).header[:2] == ["strategy", "seeds"]


def test_never_reached_is_a_result() -> None:
    study = Study(
        [cell("single-task", 1, [0.8], 0.5), cell("switch", 1, [0.7], 0.5), cell("multi-task", 1, [0.9], 0.5)]
    )
    assert [row[-1] for row in result_table(study).rows] == ["1.00 (1/1)", "never (0/1)", "1.00 (1/1)"]
    target = target_table(study)
    assert target.rows[1] == ["switch", "0 of 1 seeds", *["never (0/1)"] * 6]
    assert target.header[2] == "seconds / single-task"
    assert target.rows[2][2] == "1.00, n 1"
    assert "time to" not in " ".join(result_table(Study(NOISY)).header)


def test_names_with_carriage_returns_are_read_back_from_csv() -> None:
    rows = summarise(Study([cell("single\rtask", 1, [0.5], 0.6)]))
    assert [row["method"] for row in csv.DictReader(io.StringIO(csv_table(rows), newline=""))] == ["single\rtask"]


def test_csv_has_the_unrounded_figures() -> None:
    rows = summarise(Study([*SINGLE, *BETTER]))
    first, second = csv.DictReader(io.StringIO(csv_table(rows)))
    assert (first["method"], first["encoder"], first["difference"]) == ("single-task", "bilstm", "")
    assert rows[1].difference is not None
    assert float(second["score"]) == rows[1].score.mean
    assert float(second["p"]) == rows[1].difference.p
    assert (second["seeds"], second["target_reached"], second["seconds_to_single_task_ratio"]) == ("4", "4", "1.0")
    assert not any("multi_task" in name for name in second)
    assert second["flops_to_single_task_n"] == "4"


def test_names_that_mean_something_to_latex_and_markdown_come_through() -> None:
    table = Table("t", ["a|b", "c"], [["my_words 50 %", "1*"]], notes="x < 5 & y")
    assert r"my\_words 50 \%" in table.latex()
    assert r"\caption{x $<$ 5 \& y}" in table.latex()
    assert table.markdown().splitlines()[0] == r"| a\|b | c |"
    assert r"1\*" in table.markdown()


def test_seconds_of_a_shared_machine_are_called_so() -> None:
    from dataclasses import replace

    assert "shared the machine" not in result_table(Study(SINGLE)).notes
    assert "shared the machine" in result_table(Study([replace(each, jobs=2) for each in SINGLE])).notes


@pytest.mark.parametrize("times", [1, 2])
def test_all_forms_are_written_and_replaced(tmp_path: Path, times: int) -> None:
    for _ in range(times):
        write_tables(Study([*SINGLE, *BETTER]), tmp_path / "tables")
    names = {"results", "time_to_target"}
    assert {path.name for path in (tmp_path / "tables").iterdir()} == {
        *(f"{name}{form}" for name in names for form in (".txt", ".md", ".tex")),
        "results.csv",
        OWN,
    }


SETTING = {"encoder": "bilstm", "embedding": "random", "auxiliary": "context", "wall_seconds": 9.0}
FOUND = {
    "trials": 3,
    "failed": 0,
    "score": 0.815,
    "best": 2,
    "chosen": {"optimisation__dropout": 0.25, "weight": {"context": 0.1234}},
}
FAILED = {"trials": 3, "failed": 3, "score": None, "best": None, "chosen": {"dropout": 0.3}}
SEARCH: dict[str, Any] = {
    "metric": "accuracy",
    "trials": 3,
    "seed": 1001,
    "epochs": 2,
    "train_seconds": 4.0,
    "wall_seconds": 18.0,
    "methods": [
        {"method": "switch", **SETTING, **FOUND, "train_seconds": 2.5},
        {"method": "single-task", **SETTING, **FAILED, "train_seconds": 1.5},
    ],
}


def test_the_search_has_a_row_a_method_with_its_trials_its_time_and_what_was_chosen(tmp_path: Path) -> None:
    study = Study([*SINGLE, *BETTER], about={"search": SEARCH})
    table = search_table(study)
    assert table is not None
    assert table.header == ["strategy", "trials", "validation accuracy", "training s", "chosen"]
    assert table.rows == [
        ["switch", "3", "81.5 %", "2.5", "dropout 0.25, weight context=0.123"],
        ["single-task", "3 (3 failed)", "-", "1.5", "dropout 0.3 (as given)"],
    ]
    assert "As many trials a row, of 2 epochs each, by seed 1001" in table.notes
    assert "Training seconds of all trials together: 4.0." in table.notes
    assert "by 3 trials each on the validation part; their 4.0 s of training are not" in result_table(study).notes
    write_tables(study, tmp_path / "tables")
    assert (tmp_path / "tables" / "search.md").is_file()


def test_a_study_without_a_search_says_nothing_of_one(tmp_path: Path) -> None:
    study = Study([*SINGLE, *BETTER], about={"command": "mt2st compare"})
    assert search_table(study) is None
    assert "trials" not in result_table(study).notes
    write_tables(study, tmp_path / "tables")
    assert not list((tmp_path / "tables").glob("search*"))


def test_no_line_is_longer_than_those_of_a_terminal_and_every_part_has_the_labels() -> None:
    chosen = {f"encoder__setting_{number}": 0.1 for number in range(9)}
    methods = [{**line, "chosen": chosen} for line in SEARCH["methods"]]
    cells = [*with_scores("single-task", [0.8, 0.81, 0.79], encoder="mean"), *SINGLE, *BETTER]
    study = Study(cells, about={"search": {**SEARCH, "methods": methods}})
    search = search_table(study)
    assert search is not None
    for table in (result_table(study), target_table(study), search):
        text = table.text()
        assert max(map(len, text.splitlines())) <= 79
        assert len(text.split("\n\n")) > 1
        for part in text.split("\n\n"):
            assert part.split()[: table.labels] == list(table.header[: table.labels])
        for row in table.rows:
            assert all(word in text for field in row for word in field.split())
    assert result_table(study).labels == 2
