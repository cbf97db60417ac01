"""``mt2st predict`` finds the texts, carries columns through and reads standard input; ``mt2st evaluate`` measures."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mt2st import TextClassifier
from mt2st.cli import predict
from mt2st.cli.main import main
from mt2st.models import mean, ngram_classifier
from mt2st.text import Record, numbering
from tests.cli.conftest import write_reviews


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained model whose data have the columns review and sentiment."""
    folder = tmp_path_factory.mktemp("model")
    data = write_reviews(folder / "reviews.csv")
    fast = ["--encoder", "mean", "--vector-size", "8", "--epochs", "2", "--min-count", "1", "--no-parallel-context"]
    columns = ["--text", "review", "--label", "sentiment"]
    assert main(["train", str(data), *columns, "--output", str(folder / "run"), *fast]) == 0
    return folder / "run" / "model"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Texts with other columns around them."""
    path = tmp_path / "table.csv"
    path.write_text("id,review,stars\n7,a warm film,4\n8,a dull film,\n", encoding="utf-8")
    return path


def rows(printed: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(printed)))


def test_predict_finds_the_column_of_training(model: Path, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(model), "a warm film", "a dull film"]) == 0
    expected = rows(capsys.readouterr().out)
    assert main(["predict", str(model), "--file", str(table)]) == 0
    assert rows(capsys.readouterr().out) == expected


def test_another_column_may_be_named_and_where_the_files_have_none_the_usual_ones_are_read(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.csv"
    other.write_text("review,body,text\nx,a warm film,a dull film\n", encoding="utf-8")
    assert main(["predict", str(model), "a warm film"]) == 0
    expected = rows(capsys.readouterr().out)
    assert main(["predict", str(model), "--file", str(other), "--text", "body"]) == 0
    assert rows(capsys.readouterr().out) == expected
    other.write_text("text,x\na warm film,1\n", encoding="utf-8")
    assert main(["predict", str(model), "--file", str(other)]) == 0
    assert rows(capsys.readouterr().out) == expected


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_columns_are_carried_through(form: str, model: Path, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(model), "--file", str(table), "--keep", "id", "stars", "--format", form]) == 0
    out = capsys.readouterr().out
    found = rows(out) if form == "csv" else [json.loads(line) for line in out.splitlines()]
    assert [(row["id"], row["stars"]) for row in found] == [("7", "4"), ("8", "")]
    assert list(found[0])[:3] == ["id", "stars", "label"]


def test_standard_input_is_read_a_text_a_line(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["-"], ["--file", "-"]):
        monkeypatch.setattr(sys, "stdin", io.StringIO("a warm film\na dull film\n"))
        assert main(["predict", str(model), *words]) == 0
        assert len(rows(capsys.readouterr().out)) == 2


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_predictions_of_standard_input_are_written_as_texts_come(
    form: str, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind: list[int] = []
    raw = io.BytesIO()  # what has left the program's own buffers
    out = io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8")  # type: ignore[type-var]

    def typed() -> Iterator[str]:
        for number in range(5000):
            behind.append(number - raw.getvalue().count(b"\n"))
            yield "a warm film\n"

    monkeypatch.setattr(sys, "stdin", typed())
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["predict", str(model), "-", "--format", form]) == 0
    assert raw.getvalue().count(b"\n") == 5000 + (form == "csv")
    assert max(behind) < 1024


def test_who_types_texts_is_answered_at_once(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers: list[int] = []

    class Typed:
        def isatty(self) -> bool:
            return True

        def __iter__(self) -> Iterator[str]:
            for _ in range(3):
                yield "a warm film\n"
                answers.append(capsys.readouterr().out.count("\n"))

    monkeypatch.setattr(sys, "stdin", Typed())
    assert main(["predict", str(model), "-", "--format", "jsonl"]) == 0
    assert answers == [1, 1, 1]


def test_kept_columns_count_in_what_is_held_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "MOST_CHARACTERS", 100)
    records = (Record("a", None, line, ("b" * 30, "c" * 30)) for line in range(6))
    assert [len(chunk) for chunk in predict._chunks(records, 1000, shown=False)] == [2, 2, 2]


ODD = [
    "a warm film",
    "",
    "  ",
    'a "dull", film',
    "xqzv",
    "\ufeffwarm \u2028 dull\x85 film",
    "wärm İΣ 暖 film",
    "a" * 3000,
    "a\rwarm",
]


def test_probabilities_are_written_as_python_writes_them() -> None:
    every = np.arange(1_000_001) / 1e6
    halves = (np.arange(3000) + 0.5) / 1e6
    found = np.concatenate([every[::7], every[:999], halves, 2.0 ** -np.arange(40)]).astype(np.float32)
    found = np.concatenate([found, np.nextafter(found, np.float32(0)), np.random.default_rng(0).random(999)])
    found = found[: len(found) // 3 * 3].reshape(-1, 3).astype(np.float32)
    expected = ["".join(f",{value:.6f}" for value in row) for row in found.tolist()]
    assert predict.decimals(found) == expected


@pytest.mark.filterwarnings("ignore::mt2st.errors.DataWarning")
@pytest.mark.parametrize("options", [[], ["--format", "jsonl"], ["--keep", "id", "review"]], ids=str)
def test_compiled_code_prints_what_python_prints(
    options: list[str], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [each * times for times in (1, 3) for each in ODD] + [f"a warm film {n} dull" for n in range(40)]
    with (tmp_path / "x.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "review"), *enumerate([*texts, "a\nline\r\nmore"])])
        file.write("bad row\n")
    (tmp_path / "x.txt").write_bytes("\r\n".join(texts).encode())
    printed = []
    for compiled, most in ((False, 1 << 20), (True, 1 << 20), (True, 6), (False, 6)):
        for module in (mean, ngram_classifier, numbering):
            monkeypatch.setattr(module, "pays", lambda *_, compiled=compiled: compiled)
        monkeypatch.setattr(predict, "MOST_VALUES", most)
        assert main(["predict", str(model), "--file", str(tmp_path / "x.csv"), "--skip-bad-rows", *options]) == 0
        if "--keep" not in options:
            assert main(["predict", str(model), "--file", str(tmp_path / "x.txt"), *options]) == 0
            monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(texts)))
            assert main(["predict", str(model), "-", *options]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] == printed[2] == printed[3]
    assert printed[0].count("\n") > len(texts)
    if "--keep" in options:
        kept = csv.DictReader(io.StringIO(printed[0], newline=""))
        assert [row["review"] for row in kept] == [*texts, "a\nline\r\nmore"]


def test_labels_come_back_whatever_their_signs() -> None:
    labels = ["a", 'say "so"', "1,5", "é\n", "x\ry", " ", "\u2028"]
    found = np.eye(len(labels), dtype=np.float32)
    known = np.ones(len(labels), dtype=np.bool_)
    model: Any = SimpleNamespace(problem_type="classification", classes_=labels, predict_known=lambda _: (found, known))
    out = io.StringIO(newline="")
    predict.writer_of(model, "csv")(out, iter([[Record("", None, 1)] * len(labels)]))
    assert [row["label"] for row in csv.DictReader(io.StringIO(out.getvalue(), newline=""))] == labels


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-", "--keep", "id"], "--keep needs a --file with columns"),
        (["a text", "--keep", "id"], "--keep needs a --file with columns"),
        (["-", "a text", "--file", "x.csv"], "found texts and --file x.csv: give one of them"),
        (["--file", "table.csv", "--keep", "ident"], "no column 'ident'"),
    ],
)
def test_what_cannot_be_kept_is_named_and_nothing_is_printed(
    words: list[str],
    message: str,
    model: Path,
    table: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(table.parent)
    assert main(["predict", str(model), *words]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.out == ""


def test_evaluate_measures_a_saved_model(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_reviews(tmp_path / "more.csv", 40)
    assert main(["evaluate", str(model), str(data), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    loaded = TextClassifier.load(model)
    with data.open(encoding="utf-8") as file:
        given = list(csv.DictReader(file))
    right = [row["sentiment"] for row in given] == loaded.predict([row["review"] for row in given])
    assert found["rows"] == 40
    assert found["accuracy"] == pytest.approx(right.mean())
    assert main(["evaluate", str(model), str(data)]) == 0
    printed = capsys.readouterr()
    assert "accuracy" in printed.out
    assert f"{100 * found['accuracy']:.1f} %" in printed.out
    assert "40 rows" in printed.err


def test_evaluate_takes_other_columns_and_refuses_unknown_labels(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_reviews(tmp_path / "other.csv", 20, header=("body", "opinion"))
    assert main(["evaluate", str(model), str(data)]) == 2
    assert "no column 'review'; the columns are 'body', 'opinion'" in capsys.readouterr().err
    assert main(["evaluate", str(model), str(data), "--text", "body", "--label", "opinion"]) == 0
    data.write_text("review,sentiment\na warm film,great\n", encoding="utf-8")
    assert main(["evaluate", str(model), str(data)]) == 2
    assert "the label 'great' does not occur" in capsys.readouterr().err


def test_a_file_among_the_texts_is_refused_with_the_option_for_it(
    model: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(model), str(table)]) == 2
    printed = capsys.readouterr()
    assert printed.err == f"mt2st: {table} is a file: --file {table} predicts the texts in it\n"
    assert printed.out == ""
    assert main(["predict", str(model), "a warm film" * 1000]) == 0


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_kept_column_of_labels_and_the_prediction_have_two_names(
    form: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "labelled.csv"
    path.write_text("review,label\na warm film,mine\n", encoding="utf-8")
    assert main(["predict", str(model), "--file", str(path), "--keep", "label", "--format", form]) == 0
    printed = capsys.readouterr().out
    row = rows(printed)[0] if form == "csv" else json.loads(printed)
    assert row["label"] == "mine"
    assert row["predicted_label"] in ("neg", "pos", "negative", "positive")


def test_empty_texts_are_told(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gaps.csv"
    path.write_text('review\na warm film\n""\n" "\n', encoding="utf-8")
    assert main(["predict", str(model), "--file", str(path)]) == 0
    printed = capsys.readouterr()
    assert "mt2st: warning: 2 empty texts are predicted too, the first from line 3" in printed.err
    assert len(rows(printed.out)) == 3


def test_all_unknown_labels_are_named_with_what_to_do(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "labelled.csv"
    path.write_text("review,sentiment\na warm film,so\na film,la\n", encoding="utf-8")
    assert main(["evaluate", str(model), str(path)]) == 2
    said = capsys.readouterr().err
    assert "the labels 'la', 'so' do not occur in the training part, whose classes are" in said
    assert "Correct them, leave these rows out, or take the labels from another column" in said


def test_texts_and_words_that_the_model_does_not_know_are_told(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["a warm film", "xqzv jjq", "q" * 9, *(["a dull film"] * 2000)]
    (tmp_path / "texts.txt").write_text("\n".join(texts), encoding="utf-8")
    assert main(["predict", str(model), "--file", str(tmp_path / "texts.txt")]) == 0
    printed = capsys.readouterr()
    assert printed.err.count("2 of 2,003 texts have no word that the model knows: their probabilities are the") == 1
    prior = json.loads((model / "config.json").read_text(encoding="utf-8"))["class_prior"]
    assert [float(value) for value in printed.out.splitlines()[2].split(",")[1:]] == pytest.approx(prior, abs=1e-6)

    table = tmp_path / "test.csv"
    table.write_text("review,sentiment\na warm xqzv film,pos\na dull film jjq,neg\n", encoding="utf-8")
    assert main(["evaluate", str(model), str(table)]) == 0
    assert f"unknown words: 25.0% of those of {table}" in capsys.readouterr().err


def test_a_mean_model_is_predicted_with_as_torch_does_and_without_torch(model: Path) -> None:
    texts = ["a warm and witty film", "a dull film", "xqzv"]
    code = """if True:
        import sys
        from mt2st.cli.main import main
        code = main(["predict", *sys.argv[1:]])
        print(*sorted({"torch", "scipy", "sklearn", "numba", "pydantic", "tqdm"} & set(sys.modules)), file=sys.stderr)
        sys.exit(code)
    """
    command = [sys.executable, "-c", code, str(model), *texts]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "", "what takes a second to load, and nothing needs"
    with pytest.warns(UserWarning, match="1 of 3 texts has no word"):
        of_torch = TextClassifier.load(model).predict_proba(texts)
    found = [[float(row[f"p_{label}"]) for label in ("neg", "pos")] for row in rows(done.stdout)]
    np.testing.assert_allclose(found, of_torch, atol=1e-6)


@pytest.mark.filterwarnings("always::mt2st.errors.DataWarning")
def test_rows_that_cannot_be_read_are_left_out_if_asked_and_counted(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text("id,review\n1,a warm film\n2,dull,3\n4\n5,a dull film\n", encoding="utf-8")
    command = ["predict", str(model), "--file", str(broken), "--keep", "id"]
    assert main(command) == 2
    assert "broken.csv, line 3: expected 2 fields" in capsys.readouterr().err
    assert main([*command, "--skip-bad-rows"]) == 0
    printed = capsys.readouterr()
    assert [row["id"] for row in rows(printed.out)] == ["1", "5"]
    assert "broken.csv: 2 rows that cannot be read are left out. The first: " in printed.err
    broken.write_text("id,review\n2,dull,3\n", encoding="utf-8")
    assert main([*command, "--skip-bad-rows"]) == 2
    assert "no row can be used" in capsys.readouterr().err
