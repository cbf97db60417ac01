from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mt2st import WordVectors
from mt2st.cli.main import main
from mt2st.embedding import SubwordSettings, SubwordVectors


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    words = ["cat", "cats", "dog", "dogs", "man", "woman", "king", "queen", "book", "paper"]
    values = np.random.default_rng(0).normal(size=(len(words), 6))
    values[3] = values[2] + values[1] - values[0]  # dogs = dog + cats - cat
    path = tmp_path / "words.vec"
    WordVectors(words, values).save(path)
    return path


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.txt"
    path.write_text(
        ": gram-plural\ncat cats dog dogs\ncat cats mouse mice\n: sex\nman woman king emu\n", encoding="utf-8"
    )
    return path


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.tsv"
    path.write_bytes(b"cat\tdog\t7.1\r\nking\tbook\t1\r\nking\tqueen\t9\r\nemu\tcat\t5\r\n")
    return path


def test_tables_show_seen_and_total(
    vectors: Path, questions: Path, pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["vectors", "evaluate", str(vectors), "--analogies", str(questions), "--similarity", str(pairs)]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    rows = {line.split("  ")[0]: line.split() for line in printed.out.splitlines() if line}
    assert rows["gram-plural"] == ["gram-plural", "100.0", "%", "1", "1", "/", "2"]
    assert rows["sex"] == ["sex", "-", "0", "0", "/", "1"]
    assert rows["semantic"][-3:] == ["0", "/", "1"]
    assert rows["total"][-3:] == ["1", "/", "3"]
    assert rows["pairs"][-3:] == ["3", "/", "4"]
    assert "note: analogies: only 1 of 3 questions seen" in printed.err
    assert main([*arguments, "--dummy4unknown", "--method", "3cosmul"]) == 0
    assert "analogies (3cosmul)" in (out := capsys.readouterr().out)
    assert "33.3 %" in out


def test_json_holds_the_same_figures(
    vectors: Path, questions: Path, pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "vectors",
        "evaluate",
        str(vectors),
        "--analogies",
        str(questions),
        "--similarity",
        str(pairs),
        "--json",
    ]
    assert main(arguments) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["words"], report["vector_size"], report["analogies"]["method"]) == (10, 6, "3cosadd")
    assert report["analogies"]["total"] == {"accuracy": 1.0, "correct": 1, "seen": 1, "total": 3}
    assert report["analogies"]["sections"][1] == {
        "name": "sex", "kind": "semantic", "accuracy": None, "correct": 0, "seen": 0, "total": 1,
    }  # fmt: skip
    assert (report["similarity"][0]["seen"], report["similarity"][0]["total"]) == (3, 4)


def test_without_files_the_packaged_tests_are_asked(vectors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vectors", "evaluate", str(vectors)]) == 0
    assert "gram-plural" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["VECTORS", "--analogies", "none.txt"], "none.txt: cannot be read"),
        (["none.vec"], "none.vec"),
        (["VECTORS", "--analogies", "VECTORS"], "words.vec, line 2: the section has lines of 2 words"),
        (["VECTORS", "--similarity", "QUESTIONS"], "questions.txt, line 1: a line has two words and a score"),
        (["VECTORS", "--analogies", "QUESTIONS", "--restrict-vocab", "1"], "no question has vectors for all its words"),
        (["VECTORS", "--restrict-vocab", "0"], "restrict_vocab should be greater than or equal to 1, found 0"),
    ],
)
def test_wrong_input_is_exit_code_2(
    vectors: Path, questions: Path, arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"VECTORS": str(vectors), "QUESTIONS": str(questions)}
    assert main(["vectors", "evaluate", *(places.get(word, word) for word in arguments)]) == 2
    printed = capsys.readouterr()
    assert expected in printed.err
    assert printed.out == ""


def test_words_unseen_by_a_folder_with_ngrams_take_part_if_asked(
    tmp_path: Path, pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["cat", "dog", "king", "book"]
    table = np.random.default_rng(0).normal(size=(4 + 50, 6)).astype(np.float32)
    SubwordVectors(words, table, SubwordSettings(bucket=50)).save_folder(tmp_path / "v")
    arguments = ["vectors", "evaluate", str(tmp_path / "v"), "--similarity", str(pairs), "--json"]
    assert main(arguments) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["unseen"], report["similarity"][0]["seen"]) == ("skip", 2)
    assert main([*arguments, "--unseen", "ngrams"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["unseen"], report["similarity"][0]["seen"]) == ("ngrams", 4)
    assert report["notes"][0].startswith("2 of the tests' 6 words are unseen")


def test_ngrams_wanted_of_vectors_without_are_refused(
    vectors: Path, pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["vectors", "evaluate", str(vectors), "--similarity", str(pairs), "--unseen", "ngrams"]
    assert main(arguments) == 2
    assert "the folder of a -fasttext training, or fastText's .bin; these have none" in capsys.readouterr().err
