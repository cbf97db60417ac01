"""Taggers, several labels a text and other labelled data on the command line."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from mt2st import Tagger
from mt2st.cli.main import main
from mt2st.cli.predict import agreement
from mt2st.errors import DataWarning
from tests.cli.conftest import FAST

MORE = ["--vector-size", "16", "--epochs", "12", "--learning-rate", "0.1", "--embedding-learning-rate", "0.1"]


def write_tagged(path: Path, n: int = 40, *, conllu: bool = False, spans: bool = False) -> Path:
    words = {"DET": ["the", "a"], "NOUN": ["dog", "cat", "bird"], "VERB": ["barks", "sings"]}
    rows: list[str] = []
    for sentence in range(n):
        for number, (tag, choices) in enumerate(words.items(), 1):
            word = choices[sentence * number % len(choices)]
            tag = ("B-animal" if tag == "NOUN" else "O") if spans else tag
            rows.append(
                "\t".join([str(number), word, "_", tag, "_", "_", "0", "_", "_", "_"] if conllu else [word, tag])
            )
        rows.append("")
    raw = "\n".join(rows).encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


def test_a_tagger_of_a_treebank(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_tagged(tmp_path / "lines.conllu.gz", conllu=True)
    command = [
        "train",
        str(data),
        "--task",
        "tagging",
        "--tag",
        "upos",
        "--output",
        str(tmp_path / "run"),
        *FAST,
        *MORE,
    ]
    assert main(command) == 0
    printed = capsys.readouterr()
    header, _, *rows = printed.out.splitlines()
    assert header.split() == ["part", "accuracy", "macro", "F1", "loss"]
    assert [row.split()[0] for row in rows] == ["validation", "test", "model:"]
    assert "validation accuracy" in printed.err
    card = (tmp_path / "run" / "model" / "README.md").read_text(encoding="utf-8")
    assert "tagged sentences to learn from" in card
    assert main(["predict", str(tmp_path / "run" / "model"), "the dog", "", "a bird sings"]) == 0
    out = capsys.readouterr().out
    assert out == "the\tDET\ndog\tNOUN\n\n\na\tDET\nbird\tNOUN\nsings\tVERB\n\n"
    assert main(["predict", str(tmp_path / "run" / "model"), "The dog, a bird!", "--format", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out)["words"] == ["The", "dog", ",", "a", "bird", "!"]


def test_a_tagger_of_entities_with_its_own_validation_and_test(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_tagged(tmp_path / "train.conll", spans=True)
    parts = ["--validation", str(write_tagged(tmp_path / "dev.conll", 10, spans=True))]
    parts += ["--test", str(write_tagged(tmp_path / "test.conll", 11, spans=True))]
    command = ["train", str(data), "--task", "tagging", *parts, "--output", str(tmp_path / "run"), *FAST, *MORE]
    assert main(command) == 0
    printed = capsys.readouterr()
    assert "entity F1" in printed.out.splitlines()[0]
    assert "validation entity F1" in printed.err
    report = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    assert report["metrics"]["test"]["entity_f1"] == 1.0
    (tmp_path / "in.txt").write_text("the cat\n\na dog\n", encoding="utf-8")
    model = str(tmp_path / "run" / "model")
    assert main(["evaluate", model, str(tmp_path / "test.conll")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1].split() == ["animal", "100.0", "%", "100.0", "%", "100.0", "%", "11"]
    assert main(["predict", model, "--file", str(tmp_path / "in.txt"), "--format", "jsonl"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        {"words": ["the", "cat"], "tags": ["O", "B-animal"]},
        {"words": [], "tags": []},
        {"words": ["a", "dog"], "tags": ["O", "B-animal"]},
    ]
    assert main(["predict", model, "a", "--format", "csv"]) == 2
    assert "--format csv: a tagger writes conll or jsonl" in capsys.readouterr().err


def test_a_file_of_words_is_tagged_and_its_own_tags_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_tagged(tmp_path / "lines.conllu", conllu=True)
    command = ["train", str(data), "--task", "tagging", "--tag", "upos", "--output", str(tmp_path / "run")]
    assert main([*command, *FAST, *MORE]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "run"), str(data)]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[-3:]] == ["DET", "NOUN", "VERB"]
    predict = ["predict", str(tmp_path / "run")]
    assert main([*predict, "--file", str(write_tagged(tmp_path / "more.conllu.gz", 2, conllu=True))]) == 0
    printed = capsys.readouterr()
    assert printed.out == "the\tDET\ndog\tNOUN\nbarks\tVERB\n\na\tDET\nbird\tNOUN\nsings\tVERB\n\n"
    assert "6 of 6 tags are those of the file (accuracy 100.0%)\n" in printed.err
    (tmp_path / "own.conll").write_text("a DET\ndog VERB\n", encoding="utf-8")
    assert main([*predict, "--file", str(tmp_path / "own.conll"), "--format", "jsonl"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"words": ["a", "dog"], "tags": ["DET", "NOUN"]}
    assert "1 of 2 tags are those of the file (accuracy 50.0%)" in printed.err
    untagged = tmp_path / "words.conll"
    untagged.write_text("the\nbird\n\nsings\n", encoding="utf-8")
    assert main([*predict, "--file", str(untagged)]) == 0
    printed = capsys.readouterr()
    assert printed.out == "the\tDET\nbird\tNOUN\n\nsings\tVERB\n\n"
    assert "tags are those" not in printed.err
    assert main([*predict, "--file", str(untagged), "--keep", "id"]) == 2
    assert "--keep and --text are for tables of texts" in capsys.readouterr().err


def test_a_tagger_is_measured_on_standard_input_and_counts_sentences_of_unknown_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_tagged(tmp_path / "lines.conll")
    run = ["--task=tagging", "--output", str(tmp_path / "run"), *FAST, *MORE]
    piped = {"input": data.read_bytes(), "capture_output": True, "check": True}
    for command in (["train", "-", *run], ["evaluate", str(tmp_path / "run"), "-", "--json"]):
        out = subprocess.run([sys.executable, "-m", "mt2st", *command], **piped)  # type: ignore[call-overload]
    assert json.loads(out.stdout)["rows"] == 40
    (tmp_path / "words.conll").write_text("xyz\nqwertz\n\nthe\nxyz\n\n", encoding="utf-8")
    told = "1 of 2 sentences has no word that the model knows, and 3 of all 4 words are unknown"
    for words in (["--file", str(tmp_path / "words.conll")], ["xyz qwertz", "the xyz"]):
        assert main(["predict", str(tmp_path / "run"), *words]) == 0
        assert told in capsys.readouterr().err
    assert main(["predict", str(tmp_path / "run"), "the xyz", ""]) == 0
    assert "no word that the model knows" not in capsys.readouterr().err
    tagger = Tagger.load(tmp_path / "run" / "model")
    with pytest.warns(DataWarning, match=told):
        tags = tagger.predict([["xyz", "qwertz"], ["the", "xyz"]])
    assert [len(each) for each in tags] == [2, 2]
    known = tagger.predict_known_words([["The", "xyz"], [], ["dog"]])[1]
    assert [each.tolist() for each in known] == [[True, False], [], [True]]
    assert tagger.predict_known_words([[]]) == ([[]], [])


def test_entities_in_a_file_of_words_are_compared_whole() -> None:
    told = agreement([("B-x", "I-x", "O")], [["B-x", "O", "O"]])
    assert told == "2 of 3 tags are those of the file (accuracy 66.7%); entity F1 0.0%"


def test_several_labels_a_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kinds = {"": "a film", "comedy": "funny film", "war": "guns", "comedy|war": "funny guns"}
    rows = "".join(f"{text},{labels}\n" for labels, text in kinds.items()) * 12
    (tmp_path / "films.csv").write_text("plot,kinds\n" + rows, encoding="utf-8")
    command = ["train", str(tmp_path / "films.csv"), "--task", "multilabel", "--label-separator", "|"]
    command += ["--text", "plot", "--label", "kinds", "--output", str(tmp_path / "run"), *FAST, *MORE]
    assert main([*command, "--epochs", "30"]) == 0
    assert "all labels right" in capsys.readouterr().out
    assert main(["predict", str(tmp_path / "run" / "model"), "funny guns", "a film"]) == 0
    first, second = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert set(first) == {"labels", "p_comedy", "p_war"}
    assert (first["labels"], second["labels"]) == ("comedy;war", "")
    assert main(["predict", str(tmp_path / "run" / "model"), "guns", "--format", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out)["labels"] == ["war"]


def test_tagged_data_helps_a_classifier_and_the_reverse(
    train_arguments: list[str], reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tags = write_tagged(tmp_path / "tags.conllu", conllu=True)
    tagging = [
        "--auxiliaries",
        "context",
        "tagging",
        "--auxiliary-data.tagging",
        str(tags),
        "--auxiliary-data.tagging-column",
        "upos",
    ]
    assert main([*train_arguments, *tagging]) == 0
    assert "weights context 0.61, tagging 0.61" in capsys.readouterr().err
    command = ["train", str(tags), "--task", "tagging", "--output", str(tmp_path / "tagger"), *FAST, "--auxiliaries"]
    command += [
        "classification",
        "--auxiliary-data.classification",
        str(reviews),
        "--auxiliary-data.classification-text",
        "review",
    ]
    assert main([*command, "--auxiliary-data.classification-label", "sentiment"]) == 0
    assert "weights classification 0.61" in capsys.readouterr().err


def test_what_a_user_can_get_wrong(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tags = write_tagged(tmp_path / "tags.conll")
    output = ["--output", str(tmp_path / "other")]
    for arguments, message in (
        (["train", str(tags), "--task", "tagging", "--tag", "upos", *output], "the column of the tags is a number"),
        (["train", str(tags), "--task", "tagging", "--tag", "3", *output], "line 1: has 2 columns"),
        (["train", str(tmp_path / "no.conll"), "--task", "tagging", *output], "no such file"),
        ([*train_arguments, "--auxiliaries", "tagging"], "needs --auxiliary-data.tagging"),
        (
            [*train_arguments, "--auxiliaries", "tagging", "--auxiliary-data.tagging", "no.conll"],
            "no.conll: no such file",
        ),
    ):
        assert main(arguments) == 2
        assert message in capsys.readouterr().err
        assert not (tmp_path / "other").exists()
