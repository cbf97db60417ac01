from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mt2st.cli.main import main
from tests.cli.conftest import FAST, run_until, table_of

pytest.importorskip("optuna", reason="needs the extra 'search'")


@pytest.fixture
def arguments(reviews: Path, tmp_path: Path) -> list[str]:
    return ["compare", str(reviews), "--text", "review", "--label", "sentiment", "--output", str(tmp_path / "study"),
            "--strategies", "single-task", "switch", "--switch-at", "2", "--seeds", "1", "2", *FAST]  # fmt: skip


def test_a_search_comes_before_the_study_and_is_told_apart(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments += ["--search", "2"]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert [row.split()[:2] for row in table_of(printed.out)[1]] == [["single-task", "2"], ["switch", "2"]]
    assert "4 of 4: switch, trial 2, seed 1001: validation accuracy" in printed.err
    assert "by 2 trials each on the validation part; their " in printed.err
    search = json.loads((tmp_path / "study" / "study.json").read_text(encoding="utf-8"))["about"]["search"]
    table = (tmp_path / "study" / "tables" / "search.txt").read_text(encoding="utf-8")
    page = (tmp_path / "study" / "report.html").read_text(encoding="utf-8")
    for line in search["methods"]:
        assert line["trials"] == 2
        chosen = f"dropout {line['chosen']['encoder__dropout']:.3g}"
        for text in (printed.err, table, page):
            assert chosen in " ".join(text.split())
        for seed in (1, 2):
            result = json.loads((tmp_path / "study" / f"{line['method']}-seed{seed}" / "result.json").read_text())
            assert result["identity"]["settings"]["encoder.dropout"] == line["chosen"]["encoder__dropout"]
    assert main(arguments) == 0
    again = capsys.readouterr()
    assert again.out == printed.out
    assert "trial 1" not in again.err
    assert main(["report", str(tmp_path / "study")]) == 0
    assert "Search of settings" in page
    grown = ["multi-task" if word == "single-task" else word for word in arguments]
    assert main(grown) == 0
    assert main([*grown, "--epochs", "3"]) == 2
    assert "single-task-seed1" in (said := capsys.readouterr().err)
    assert "--epochs is 2 there and 3 here), and runs of both would stand in one table" in said


def test_shares_share_the_search_too(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments += ["--search", "2"]
    assert main([*arguments, "--cell", "1/2"]) == 0
    printed = capsys.readouterr()
    assert not printed.out
    assert "4 of 4: switch, trial 2, seed 1001: validation accuracy" in printed.err
    assert len(list((tmp_path / "study").glob("*/result.json"))) == 2
    assert main([*arguments, "--cell", "2/2"]) == 0
    printed = capsys.readouterr()
    assert "switch" in printed.out
    assert "trial 2, seed 1001: validation" not in printed.err


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--search", "-1"], "--search is a number of trials, 0 for none, found -1"),
        (["--search", "2", "--seeds", "1", "1001"], "seed 1001 is the search's: give the study others"),
        (["--search", "2", "--search-epochs", "0"], "--search-epochs must be at least 1, found 0"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    arguments: list[str], more: list[str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, *more]) == 2
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_without_optuna_the_extra_is_named_before_anything_is_written(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert main([*arguments, "--search", "2"]) == 2
    assert "a search of settings needs the extra 'search': pip install 'mt2st[search]'" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_an_interrupted_search_says_what_it_keeps_and_goes_on_from_there(arguments: list[str], tmp_path: Path) -> None:
    arguments = [*arguments, "--strategies", "single-task", "--switch-at", "4", "--search", "2", "--seeds", "1"]
    arguments += ["--epochs", "100", "--tolerance", "1e-30"]
    code, last = run_until("[2/2] single-task, trial 2, seed 1001: epoch 3,", signal.SIGTERM, arguments)
    assert code == 143
    assert "1 finished trial and 1 checkpoint in" in last
    assert main(arguments) == 0
    assert len(list((tmp_path / "study" / "search").glob("*/result.json"))) == 2


def test_optuna_is_loaded_by_a_search_alone() -> None:
    code = "import sys; from mt2st.cli.main import main\ntry: main(['compare', '--help'])\nexcept SystemExit: pass\n"
    code += "import mt2st.study.search; assert 'optuna' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
