"""Inputs of people who try what is wrong: every command answers with one line and exit code 2, or does what was meant.

Each row of a catalogue stands for a kind. The commands run in a child of this process, which has all modules loaded.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.cli.conftest import FAST
from torch import nn

from mt2st import MultiLabelClassifier, Tagger, TextClassifier
from mt2st.cli.main import main
from mt2st.embedding.formats.model_files import hashes_of
from mt2st.errors import InputError
from mt2st.models import Compute, Context, Embedding, Optimisation, Text, groups
from mt2st.models.settings import ModelSettings
from mt2st.strategy import Diminish, Strategy, Switch
from mt2st.training import Callback, DimensionFreezing, Feedback, Trainer

FITTING = [*FAST, "--no-final-fit"]
SECONDS = 200
NOBODY = 65534
"""Number of a user without rights."""


def reviews() -> str:
    rng, words = random.Random(1), {"pos": ["warm", "witty", "fine"], "neg": ["dull", "long", "weak"]}
    rows = [f"a film {' '.join(rng.choices(words[label], k=5))},{label}" for label in ("pos", "neg") * 30]
    return "text,label\n" + "\n".join(rows) + "\n"


def sentences() -> str:
    kinds = {"DET": ["the", "a"], "NOUN": ["dog", "cat", "bird"], "VERB": ["barks", "sings"]}
    rows = ([f"{words[number % len(words)]}\t{tag}\n" for tag, words in kinds.items()] for number in range(40))
    return "".join("".join(row) + "\n" for row in rows)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, models of all kinds, word vectors and a study."""
    folder = tmp_path_factory.mktemp("trained")
    several = [f"w{row % 7} w{row % 5} x,{';'.join('abc'[: row % 3 + 1])}\n" for row in range(60)]
    (folder / "d.csv").write_text(reviews(), encoding="utf-8")
    (folder / "t.conll").write_text(sentences(), encoding="utf-8")
    (folder / "m.csv").write_text("text,label\n" + "".join(several), encoding="utf-8")
    (folder / "c.txt").write_text("".join(f"w{row % 7} w{row % 5} w{row % 3} x\n" for row in range(300)))
    with warnings.catch_warnings():  # here, so that no child has to load the modules that a training needs
        warnings.simplefilter("ignore")
        assert main(["train", str(folder / "d.csv"), "--output", str(folder / "run"), *FITTING]) == 0
    for command in (
        ["train", "t.conll", "--task", "tagging", "--output", "tag", *FITTING],
        ["train", "m.csv", "--task", "multilabel", "--output", "mul", *FITTING],
        ["vectors", "train", "c.txt", "--output", "v.vec", "--min-count", "1", "--vector-size", "8"],
        ["compare", "d.csv", "--output", "study", "--strategies", "single-task", "--seeds", "1", *FAST],
    ):
        code, _, said = ran(command, folder)
        assert code == 0, said
    return folder


@pytest.fixture
def place(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained, tmp_path / "here")
    return tmp_path / "here"


def ran(command: list[str], folder: Path, *, before: Callable[[], Any] | None = None) -> tuple[int, str, str]:
    """Run a command in a child, in a folder; return its exit code and what it printed."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.chdir(folder)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for number, name in ((1, "_out"), (2, "_err")):
                os.dup2(os.open(name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o666), number)
            sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
            sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
            sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
            warnings.simplefilter("default")  # as a user has it
            if before is not None:
                before()
            code = main(command)
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    end = time.monotonic() + SECONDS
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            pytest.fail(f"{command} hangs")
        time.sleep(0.01)
    printed = [(folder / name).read_text(encoding="utf-8", errors="replace") for name in ("_out", "_err")]
    return os.waitstatus_to_exitcode(ended[1]), printed[0], printed[1]


def refused(command: list[str], folder: Path, message: str, *, before: Callable[[], Any] | None = None) -> None:
    code, _, said = ran(command, folder, before=before)
    assert code == 2, (code, said[-2000:])
    assert message in said, said
    assert "Traceback" not in said
    assert max(map(len, said.splitlines()), default=0) < 2100


# Data


def table(text: str) -> str:
    return f"text,label\n{text}"


ODD_DATA = {
    "bidirectional label": table("a good film,\u202epos\nlong one,neg\n" * 20),
    "line end in a label": table('a good film,"po\ns"\nlong one,neg\n' * 20),
    "escape in a label": table("a good film,\x1b[31mred\nlong one,neg\n" * 20),
    "stacked accents": table(f"a good film,p{chr(0x301) * 300}\nlong one,neg\n" * 20),
    "label of 100,000 characters": table(f"a good film,{'p' * 100_000}\nlong one,neg\n" * 20),
    "label that is a path or a script": table("good,../../etc\nlong one,<script>alert(1)</script>\n" * 20),
    "two forms of one character": table("a good film,caf\u00e9\nlong one,cafe\u0301\n" * 20),
    "nothing but zero width": table("\u200b\u200b,pos\n\u200d\ufeff,neg\n" * 20),
    "pictures": table("\U0001f600\U0001f468\u200d\U0001f469,pos\n\U0001f622,neg\n" * 20),
    "right to left": table("\u0634\u0643\u0631\u0627,pos\n\u0633\u064a\u0621,neg\n" * 20),
    "punctuation alone": table("!!! ???,pos\n... ---,neg\n" * 20),
    "one text for both classes": table("a film,pos\na film,neg\n" * 20),
    "numbers": table("1,1\n2,0\n" * 30),
    "one word a text": table("good,pos\nbad,neg\n" * 30),
}


@pytest.mark.parametrize("kind", ODD_DATA)
def test_odd_data_are_trained_on(kind: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(ODD_DATA[kind], encoding="utf-8")
    code, out, said = ran(["train", "x.csv", "--output", "o", *FITTING], tmp_path)
    assert code == 0, said
    assert not {"\x1b", "\u202e"} & set(out + said)  # nothing steers the terminal
    assert "<script>alert" not in (tmp_path / "o" / "report.html").read_text(encoding="utf-8")
    assert ran(["predict", "o", "a film"], tmp_path)[0] == 0
    assert not (tmp_path.parent / "etc").exists()


WRONG_DATA: dict[str, tuple[dict[str, bytes], list[str], str]] = {
    "file of another kind": ({"x.csv.gz": b"text,label\na,b\n"}, ["x.csv.gz"], "the gzip file is damaged"),
    "folder without classes": ({"f/a.txt": b"x"}, ["f"], "expected one sub-folder per class"),
    "empty file in a class": ({"f/p/a.txt": b"", "f/n/b.txt": b"x y"}, ["f"], "1 with an empty text (p/a.txt)"),
    "bytes in a class": ({"f/p/a.txt": b"\xff\0", "f/n/b.txt": b"x"}, ["f"], "f/p/a.txt, line 1, byte 2"),
    "blank tagged file": ({"x.conll": b"\n\n"}, ["x.conll", "--task", "tagging"], "holds no sentence"),
    "model in place of data": ({}, ["run/model"], "expected one sub-folder per class"),
    "weights in place of data": ({}, ["run/model/model.safetensors"], "says nothing of the format"),
    "data in place of settings": ({}, ["d.csv", "--config", "d.csv"], "is not TOML"),
    "folder in place of vectors": ({}, ["d.csv", "--init", "."], "a folder of word vectors holds"),
    "table in place of vectors": ({}, ["d.csv", "--init", "d.csv"], "in none of the known formats"),
    "folder in place of a part": ({}, ["d.csv", "--test", "run"], "--test run: "),
    "device": ({}, ["/dev/null"], "is a pipe or a device"),
    "web address": ({}, ["https://example.com/x.csv"], "https://example.com/x.csv: is a web address: download it"),
    "no name": ({}, [""], "the name of a file is empty"),
    "option without a value": ({}, ["d.csv", "--init", ""], "--init is empty: give it a value, or leave it out"),
    "hub without a name": ({}, ["hf:"], "no data set is named"),
    "share that is no number": ({}, ["d.csv", "--test", "nan"], "--test must be a share between 0 and 1"),
    "share too large to be one": ({}, ["d.csv", "--test", "1e400"], "--test must be a share between 0 and 1"),
    "share of no row": ({}, ["d.csv", "--validation", "0.0001"], "leaves 1 row for the part split off"),
    "resume and overwrite": ({}, ["d.csv", "--resume", "--overwrite", "--output", "run"], "no interrupted run"),
    "output that is a study": ({}, ["d.csv", "--output", "study", "--overwrite"], "no run's"),
    "output that is a device": ({}, ["d.csv", "--output", "/dev/full/x"], "/dev/full is a file"),
    "output that is the root": ({}, ["d.csv", "--output", "/"], "no run's"),
    "fallback that is a file": ({}, ["d.csv", "--fallback", "d.csv"], "--fallback d.csv: d.csv is a file"),
    "no time": ({}, ["d.csv", "--autotune", "nan"], "--autotune must be minutes above 0"),
}


def listed(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.name not in ("_out", "_err")}


@pytest.mark.parametrize("kind", WRONG_DATA)
def test_wrong_data_are_refused_and_nothing_is_written(kind: str, place: Path) -> None:
    files, words, message = WRONG_DATA[kind]
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    before = listed(place)
    output = [] if "--output" in words else ["--output", "o"]
    refused(["train", *words, *output, *FITTING], place, message)
    assert listed(place) == before


# Settings from a file

WRONG_SETTINGS: dict[str, tuple[str, str]] = {
    "text for a number": ("[optimisation]\nepochs = 'three'\n", "epochs: "),
    "list for a number": ("[optimisation]\nepochs = [3]\n", "epochs: "),
    "part of a number": ("[optimisation]\nepochs = 2.5\n", "epochs: "),
    "truth for a number": ("[optimisation]\nepochs = true\n", "epochs: "),
    "date": ("[optimisation]\nepochs = 2020-01-01\n", "epochs: "),
    "no number": ("[optimisation]\nlearning_rate = nan\n", "learning_rate: "),
    "beyond all numbers": ("[optimisation]\nlearning_rate = 99e99\n", "learning_rate: "),
    "number of a hundred digits": (f"seed = {'9' * 100}\n", "seed: "),
    "group that is none": ("context = 3\n", "context: must be a section [context], found 3"),
    "several of a group": ("[[context]]\nwindow = 3\n", "context: must be a section [context]"),
    "misspelt group": (
        "[contexts]\nwindow = 3\n",
        "contexts: unknown key, found {'window': 3}. Did you mean 'context'?",
    ),
    "misspelt key": ("[context]\nwindo = 3\n", "Did you mean 'window'?"),
    "text for a list": ("auxiliaries = 'context'\n", "auxiliaries: "),
    "list in a list": ("auxiliaries = [['context']]\n", "auxiliaries.0: "),
    "misspelt choice": ("[optimisation]\non_divergence = 'Halve'\n", "should be 'stop' or 'halve', found 'Halve'"),
    "text for a truth": ("resume = 'yes'\n", "resume: "),
    "number for a path": ("output = 3\n", "output: "),
    "group of nobody": ("[transition]\nrate = { nobody = 1 }\n", "transition.rate: "),
    "task of nobody": ("[schedule]\ndecay = { nobody = 0.5 }\n", "--decay names 'nobody'"),
    "key twice": ("seed = 1\nseed = 2\n", "is not TOML"),
    "zero byte": ("seed = 1\0\n", "is not TOML"),
    "nested deep": (f"a = {'[' * 3000}{']' * 3000}", "is not TOML"),
}


@pytest.mark.parametrize("kind", WRONG_SETTINGS)
def test_settings_of_wrong_kinds_are_named(kind: str, trained: Path, tmp_path: Path) -> None:
    content, message = WRONG_SETTINGS[kind]
    (tmp_path / "c.toml").write_text(content, encoding="utf-8")
    data = str(trained / "d.csv")
    refused(["train", data, "--output", "o", "--config", "c.toml", *FITTING], tmp_path, message)
    assert not (tmp_path / "o").exists()


def test_all_mistakes_of_a_file_are_named_at_once(trained: Path, tmp_path: Path) -> None:
    content = "seed = -1\n[optimisation]\nepochs = 'x'\nlearning_rate = -1\n[schedule]\ndecai = 2\n"
    (tmp_path / "c.toml").write_text(content, encoding="utf-8")
    command = ["train", str(trained / "d.csv"), "--output", "o", "--config", "c.toml"]
    code, _, said = ran(command, tmp_path)
    lines = [line for line in said.splitlines() if "c.toml: " in line]
    assert code == 2
    named = {line.split("c.toml: ")[1].partition(":")[0] for line in lines}
    assert named == {"seed", "optimisation.epochs", "optimisation.learning_rate", "schedule.decai"}


def test_settings_may_begin_with_a_byte_order_mark(place: Path) -> None:
    (place / "c.toml").write_text("\ufeffseed = 7\r\n[source]\r\ntest = 0.3\r\n", encoding="utf-8")
    assert ran(["train", "d.csv", "--output", "o", "--config", "c.toml", *FITTING], place)[0] == 0
    assert TextClassifier.load(place / "o").seed == 7


# Models and studies that are not as they were written


def edited(path: str, edit: Callable[[Any], Any], *, hashed: bool = False) -> Callable[[Path], None]:
    """Change what a file of JSON holds, or put what ``edit`` returns in its place."""

    def change(folder: Path) -> None:
        content = json.loads((folder / path).read_text(encoding="utf-8"))
        changed = edit(content)
        content = content if changed is None else changed
        if hashed:
            content["hashes"] = hashes_of((folder / path).parent, content)
        (folder / path).write_text(json.dumps(content), encoding="utf-8")

    return change


def config(*, hashed: bool = True, **changes: Any) -> Callable[[Path], None]:
    return edited("run/model/config.json", lambda saved: saved.update(changes), hashed=hashed)


def replaced(path: str, by: str | bytes | None) -> Callable[[Path], None]:
    """Put the file of a name, bytes, or a pipe in the place of a file."""

    def change(folder: Path) -> None:
        (folder / path).unlink()
        if by is None:
            os.mkfifo(folder / path)
        elif isinstance(by, bytes):
            (folder / path).write_bytes(by)
        else:
            (folder / path).symlink_to(folder / by)

    return change


WEIGHTS, WORDS, SETTINGS = (f"model/{name}" for name in ("model.safetensors", "vocabulary.txt", "config.json"))
WRONG_MODELS: dict[str, tuple[Callable[[Path], None], str]] = {
    "future format": (config(format=2), "has format 2, this version reads 1"),
    "format that is no number": (config(format=[1]), "has format [1], this version reads 1"),
    "other problem": (config(problem_type="regression"), "regression"),
    "edited by hand": (config(hashed=False, classes=["neg", "pos", "new"]), "is not as it was written"),
    "classes of another model": (config(classes=["a", "b", "c"]), "does not fit together"),
    "list for the whole": (edited(f"run/{SETTINGS}", lambda saved: [saved]), "is not the configuration"),
    "weights of another model": (replaced(f"run/{WEIGHTS}", f"mul/{WEIGHTS}"), "is not as it was written"),
    "words of another model": (replaced(f"run/{WORDS}", f"mul/{WORDS}"), "is not as it was written"),
    "settings of another model": (replaced(f"run/{SETTINGS}", f"mul/{SETTINGS}"), "is not as it was written"),
    "weights cut off": (replaced(f"run/{WEIGHTS}", b"\x10\0\0\0"), "cannot be read"),
    "words that are bytes": (replaced(f"run/{WORDS}", b"\xff\0"), "vocabulary.txt, line 1"),
    "pipe for the words": (replaced(f"run/{WORDS}", None), "is no model folder"),
    "endless device for the words": (replaced(f"run/{WORDS}", "/dev/zero"), "is no model folder"),
    "link in a circle": (replaced(f"run/{SETTINGS}", f"run/{SETTINGS}"), "is no model folder"),
}


@pytest.mark.parametrize("kind", WRONG_MODELS)
def test_a_model_that_is_not_as_it_was_written_is_refused(kind: str, place: Path) -> None:
    change, message = WRONG_MODELS[kind]
    change(place)
    for command in (["predict", "run", "a film"], ["evaluate", "run", "d.csv"]):
        refused(command, place, message)


RESULT = "study/single-task-seed1/result.json"
WRONG_REPORTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "study: future schema": (edited(RESULT, lambda saved: saved.update(schema=99)), "has schema 99"),
    "study: list for a result": (edited(RESULT, lambda _: [1]), "is not the result of a cell"),
    "study: text for a measure": (
        edited(RESULT, lambda saved: saved["result"]["test"].update(accuracy="high")),
        "test.accuracy should be a valid number, unable to parse string as a number, found 'high'",
    ),
    "study: no course": (edited(RESULT, lambda saved: saved["result"].pop("run") and None), "missing or unknown: run"),
    "study: list for a description": (replaced("study/study.json", b"[]"), "is not the description of a study"),
    "study: bytes for a description": (replaced("study/study.json", b"\xff"), "is not the description of a study"),
    "run: list": (edited("run/report.json", lambda _: [1]), "is not what a run leaves"),
    "run: empty": (replaced("run/report.json", b""), "cannot be read"),
    "run: number for versions": (
        edited("run/report.json", lambda saved: saved["about"].update(versions=3)),
        "is not what a finished run leaves",
    ),
    "run: predictions without a part": (
        edited("run/report.json", lambda saved: saved.update(predictions={"classes": {}})),
        "is not what a finished run leaves",
    ),
}


@pytest.mark.parametrize("kind", WRONG_REPORTS)
def test_what_no_study_and_no_run_leaves_is_named(kind: str, place: Path) -> None:
    change, message = WRONG_REPORTS[kind]
    change(place)
    refused(["report", kind.partition(":")[0], "--no-figures"], place, message)


# Each command

STUDY = ["compare", "d.csv", "--strategies", "single-task", "--seeds"]
WRONG_COMMANDS: dict[str, tuple[list[str], str]] = {
    "no command": ([""], "unknown command ''"),
    "command that turns the text round": (["\u202etrain"], "unknown command '\\u202etrain'. Did you mean 'train'?"),
    "predict: study": (["predict", "study", "x"], "is no model folder"),
    "predict: table": (["predict", "d.csv", "x"], "there is no model folder at d.csv"),
    "predict: no such file": (["predict", "run", "--file", "no.csv"], "no such file or folder. Did you mean 'm.csv'?"),
    "predict: vectors": (["predict", "run", "--file", "v.vec"], "says nothing of the format"),
    "predict: onto its own file": (
        ["predict", "run", "--file", "d.csv", "--output", "d.csv", "--overwrite"],
        "d.csv would be read and written at once",
    ),
    "predict: into nowhere": (["predict", "run", "x", "--output", "no/x.csv"], "there is no folder no"),
    "predict: into a device": (["predict", "run", "x", "--output", "/dev/full"], "is no regular file"),
    "predict: kept column": (["predict", "run", "--file", "d.csv", "--keep", "no"], "no column 'no'"),
    "predict: words for a classifier": (["predict", "run", "--file", "t.conll"], "run is no tagger"),
    "evaluate: no labels": (["evaluate", "run", "c.txt"], "a .txt file has no labels"),
    "evaluate: other labels": (["evaluate", "run", "m.csv"], "the labels 'a', 'a;b', 'a;b;c' do not occur"),
    "evaluate: table for a tagger": (["evaluate", "tag", "d.csv"], "a word needs a tag behind it"),
    "evaluate: sentences for a classifier": (["evaluate", "run", "t.conll"], "only a tagger reads"),
    "evaluate: column": (["evaluate", "tag", "t.conll", "--tag", "9"], "has 2 columns"),
    "evaluate: column by name": (["evaluate", "tag", "t.conll", "--tag", "upos"], "only a file of the name .conllu"),
    "evaluate: standard input twice": (["evaluate", "-", "-"], "can be read once"),
    "evaluate: nothing": (["evaluate", "run", "-"], "standard input: is empty"),
    "vectors: command": (["vectors", "trian"], "Did you mean 'train'?"),
    "vectors: onto the corpus": (
        ["vectors", "train", "c.txt", "--output", "c.txt", "--overwrite"],
        "c.txt would be read and written at once",
    ),
    "vectors: kind of file": (["vectors", "train", "c.txt", "--output", "o.csv"], "no vectors are written to a file"),
    "vectors: memory": (
        ["vectors", "train", "c.txt", "--output", "o.vec", "--workers", "100000", "--min-count", "1"],
        "are available",
    ),
    "vectors: words": (["vectors", "neighbours", "v.vec", "\udcff"], "is not among the 8 words"),
    "vectors: no word": (["vectors", "neighbours", "v.vec"], "give at least one word"),
    "vectors: table": (["vectors", "neighbours", "d.csv", "w1"], "in none of the known formats"),
    "vectors: judgements": (["vectors", "evaluate", "v.vec", "--similarity", "d.csv"], "three columns; found 2"),
    "vectors: questions": (["vectors", "evaluate", "v.vec", "--analogies", "d.csv"], "a question has four words"),
    "vectors: folder of judgements": (["vectors", "evaluate", "v.vec", "--similarity", "run"], "Is a directory"),
    "vectors: onto themselves": (["vectors", "convert", "v.vec", "v.vec", "--overwrite"], "read and written at once"),
    "vectors: into a run": (["vectors", "convert", "v.vec", "run", "--overwrite"], "its name tells no format"),
    "vectors: of a study": (["vectors", "convert", "study", "o.vec"], "cannot read study"),
    "compare: no seed": ([*STUDY, "--output", "st"], "at least one strategy and one seed"),
    "compare: seed twice": ([*STUDY, "1", "1", "--output", "st", *FAST], "the seeds must differ"),
    "compare: share": ([*STUDY, "1", "--output", "st", "--cell", "0/3", *FAST], "--cell"),
    "compare: jobs": ([*STUDY, "1", "--output", "st", "--jobs", "-5", *FAST], "--jobs must be at least 1"),
    "compare: into a run": ([*STUDY, "1", "--output", "run", *FAST], "no study's"),
    "compare: other settings": (
        [*STUDY, "1", "--output", "study", *FAST, "--vector-size", "9"],
        "--vector-size is 8 there and 9 here",
    ),
    "report: file": (["report", "d.csv"], "d.csv is no folder"),
    "report: model": (["report", "run/model"], "holds neither a study"),
    "demo: no draw": (["demo", "--draws", "0"], "--draws must be at least 1"),
    "demo: into a run": (["demo", "--output", "run"], "no demo's"),
}


@pytest.mark.parametrize("kind", WRONG_COMMANDS)
def test_each_command_refuses_what_is_wrong(kind: str, trained: Path) -> None:
    command, message = WRONG_COMMANDS[kind]
    before = {path: path.stat().st_mtime_ns for path in listed(trained) if path.is_file()}
    refused(command, trained, message)
    for path, time_of in before.items():
        assert path.stat().st_mtime_ns == time_of, path


VECTORS = ["vectors", "train", "c.txt", "--output", "o.vec"]
WRONG_NUMBERS = [
    *("--vector-size 0", "--vector-size 1e9", "--vector-size 99999999999", "--window 0", "--window -1"),
    *("--epochs 0", "--epochs nan", "--min-count 0", "--min-count x", "--alpha 0", "--alpha nan", "--alpha 1e+39"),
    *("--min-alpha -1", "--negative -1", "--sample 2", "--sample nan", "--workers 0", "--workers -1", "--seed x"),
    *("--bucket 0", "--bucket -5", "--min-n 0", "--max-n 0", "--checkpoint-minutes nan", "--checkpoint-minutes -1"),
    *("--weight-exponent -1", "--x-max 0", "--memory nan"),
]


@pytest.mark.parametrize("words", WRONG_NUMBERS)
def test_each_number_of_vectors_has_bounds(words: str, trained: Path) -> None:
    option, _, value = words.partition(" ")
    method = ["--method", "skipgram-fasttext"] * (option in ("--bucket", "--min-n", "--max-n"))
    method += ["--method", "glove"] * (option in ("--weight-exponent", "--x-max", "--memory"))
    code, _, said = ran([*VECTORS, *method, option, value], trained)
    assert (code, "Traceback" in said) == (2, False), said
    assert option in said
    assert value in said
    assert not (trained / "o.vec").exists()


def test_a_kept_column_has_another_name_than_a_probability(place: Path) -> None:
    (place / "x.csv").write_text("p_pos,text,label\n7,a film,z\n", encoding="utf-8")
    _, out, _ = ran(["predict", "run", "--file", "x.csv", "--keep", "p_pos", "label"], place)
    assert out.splitlines()[0] == "p_pos,label,predicted_label,p_neg,predicted_p_pos"


@pytest.mark.parametrize(
    ("model", "data", "unknown"), [("mul", "d.csv", "'neg', 'pos' are"), ("tag", "o.conll", "'X' is")]
)
def test_labels_that_a_model_cannot_find_are_told(model: str, data: str, unknown: str, place: Path) -> None:
    (place / "o.conll").write_text("the\tDET\ndog\tX\n\n", encoding="utf-8")
    code, _, said = ran(["evaluate", model, data], place)
    assert code == 0
    assert f"{unknown} unknown to the model, and cannot be found" in said


# Surroundings


def nobody() -> None:
    os.setgid(NOBODY)
    os.setuid(NOBODY)


SHUT: dict[str, tuple[str, list[str], str]] = {
    "data": ("d.csv", ["train", "d.csv", "--output", "o", *FITTING], "d.csv: cannot be read: Permission denied"),
    "weights": (f"run/{WEIGHTS}", ["predict", "run", "x"], "model.safetensors cannot be read: Permission denied"),
    "words": (f"run/{WORDS}", ["predict", "run", "x"], "vocabulary.txt: cannot be read: Permission denied"),
    "model": ("run/model", ["predict", "run", "x"], "cannot be read: Permission denied"),
    "run": ("run", ["predict", "run/model", "x"], "cannot be read: Permission denied"),
    "vectors": ("v.vec", ["vectors", "convert", "v.vec", "o.vec"], "cannot read v.vec: Permission denied"),
}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("what", SHUT)
def test_what_may_not_be_read_is_named(what: str, place: Path) -> None:
    shut, command, message = SHUT[what]
    subprocess.run(["chmod", "-R", "a+rwX", str(place)], check=True)
    (place / shut).chmod(0)
    for folder in place.parents:
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)
    refused(command, place, message, before=nobody)


def test_a_folder_that_is_gone_is_named(place: Path) -> None:
    def leave() -> None:
        (place / "gone").mkdir()
        os.chdir(place / "gone")
        (place / "gone").rmdir()

    command = ["train", str(place / "d.csv"), "--output", "o", *FITTING]
    refused(command, place, "the current folder is gone", before=leave)


STREAMS: dict[str, tuple[str, int, str]] = {
    "no standard output": ("$MT predict run 'a film' >&-", 0, ""),
    "no standard error": ("$MT predict run 'a film' 2>&-", 0, ""),
    "no standard input": ("$MT predict run - <&-", 0, ""),
    "no stream at all": ("$MT train d.csv --output o $FAST >&- 2>&- <&-; test -f o/model/config.json", 0, ""),
    "full disk for messages": ("$MT vectors train c.txt --output o.vec 2>/dev/full; test -f o.vec", 0, ""),
    "nobody reads the messages": ("$MT vectors train c.txt --output o.vec 2> >(true); test -f o.vec", 0, ""),
    "nobody reads the result": ("yes a film | head -9000 | $MT predict run - | head -1; exit ${PIPESTATUS[2]}", 0, ""),
    "full disk for the result": ("$MT predict run 'a film' >/dev/full", 2, "No space left on device"),
    "file too large": ("ulimit -f 4; $MT train d.csv --output o $FAST --vector-size 300", 2, "File too large"),
    "other bytes": ("printf 'caf\\351\\n' | PYTHONIOENCODING=utf-8:strict $MT predict run -", 2, "byte 4: found 0xe9"),
    "other bytes, named": ("printf 'caf\\351\\n' | $MT predict run - --encoding latin-1", 0, ""),
}


@pytest.mark.parametrize("kind", STREAMS)
def test_streams_may_be_shut_full_or_of_other_bytes(kind: str, place: Path) -> None:
    script, code, message = STREAMS[kind]
    variables = {**os.environ, "MT": f"{sys.executable} -m mt2st", "FAST": " ".join(FITTING)}
    done = subprocess.run(["bash", "-c", script], cwd=place, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_standard_input_is_utf_8_whatever_the_terminal_has(place: Path) -> None:
    found = [
        subprocess.run(
            [sys.executable, "-m", "mt2st", "predict", "run", "-"],
            cwd=place,
            env={**os.environ, **more},
            input="a w\u00e4rm film\n".encode(),
            capture_output=True,
            check=True,
        ).stdout
        for more in ({}, {"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C", "PYTHONUTF8": "0"})
    ]
    assert found[0] == found[1] == found[2]


# Estimators and trainer

TEXTS, LABELS = ["a warm film", "a dull film", "fine and witty", "long and weak"] * 12, ["pos", "neg"] * 24


def classifier(**settings: Any) -> TextClassifier:
    small: dict[str, Any] = {
        "encoder": "mean",
        "text": Text(min_count=1),
        "embedding": Embedding(vector_size=4),
        "optimisation": Optimisation(epochs=1),
        "compute": Compute(parallel_context=False),
    }
    return TextClassifier(**(small | settings))


def fit(x: Any = TEXTS, y: Any = LABELS, **options: Any) -> Any:
    return classifier().fit(x, y, **options)


def fit_with(**settings: Any) -> Any:
    return classifier(**settings).fit(TEXTS, LABELS)


GROUPS = {
    "auxiliary_data": groups.AuxiliaryData,
    "compute": groups.Compute,
    "context": groups.Context,
    "embedding": groups.Embedding,
    "encoder": groups.Encoder,
    "optimisation": groups.Optimisation,
    "text": groups.Text,
    "transition": groups.Transition,
    "word_tasks": groups.WordTasks,
}
FIELDS = [f"{group}.{field.name}" for group, made in GROUPS.items() for field in fields(made)]
WRONG_VALUES = [-1, 10**20, 1e39, float("nan"), float("inf"), [1], object()]


@pytest.mark.parametrize("name", FIELDS)
def test_each_setting_has_bounds(name: str) -> None:
    group, _, field = name.partition(".")
    for value in WRONG_VALUES:
        with pytest.raises(InputError, match=f"{group}.{field}"):
            ModelSettings(**{group: GROUPS[group](**{field: value})}).checked()


class Task:
    """A task of a user, with what is wrong with it."""

    name, n_batches = "own", 1

    def __init__(self, **wrong: Any) -> None:
        vars(self).update(wrong)

    def batches(self, *, epoch: int, seed: int) -> Any:
        yield torch.tensor([1, epoch % 2, seed % 2])

    def loss(self, module: Any, batch: torch.Tensor) -> Any:
        return module.embedding(batch).square().mean()

    def evaluate(self, module: Any) -> Any:
        return {"loss": float(module.embedding.weight.detach().square().mean())}


def train(primary: Any = None, **wrong: Any) -> Any:
    module = nn.Module()
    module.embedding = nn.Embedding(5, 3)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    given = {"strategy": "single-task", "epochs": 1, "optimizer": optimizer, "primary": primary or Task(), **wrong}
    return Trainer(module, **given).fit()


WRONG_CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "texts: one": (lambda: fit("abc"), "give a list of texts, found the one text 'abc'"),
    "texts: number": (lambda: fit(3), "give a list, found 3"),
    "texts: bytes": (lambda: fit([b"a"] * 4, LABELS[:4]), "is no text but b'a'"),
    "texts: missing": (lambda: fit(["a", float("nan")] * 24), "24 of 48 texts are missing"),
    "texts: table": (lambda: fit(np.array([TEXTS]).T), "found a table of shape (48, 1)"),
    "texts: none": (lambda: fit([], []), "no labelled text"),
    "labels: fewer": (lambda: fit(y=LABELS[:-1]), "must be as many, found 48 and 47"),
    "labels: functions": (lambda: fit(y=[len] * 48), "found <built-in function len>"),
    "labels: infinity": (lambda: fit(y=[1.0, float("inf")] * 24), "contains infinity"),
    "labels: two kinds": (lambda: fit(y=[1, "a"] * 24), "labels must be of one type"),
    "labels: dates": (lambda: fit(y=list(np.array(["2020", "2021"], "datetime64[Y]")) * 24), "convert the labels"),
    "labels: half a character": (lambda: fit(y=["\ud800", "a"] * 24), "holds half of a surrogate pair"),
    "weights: text": (lambda: fit(sample_weight="a"), "numbers of at least 0, not all weights zero; found 'a'"),
    "weights: below 0": (lambda: fit(sample_weight=[-1] * 48), "finite numbers of at least 0"),
    "validation: three": (lambda: fit(validation=(TEXTS, LABELS, LABELS)), "or (texts, labels), found"),
    "validation: truth": (lambda: fit(validation=True), "must be a share between 0 and 1"),
    "unlabelled: one": (lambda: fit(unlabelled="a text"), "found the one text 'a text'"),
    "tasks: one": (lambda: fit(auxiliary_tasks=Task()), "must be a list of tasks, found one: give [own]"),
    "tasks: names": (lambda: fit(auxiliary_tasks=["context"]), "is neither"),
    "rows: list": (lambda: fit(auxiliary_rows=[1]), "auxiliary_rows must be data by the name of a task, found [1]"),
    "callbacks: class": (lambda: fit(callbacks=[Callback]), "write Callback()"),
    "callbacks: none": (lambda: fit(callbacks=None), "must be objects of mt2st.training.Callback, found None"),
    "autotune: text": (lambda: fit(autotune="1"), "autotune must be minutes above 0, found '1'"),
    "strategy: class": (lambda: fit_with(strategy=int), "a strategy is"),
    "encoder: module": (lambda: fit_with(encoder=nn.LSTM(3, 3)), "should be a group of settings"),
    "group: text": (lambda: fit_with(text="words"), "text: should be a group of settings"),
    "setting: truth": (lambda: fit_with(embedding=Embedding(vector_size=True)), "valid integer"),
    "setting: misspelt": (lambda: Context(windw=3), "Did you mean 'window'?"),
    "setting: of a group": (lambda: TextClassifier(vector_size=3), "It belongs to Embedding"),
    "class weights: misspelt": (lambda: fit_with(class_weight="balance"), "Did you mean 'balanced'?"),
    "load: zero byte": (lambda: TextClassifier.load("a\0b"), "there is no model folder"),
    "load: long name": (lambda: TextClassifier.load("x" * 5000), "cannot be read: File name too long"),
    "save: file": (lambda: fit().save(__file__), "is a file: give the name of a folder"),
    "tagger: texts": (lambda: Tagger().fit(TEXTS, LABELS), "give a list of tags, found 'pos'"),
    "tagger: empty words": (lambda: Tagger().fit([[""]] * 4, [["D"]] * 4), "a word is a text that is not empty"),
    "several: one": (lambda: MultiLabelClassifier().fit(TEXTS, LABELS), "give a list of labels, found 'pos'"),
    "several: none": (lambda: MultiLabelClassifier().fit(TEXTS, [[]] * 48), "no text has a label"),
    "trainer: optimizer": (lambda: train(optimizer=3), "optimizer must be an object of torch's Optimizer, found 3"),
    "trainer: scheduler": (lambda: train(scheduler=3), "scheduler must be an object with 'step', found 3"),
    "trainer: transition": (lambda: train(transition=3), "transition must be an object with 'activate', found 3"),
    "trainer: stopping": (lambda: train(early_stopping=3), "early_stopping must be an object with 'cause', found 3"),
    "trainer: feedback": (lambda: train(feedback=3), "feedback must be an object with 'watch', found 3"),
    "trainer: callbacks": (lambda: train(callbacks=None), "found None"),
    "trainer: divergence": (lambda: train(on_divergence=True), "must be one of 'stop', 'halve', found True"),
    "trainer: task": (lambda: train(3), "the primary task must be a mt2st.training.Task"),
    "trainer: batches": (lambda: train(Task(n_batches=3)), "promised 3 batches an epoch, but gave only 1"),
    "trainer: number of batches": (lambda: train(Task(n_batches="2")), "must be a number, found '2'"),
    "trainer: loss": (lambda: train(Task(loss=lambda *_: 1.0)), "without .item()"),
    "trainer: measures": (lambda: train(Task(evaluate=lambda _: {"loss": "x"})), "must be a number, found 'x'"),
    "trainer: name": (lambda: train(Task(name="a b")), "a task's name has letters"),
    "trainer: no epoch": (lambda: train(epochs=0), "epochs must be a whole number of at least 1, found 0"),
    "trainer: half an epoch": (lambda: train(epochs=1.5), "epochs must be a whole number of at least 1, found 1.5"),
    "trainer: epochs": (lambda: train(epochs="2"), "epochs must be a whole number of at least 1, found '2'"),
    "trainer: seed": (lambda: train(seed=None), "seed"),
    "trainer: parts": (lambda: train(accumulate=0), "accumulate must be a whole number of at least 1, found 0"),
    "trainer: norm": (lambda: train(clip_norm=-1.0), "clip_norm"),
    "trainer: average": (lambda: train(average=1.0), "1.0"),
    "trainer: precision": (lambda: train(precision="float8"), "float8"),
    "trainer: device": (lambda: train(device="gpu"), "gpu"),
    "trainer: strategy": (lambda: train(strategy="swich"), "Did you mean 'switch'?"),
    "trainer: auxiliary": (lambda: train(auxiliaries=Task()), "auxiliaries"),
    "trainer: names twice": (lambda: train(auxiliaries=[Task()]), "own"),
    "trainer: evaluations": (lambda: train(evaluations_per_epoch=-2), "evaluations_per_epoch"),
    "strategy: time": (lambda: Switch(at=-1), "at"),
    "strategy: text": (lambda: Switch(at="2"), "found '2'"),
    "strategy: weight": (lambda: Switch(at=2, weight=float("nan")), "nan"),
    "strategy: factor": (lambda: Diminish(decay=-0.5), "decay"),
    "strategy: abstract": (lambda: train(strategy=Strategy), "a strategy is"),
    "feedback": (lambda: Feedback(0), "found 0"),
    "freezing: nothing": (lambda: DimensionFreezing(), "either a fraction or a threshold"),
    "freezing: share": (lambda: DimensionFreezing(2.0), "fraction"),
    "freezing: kind": (lambda: DimensionFreezing(0.5, relevance="hessian"), "'fisher' or 'saliency', found 'hessian'"),
    "trainer: monitor": (lambda: train(monitor="f1"), "names the metric 'f1'"),
}


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")  # of scikit-learn, at infinity
@pytest.mark.parametrize("kind", WRONG_CALLS)
def test_wrong_arguments_are_named(kind: str) -> None:
    call, message = WRONG_CALLS[kind]
    with pytest.raises(InputError) as caught:
        call()
    assert message in str(caught.value)


def test_the_catalogue_has_300_inputs() -> None:
    kinds = [ODD_DATA, WRONG_DATA, WRONG_SETTINGS, WRONG_MODELS, WRONG_REPORTS, WRONG_COMMANDS, WRONG_NUMBERS, SHUT]
    assert sum(map(len, [*kinds, STREAMS, WRONG_CALLS, FIELDS])) >= 300
