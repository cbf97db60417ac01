"""What a user can get wrong: one clear message, exit code 2, nothing written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mt2st.cli.main import main
from tests.cli.conftest import FAST, write_reviews

Change = Callable[[Path], list[str]]


def _command(data: Path, *more: str, text: str = "review", label: str = "sentiment") -> list[str]:
    return ["train", str(data), "--text", text, "--label", label, "--output", str(data.parent / "run"), *FAST, *more]


def _written(content: bytes, name: str = "bad.csv") -> Change:
    def change(folder: Path) -> list[str]:
        (folder / name).write_bytes(content)
        return _command(folder / name)

    return change


def _with(*more: str, text: str = "review", label: str = "sentiment") -> Change:
    return lambda folder: _command(write_reviews(folder / "reviews.csv"), *more, text=text, label=label)


def _with_vectors(content: str) -> Change:
    def change(folder: Path) -> list[str]:
        (folder / "words.vec").write_text(content, encoding="utf-8")
        return _command(write_reviews(folder / "reviews.csv"), "--init", str(folder / "words.vec"))

    return change


def _with_file(name: str, content: str, *more: str) -> Change:
    def change(folder: Path) -> list[str]:
        (folder / name).write_text(content, encoding="utf-8")
        return _command(write_reviews(folder / "reviews.csv"), *(word.format(folder / name) for word in more))

    return change


def _into(name: str, content: str, *, by_us: bool = True) -> Change:
    def change(folder: Path) -> list[str]:
        path = folder / "run" / name
        path.parent.mkdir(parents=True)
        path.write_text(content, encoding="utf-8")
        if by_us:
            (folder / "run" / ".mt2st.json").write_text(json.dumps([name]), encoding="utf-8")
        return _command(write_reviews(folder / "reviews.csv"))

    return change


ROWS = b"".join(b"text %d,%s\n" % (number, b"ab"[number % 2 : number % 2 + 1]) for number in range(20))
WRONG: dict[str, tuple[Change, list[str]]] = {
    "missing file": (lambda folder: _command(folder / "reviws.csv"), ["reviws.csv"]),
    "misnamed column": (_with(text="reveiw"), ["reveiw", "Did you mean 'review'?"]),
    "misnamed label": (_with(label="sentimnt"), ["sentimnt", "Did you mean 'sentiment'?"]),
    "empty file": (_written(b""), ["bad.csv", "empty"]),
    "header only": (_written(b"review,sentiment\n"), ["bad.csv"]),
    "one class": (_written(b"review,sentiment\n" + b"a text,pos\n" * 20), ["'pos'"]),
    "fewer rows than classes": (_written(b"review,sentiment\na,x\nb,y\nc,z\n"), ["classes"]),
    "missing labels": (
        _written(b"review,sentiment\n" + ROWS + b"a,\nb,\n"),
        ["2 of 22", "line", "22", "--skip-bad-rows"],
    ),
    "not UTF-8": (_written(b"review,sentiment\n" + ROWS + b"caf\xe9,a\n"), ["line 22", "UTF-8"]),
    "ragged row": (_written(b"review,sentiment\n" + ROWS + b"a,b,c\n"), ["line", "22"]),
    "broken gzip": (_written(gzip.compress(b"review,sentiment\n" + ROWS)[:60], "bad.csv.gz"), ["bad.csv.gz"]),
    "unknown extension": (_written(b"x", "bad.xlsx"), [".xlsx"]),
    "output not empty": (_into("metrics.jsonl", "{}"), ["not empty", "--overwrite", "--output"]),
    "output not ours": (_into("thesis.doc", "x", by_us=False), ["thesis.doc"]),
    "output like ours": (_into("metrics.jsonl", "{}", by_us=False), ["metrics.jsonl", "no run's"]),
    "a table for a tagger": (_with("--task", "tagging"), ["reviews.csv, line 1", "--task classification"]),
    "a tagger's file": (_written(b"1\tThe\tthe\tDET\n", "bad.conllu"), ["bad.conllu", "--task tagging"]),
    "no such configuration": (_with("--config", "no.toml"), ["--config no.toml", "No such file"]),
    "empty vocabulary": (_with("--min-count", "1000"), ["min_count"]),
    "unknown strategy": (_with("--strategy", "dimish"), ["dimish", "Did you mean 'diminish'?"]),
    "unknown encoder": (_with("--encoder", "bilstmm"), ["bilstmm", "Did you mean 'bilstm'?"]),
    "unknown start": (_with("--init", "skipgran"), ["skipgran", "Did you mean 'skipgram'?"]),
    "negative decay": (_with("--decay", "-1"), ["--decay must be", "at least 0", "-1"]),
    "switch at zero": (_with("--strategy", "switch", "--switch-at", "0"), ["--switch-at must be", "0"]),
    "NaN rate": (_with("--learning-rate", "nan"), ["--learning-rate: should be", "nan"]),
    "vectors of the wrong size": (_with_vectors("1 3\nfilm 1 2 3\n"), ["3 dimensions", "vector_size is 8"]),
    "vectors without a known word": (_with_vectors("1 8\nxyz 1 2 3 4 5 6 7 8\n"), ["none of its 1 words"]),
    "broken vectors": (_with_vectors("1 8\nfilm 1 2 3 4 5 6 7.25\n"), ["words.vec", "line 2"]),
    "share above one": (_with("--test", "1.5"), ["--test", "1.5"]),
    "missing test file": (_with("--test", "tset.csv"), ["--test", "tset.csv", "no such file"]),
    "missing unlabelled file": (_with("--unlabelled", "more.txt"), ["--unlabelled more.txt"]),
    "too large train size": (_with("--train-size", "1000"), ["1,000"]),
    "train size of none": (_with("--train-size", "0"), ["--train-size", "at least 1", "0"]),
    "average of all": (_with("--average", "1"), ["average", "less than 1", "1"]),
    "label of the test file that training lacks": (
        _with_file("test.csv", "review,sentiment\na,pos\nb,meh\n", "--test", "{}"),
        ["--test", "test.csv", "'meh'", "'neg', 'pos'"],
    ),
    "label of the validation file that training lacks": (
        _with_file("val.csv", "review,sentiment\na,pos\nb,meh\n", "--validation", "{}"),
        ["--validation", "val.csv", "'meh'"],
    ),
    "output inside a file": (_with_file("notes", "x", "--output", "{}/run"), ["--output", "notes", "is a file"]),
    "interrupted run there": (
        _into("checkpoint/training/manifest.json", "{}"),
        ["not empty", "--overwrite", "--resume"],
    ),
    "split seed below zero": (_with("--split-seed", "-1"), ["seed", "0 to", "-1"]),
    "nothing to resume": (_with("--resume"), ["--resume"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_one_clear_message_exit_code_2_and_nothing_written(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, expected = WRONG[name]
    arguments = change(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert main(arguments) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("mt2st: ")
    for words in expected:
        assert words in message
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert not (tmp_path / "run").exists() or any((tmp_path / "run").iterdir())


def test_bad_rows_are_skipped_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_reviews(tmp_path / "reviews.csv")
    with data.open("a", encoding="utf-8") as file:
        file.write("no label,\n")
    assert main(_command(data)) == 2
    assert main(_command(data, "--skip-bad-rows")) == 0
    assert "1 rows that cannot be used are left out, 60 are read" in capsys.readouterr().err


def test_an_option_that_does_not_exist_exits_with_2(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        main(_command(write_reviews(tmp_path / "reviews.csv"), "--learning-rat", "1"))
    assert end.value.code == 2
