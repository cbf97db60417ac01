"""``mt2st reproduce``, with a protocol cut down to moments."""

from __future__ import annotations

import dataclasses
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mt2st.cli.main import main
from mt2st.study import Cell, Study
from mt2st.study.paper import protocol

pytestmark = pytest.mark.filterwarnings("ignore::mt2st.errors.FewRowsWarning")
SMALL = {
    "encoder__name": "mean",
    "embedding__vector_size": 8,
    "optimisation__epochs": 4,
    "text__min_count": 1,
    "text__max_length": 16,
    "embedding__init_epochs": 1,
}


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Reviews of as many words as the bundled analogy questions need, and a complete command less what it shall do."""
    monkeypatch.setattr(protocol, "SAMPLE", 60)
    monkeypatch.setattr(protocol, "HELD_OUT", 20)
    quick = dataclasses.replace(protocol.QUICK, settings={**protocol.QUICK.settings, **SMALL}, most_tested=30)
    monkeypatch.setattr("mt2st.study.paper.protocol.QUICK", quick)
    capitals = ["paris", "france", "london", "england", "rome", "italy", "madrid", "spain", "berlin", "germany"]
    rng = random.Random(1)
    told = {1: ["warm witty", "fine bright"], 0: ["dull", "weak"]}
    rows = [f"{' '.join(rng.choices(capitals, k=8))} {rng.choice(told[row % 2])}" for row in range(120)]
    data = tmp_path / "reviews.csv"
    data.write_text("review,sentiment\n" + "".join(f"{text},{number % 2}\n" for number, text in enumerate(rows)))
    similar = tmp_path / "judged.txt"
    words = [*capitals, "warm", "witty", "fine", "bright", "dull", "weak"]
    pairs = rng.sample([(a, b) for a in words for b in words if a < b], 120)
    similar.write_text("".join(f"{a}\t{b}\t{rng.random():.2f}\n" for a, b in pairs))
    return [
        "--data", str(data), "--text", "review", "--label", "sentiment", "--output", str(tmp_path / "study"),
        "--quick", "--embeddings", "SkipGram", "--similarity", str(similar),
    ]  # fmt: skip


def test_tables_stand_beside_the_papers_and_an_interrupted_study_goes_on(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", "tables", *arguments, "--cell", "1/2"]) == 0
    printed = capsys.readouterr()
    assert "the same command without --cell runs the others" in printed.err
    assert "update1 (misalignment) is left out: it needs --agree" in printed.err
    assert "texts are also in" not in printed.err
    assert "share 1/2: 5 of the runs, 5 of them to do\n" in printed.err
    assert "\n1 of 10: single-task" in printed.err
    assert "\n5 of 10: " in printed.err
    assert not (tmp_path / "study" / "paper").exists()
    assert main(["reproduce", "tables", *arguments]) == 0
    printed = capsys.readouterr()
    assert "Table I of the paper (multi-task)" in printed.out
    assert "rows with an auxiliary task are at least as accurate as the paper's" in printed.out
    paper = tmp_path / "study" / "paper"
    assert sorted(path.stem for path in paper.glob("tables/*.md")) == ["table_I", "table_II", "table_III"]
    assert {path.name for path in paper.glob("figures/*.png")} == {f"figure_{n}.png" for n in range(5, 12)}
    assert (tmp_path / "study" / "report.html").is_file()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "study").glob("*/result.json")}
    assert main(["reproduce", "figures", *arguments]) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_time_says_what_was_saved_and_what_the_paper_claims(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = iter(arguments)
    arguments = [word for word in words if word not in {"--embeddings", "--similarity"} or not next(words)]
    assert main(["reproduce", "time", *arguments]) == 0
    printed = capsys.readouterr().out
    assert "seconds /" in printed.splitlines()[0]
    table = (tmp_path / "study" / "paper" / "time" / "time.md").read_text(encoding="utf-8")
    assert "| seconds / single-task |" in table
    assert "The paper claims 67 % less time than single-task and 13 % less time than multi-task" in printed
    assert "switch" in printed.splitlines()[-1]
    made = tmp_path / "study" / "paper" / "time" / "time.md"
    assert made.is_file()
    page = (tmp_path / "study" / "report.html").read_text(encoding="utf-8")
    assert "The paper&#39;s claims about time" in page
    assert "claimed 0.33" in page[: page.index("<h2")].replace("\u00a0", " ")
    assert "transductive: 30 of the 30 test texts are among them" in page
    shutil.rmtree(made.parents[1])
    assert main(["report", str(tmp_path / "study")]) == 0
    assert made.is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--protocol", "reference"], "--quick is a taste of the sound protocol"),
        (["--jobs", "0"], "--jobs must be at least 1, found 0"),
        (["--embeddings", "ELMo"], "the paper has no embedding 'ELMo'"),
        (["--cell", "3"], "--cell takes a share such as 3/8"),
        (["--similarity", "missing.txt"], "missing.txt"),
        (["--data", "missing.csv"], "missing.csv"),
        (["--threads", "0"], "--threads must be at least 1, found 0"),
    ],
)
def test_what_cannot_be_used_ends_with_2_and_nothing_is_written(
    words: list[str], message: str, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", "tables", *arguments, *words]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    ("protocol", "part"), [([], "validation"), (["--protocol", "sound"], "validation"),
                           (["--protocol", "reference"], "training")]
)  # fmt: skip
def test_a_study_says_on_which_part_it_measures_between_epochs(
    arguments: list[str], protocol: list[str], part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, Any] = {}

    def run_nothing(*_: object, about: dict[str, Any], **__: object) -> Study:
        told.update(about)
        return Study([], missing=["all"])

    monkeypatch.setattr("mt2st.cli.study_runs.run_cells", run_nothing)
    assert (
        main(["reproduce", "tables", *[word for word in arguments if not (protocol and word == "--quick")], *protocol])
        == 0
    )
    assert Study([], about=told).measured_part == part


def test_texts_that_two_parts_share_are_told(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mt2st.cli.study_runs.run_cells", lambda *_, **__: Study([], missing=["all"]))
    data = Path(arguments[1])
    header, *rows = data.read_text(encoding="utf-8").splitlines()
    data.write_text("\n".join([header, *rows[:60], *rows[:60]]), encoding="utf-8")
    assert main(["reproduce", "tables", *arguments]) == 0
    printed = capsys.readouterr().err
    assert "test texts are also in the training part" in printed
    assert "validation texts are also in the training part" in printed
    assert (
        main(["reproduce", "tables", *(word for word in arguments if word != "--quick"), "--protocol", "reference"])
        == 0
    )
    printed = capsys.readouterr().err
    assert "test texts are also in the training part" in printed
    assert "validation texts" not in printed  # they are those that are learned from, which the protocol tells


def test_glove_vectors_of_any_size_are_taken(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "glove.txt").write_text("film 0.1 0.2 0.3\nwarm 0.3 0.2 0.1\n", encoding="utf-8")
    sizes: list[set[int]] = []

    def run_nothing(_: object, cells: Sequence[Cell], **__: object) -> Study:
        sizes.append(
            {
                cell.settings.embedding.vector_size
                for cell in cells
                if cell.settings.embedding.init.endswith("glove.txt")
            }
        )
        return Study([], missing=["all"])

    monkeypatch.setattr("mt2st.cli.study_runs.run_cells", run_nothing)
    chosen = ["SkipGram", "GloveTwitter", "--glove", str(tmp_path / "glove.txt")]
    assert main(["reproduce", "tables", *arguments, "--embeddings", *chosen]) == 0
    assert sizes == [{3}]


@pytest.mark.parametrize(("words", "threads"), [([], 1), (["--threads", "2"], 2)])
def test_all_runs_have_as_many_threads_as_asked_for(
    words: list[str], threads: int, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[int | None] = []

    def run_nothing(_: object, cells: Sequence[Cell], **__: object) -> Study:
        found.extend(cell.settings.compute.threads for cell in cells)
        return Study([], missing=["all"])

    monkeypatch.setattr("mt2st.cli.study_runs.run_cells", run_nothing)
    assert main(["reproduce", "tables", *arguments, *words]) == 0
    assert found == [threads] * 10


def test_time_has_no_reference_protocol(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["reproduce", "time", *[word for word in arguments if word != "--quick"], "--protocol", "reference"]) == 2
    )
    assert "which --protocol reference does not have" in capsys.readouterr().err


def test_options_that_nothing_reads_are_named_in_a_warning(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    missing = [*arguments, "--data", "missing.csv"]
    assert main(["reproduce", "time", *missing]) == 2
    assert "warning: '--embeddings', '--similarity' change nothing here: time is" in capsys.readouterr().err
