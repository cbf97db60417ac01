from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mt2st import WordVectors
from mt2st.cli.main import main
from mt2st.embedding.glove.tables import GloveReport


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text("the cat sat on the mat\nthe dog sat on the log\n" * 50, encoding="utf-8")
    return path


def arguments(corpus: Path, *more: str) -> list[str]:
    return ["vectors", "train", str(corpus), "--method", "glove", "--output", str(corpus.with_name("out.vec")), *more]


def test_train_tells_its_memory_and_repeats_to_the_bit(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["--vector-size", "12", "--window", "3", "--epochs", "4", "--alpha", "0.04", "--x-max", "10",
                "--weight-exponent", "0.8", "--memory", "4", "--seed", "3"]  # fmt: skip
    assert main(arguments(corpus, *settings)) == 0
    said = capsys.readouterr()
    assert "7 vectors of 12 dimensions" in said.out
    assert "memory: at most 4 MB" in said.err
    assert "counting: 600 words in" in said.err
    assert "co-occurrences/s, mean loss" in said.err
    out = corpus.with_name("out.vec")
    vectors = WordVectors.load(out)
    assert set(vectors.index_to_key) == {"the", "cat", "sat", "on", "mat", "dog", "log"}
    before = out.read_bytes()
    assert main(arguments(corpus, *settings, "--overwrite")) == 0
    assert out.read_bytes() == before
    assert main(arguments(corpus, *settings, "--overwrite", "--x-max", "20")) == 0
    assert (other := out.read_bytes()) != before
    assert main(arguments(corpus, *settings, "--overwrite", "--x-max", "20", "--sample", "0.1")) == 0
    assert out.read_bytes() not in (before, other)


def test_defaults_are_those_of_the_function(corpus: Path) -> None:
    from mt2st.embedding import train_glove
    from mt2st.text import Corpus, Tokeniser

    assert main(arguments(corpus)) == 0
    texts = corpus.read_text(encoding="utf-8").splitlines()
    trained = train_glove(Corpus.build(texts, tokeniser=Tokeniser(), min_count=5))
    assert WordVectors.load(corpus.with_name("out.vec")).vectors == pytest.approx(trained.vectors, abs=1e-5)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--negative", "3"], "'--negative' cannot be given with --method glove"),
        (
            ["--ns-exponent", "1", "--negative", "3"],
            "'--negative', '--ns-exponent' cannot be given with --method glove",
        ),
        (["--sample", "1"], "sample should be less than 1, found 1.0"),
        (["--method", "cbow", "--x-max", "10"], "'--x-max' cannot be given with --method cbow"),
        (["--method", "skipgram", "--weight-exponent", "1"], "'--weight-exponent' cannot be given with --method skipg"),
        (["--method", "glvoe"], "Did you mean 'glove'?"),
        (["--memory", "0"], "--memory should be greater than 0, found"),
        (["--x-max", "-1"], "--x-max should be greater than 0, found"),
        (["--window", "0"], "window should be greater than or equal to 1, found 0"),
        (["--epochs", "0"], "epochs should be greater than or equal to 1, found 0"),
    ],
)
def test_wrong_input_is_exit_code_2(
    corpus: Path, more: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(corpus, *more)) == 2
    assert expected in capsys.readouterr().err
    assert not corpus.with_name("out.vec").exists()


def test_ctrl_c_saves_the_vectors_trained_so_far(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mt2st.embedding.glove import training

    calls = 0
    reports = training.saved_results

    def interrupted(*given: Any) -> Iterator[GloveReport]:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return reports(*given)

    monkeypatch.setattr(training, "saved_results", interrupted)
    assert main(arguments(corpus, "--epochs", "4")) == 130
    said = capsys.readouterr().err
    assert "co-occurrences (50%): the vectors as far as they were trained are saved" in said
    assert len(WordVectors.load(corpus.with_name("out.vec"))) == 7
