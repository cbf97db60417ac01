from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

import pytest
from scipy import stats
from tests.study.report.folders import METHODS, course, results, write_study
from tests.study.report.html_tree import Node, read

from mt2st.errors import InputError
from mt2st.models import ModelSettings
from mt2st.study import Failure, Study, summarise
from mt2st.study.report import write_report
from mt2st.study.study import MEASURED_PART
from mt2st.study.tables import csv_table, result_table, target_table
from mt2st.training import Run

HOSTILE = "<script>alert(\"1\")</script> & 'x'"


def page_of(folder: Path) -> Node:
    return read(write_report(folder, figures=False).read_text(encoding="utf-8"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_study(tmp_path / "study", results())


def percents(field: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.\d+", field)]


def test_what_is_measured_on_texts_that_are_learned_from_is_not_called_validation(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "study", results(METHODS))
    path = folder / "study.json"
    saved = json.loads(path.read_text(encoding="utf-8"))
    saved["about"][MEASURED_PART] = "training"
    path.write_text(json.dumps(saved), encoding="utf-8")
    html = write_report(folder, figures=False).read_text(encoding="utf-8")
    assert "Training accuracy by epoch" in html
    assert "Training loss by epoch" in html
    assert "alidation" not in html
    assert "single-task&#39;s best" not in html


def test_the_verdict_comes_first_and_then_the_tables(folder: Path) -> None:
    page = page_of(folder)
    main = page.all("main")[0]
    verdict, *parts = [part for part in main.children if isinstance(part, Node) and part.name == "section"]
    assert "3 seeds" in verdict.all("p")[0].text
    assert [part.all("h2")[0].text for part in parts] == [
        "Results", "Time to single-task's best", "Learning curves", "Auxiliary weights over time", "To repeat it"
    ]  # fmt: skip


def test_the_tables_are_the_studys(folder: Path) -> None:
    tables = page_of(folder).tables()
    study = Study.load(folder)
    for caption, table in (
        ("Accuracy on the test part", result_table(study)),
        ("What reaching single-task's best costs", target_table(study)),
    ):
        assert tables[caption] == [list(table.header), *map(list, table.rows)]
    rows = tables["Accuracy on the test part"]
    for method, row in zip(METHODS, rows[1:], strict=True):  # not by way of the code that made them
        scores = [each.test["accuracy"] for each in results() if each.name == method]
        half = stats.t.ppf(0.975, 2) * stdev(scores) / math.sqrt(3)
        assert percents(row[2]) == [round(100 * mean(scores), 1), round(100 * half, 1)]


@pytest.mark.parametrize(("seeds", "number"), [(3, 0), (4, 1)])
def test_the_page_has_nothing_in_bold_but_the_score_of_the_best(tmp_path: Path, seeds: int, number: int) -> None:
    folder = write_study(tmp_path / "study", results(seeds=seeds))
    page = page_of(folder)
    score = result_table(Study.load(folder)).rows[-1][2]
    bold = [
        (name, node.text)
        for name in ("table", "tr", "th", "td", "span")
        for node in page.all(name)
        if "best" in (node.attributes.get("class") or "").split()
    ]
    assert bold == [("td", score)] * number


def test_differences_of_which_nothing_is_left_have_no_sign(tmp_path: Path) -> None:
    cells = results(METHODS[:1], seeds=4)
    for each in cells[:]:
        less = 0.00001 * each.seed
        test = {**each.test, "accuracy": each.test["accuracy"] - less}
        cells.append(replace(each, name="switch", test=test, run=course("switch", each.seed, 0.8)))
    page = page_of(write_study(tmp_path / "study", cells))
    _, (_, mean_difference, *_) = page.tables()["Difference of accuracy to single-task, seed by seed"]
    assert mean_difference == "0.0 ± 0.0"
    assert not re.search(r"[-+]0\.0\b", page.text)


def test_the_curves_are_the_runs(folder: Path) -> None:
    tables = page_of(folder).tables()
    for title, value in {
        "Validation accuracy by epoch": lambda each: 100 * each.validation["accuracy"],
        "Validation loss by epoch": lambda each: each.validation["loss"],
        "Training loss of the primary task by epoch": lambda each: each.losses["primary"],
    }.items():
        header, *rows = tables[title]
        assert header == ["epoch", *METHODS]
        for place, row in enumerate(rows):
            for method, field in zip(METHODS, row[1:], strict=True):
                values = [value(each.run.evaluations[place]) for each in results() if each.name == method]
                shown = float(re.match(r"[\d.]+", field)[0])  # type: ignore[index]
                assert shown == pytest.approx(mean(values), abs=0.06 if "%" in field else 0.006 * mean(values))
                assert field.endswith("(3)")


def test_the_points_of_a_picture_lie_where_the_data_say(folder: Path) -> None:
    """All points of one picture are one linear image of the values in its table."""
    page = page_of(folder)
    figure = next(each for each in page.all("figure") if "Validation accuracy by epoch" in each.text)
    lines = [each.all("path")[0] for each in figure.all("g") if each.attributes.get("class") == "line"]
    assert len(lines) == len(METHODS)
    values, places = [], []
    for method, line in zip(METHODS, lines, strict=True):
        points = re.findall(r"([\d.]+) ([\d.]+)", line.attributes["d"] or "")
        for epoch, (x, y) in enumerate(points):
            runs = [each.run for each in results() if each.name == method]
            values.append((epoch + 1.0, mean(each.evaluations[epoch].validation["accuracy"] for each in runs)))
            places.append((float(x), float(y)))
    for axis in (0, 1):
        found = stats.linregress([value[axis] for value in values], [place[axis] for place in places])
        assert abs(found.rvalue) > 0.99999
        assert (found.slope > 0) == (axis == 0)  # upwards is less


def test_the_weights_have_their_transitions(folder: Path) -> None:
    page = page_of(folder)
    titles = [each.text for each in page.all("p") if each.attributes.get("class") == "title"]
    assert [title for title in titles if "Weights" in title] == [
        f"Weights of the auxiliary tasks: {method}" for method in METHODS[1:]
    ]
    switch = next(each for each in page.all("figure") if "auxiliary tasks: switch" in each.text)
    assert "context off after 2 epochs" in switch.text
    rows = page.tables()["Weights of the auxiliary tasks: switch"]
    alike = [row[1] for row in rows[1:]]  # in all seeds, which is no interval of nothing
    assert alike == ["1 (3)", "1 (3)", "0 (3)", "0 (3)"]


def test_seeds_that_never_reached_the_target_are_counted(tmp_path: Path) -> None:
    cells = results()
    slow = [replace(each, run=course("switch", each.seed, 0.6)) if each.name == "switch" else each for each in cells]
    page = page_of(write_study(tmp_path / "study", slow))
    assert "never by switch in 3 of 3 seeds" in page.text or "never reached by switch in 3 of 3 seeds" in page.text
    assert page.tables()["What reaching single-task's best costs"][4][1] == "0 of 3 seeds"
    picture = page.tables()["Training time until single-task's best validation value was reached"]
    assert [row[2] for row in picture if row[0] == "switch"] == ["never"] * 3


def test_what_a_user_named_is_text_and_nothing_else(tmp_path: Path) -> None:
    cells = [replace(each, name=HOSTILE, factors={"embedding": HOSTILE}) for each in results(["switch"])]
    failure = Failure(HOSTILE, 1, "failed-seed1", HOSTILE, HOSTILE)
    folder = write_study(tmp_path / "study", [*results(), *cells], failures=[failure], command=HOSTILE)
    page = page_of(folder)
    assert not page.all("script")
    assert HOSTILE in page.text
    assert any(HOSTILE in cell.text for cell in page.all("th"))
    assert HOSTILE in page.all("code")[0].text
    assert any(HOSTILE in each.text for each in page.all("desc"))


def test_the_page_needs_nothing_from_elsewhere(folder: Path) -> None:
    html = write_report(folder, figures=False).read_text(encoding="utf-8")
    assert not re.findall(r"https?://|src=|@import|url\(", html)
    assert "default-src 'none'" in html


def test_pictures_and_tables_can_be_read_aloud(folder: Path) -> None:
    page = page_of(folder)
    identifiers = {
        node.attributes["id"]: node for name in ("title", "desc") for node in page.all(name) if "id" in node.attributes
    }
    pictures = page.all("svg")
    assert len(pictures) >= 8
    for picture in pictures:
        assert picture.attributes["role"] == "img"
        title, description = (picture.attributes["aria-labelledby"] or "").split()
        assert identifiers[title].text
        assert len(identifiers[description].text) > 30
    assert len(page.all("figure")) == sum(bool(figure.all("table")) for figure in page.all("figure"))
    for table in page.all("table"):
        assert table.all("caption")[0].text
        assert all(cell.attributes.get("scope") for cell in table.all("th"))


def test_every_colour_of_a_picture_is_one_of_the_page_in_the_light_and_in_the_dark(folder: Path) -> None:
    html = write_report(folder, figures=False).read_text(encoding="utf-8")
    used = {name for svg in re.findall("<svg.*?</svg>", html) for name in re.findall(r"var\(--(c\w+)\)", svg)}
    style = html.split("<style>")[1].split("</style>")[0]
    light, dark = (dict(re.findall(r"--(c\w+): (#\w+)", line)) for line in style.strip().split("\n")[:2])
    assert used
    assert used <= light.keys() == dark.keys()
    assert all(light[name] != dark[name] for name in used)
    assert not re.findall(r"#[0-9a-f]{6}", "".join(re.findall("<svg.*?</svg>", html)))


def test_an_unfinished_study_says_so(tmp_path: Path) -> None:
    failure = Failure("dwa", 1, "dwa-seed1", "dwa, seed 1", "the loss is not finite")
    folder = write_study(tmp_path / "study", results(), failures=[failure], missing=["switch-seed9"])
    text = page_of(folder).text
    assert "12 of 14 runs are finished" in text
    assert "dwa, seed 1: the loss is not finite" in text


def test_how_to_repeat_it_is_told(folder: Path) -> None:
    page = page_of(folder)
    assert page.all("code")[0].text == "mt2st compare reviews.csv"
    facts = {pair.all("dt")[0].text: pair.all("dd")[0].text for each in page.all("dl") for pair in each.all("div")}
    assert (facts["seeds"], facts["torch"], facts["optimisation.epochs"]) == (
        "1, 2, 3",
        "2.13.0",
        str(ModelSettings().optimisation.epochs),
    )


def test_tables_for_papers_and_programs_stand_beside_the_page(folder: Path) -> None:
    write_report(folder)
    assert (folder / "figures" / "learning_curves.svg").is_file()
    assert (folder / "tables" / "results.csv").read_text() == csv_table(summarise(Study.load(folder)))


def test_a_report_is_the_same_each_time(folder: Path) -> None:
    assert write_report(folder, figures=False).read_bytes() == write_report(folder, figures=False).read_bytes()


def test_values_that_are_not_finite_leave_gaps(tmp_path: Path) -> None:
    cells = results()
    first = cells[0].run.evaluations
    gap = replace(first[0], losses={"primary": math.nan}, validation=first[0].validation | {"loss": math.inf})
    broken = Run([gap, *first[1:]], best=0)
    page = page_of(write_study(tmp_path / "study", [replace(cells[0], run=broken), *cells[1:]]))
    rows = page.tables()["Training loss of the primary task by epoch"]
    assert rows[1][1].endswith("(2)")
    assert "nan" not in page.text.lower()


def test_results_that_lack_measures_are_named(tmp_path: Path) -> None:
    cells = results()
    folder = write_study(tmp_path / "a", [*cells[:-1], replace(cells[-1], test={"accuracy": 0.5})])
    with pytest.raises(InputError, match=r"switch, seed 3, has no macro_f1 on the test part"):
        write_report(folder, figures=False)
    folder = write_study(tmp_path / "b", [*cells[:-1], replace(cells[-1], run=Run())])
    with pytest.raises(InputError, match=r"switch, seed 3, has no accuracy on the validation part"):
        write_report(folder, figures=False)
    folder = write_study(tmp_path / "c", [], missing=["switch-seed1"])
    with pytest.raises(InputError, match="no run of this study is finished"):
        write_report(folder, figures=False)


def test_a_report_leaves_figures_and_tables_of_the_user(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "study", results())
    write_report(folder)
    for place in ("figures", "tables"):
        (folder / place / "mine.txt").write_text("mine", encoding="utf-8")
        (folder / place / "mine").mkdir()
    write_report(folder)
    for place in ("figures", "tables"):
        assert (folder / place / "mine.txt").read_text(encoding="utf-8") == "mine"
        assert (folder / place / "mine").is_dir()
        assert len(list((folder / place).iterdir())) > 3
