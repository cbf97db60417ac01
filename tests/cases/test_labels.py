"""Labels as people have them, taken as their own libraries take them, or refused with the remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from mt2st import MultiLabelClassifier, TextClassifier
from mt2st.cli.main import main
from mt2st.errors import DataWarning, InputError
from mt2st.models import Compute, Embedding, Optimisation, Text
from mt2st.models.inputs import as_indicator, rereadable
from mt2st.text import read_labelled, read_multi_labelled
from mt2st.text.rows import labels_in

TEXTS = ["a good film", "a fine good cast", "a bad film", "a dull bad plot"] * 6
ONES = [1, 1, 0, 0] * 6


def new(kind: type[Any]) -> Any:
    return kind(
        encoder="mean",
        embedding=Embedding(vector_size=8),
        text=Text(min_count=1),
        optimisation=Optimisation(epochs=1),
        compute=Compute(parallel_context=False),
    )


TAKEN = {
    "a tensor": torch.tensor(ONES),
    "a list of tensors": [torch.tensor(each) for each in ONES],
    "a list of arrays without a dimension": [np.array(each) for each in ONES],
    "numpy's numbers": list(np.array(ONES)),
    "a series with gaps in its index": pd.Series(ONES, index=range(5, 29)),
    "pandas' nullable numbers": pd.array(ONES, dtype="Int64"),
    "a categorical": pd.Categorical(ONES),
    "a generator": None,
    "whole numbers as floats": [float(each) for each in ONES],
    "booleans of numpy": np.array(ONES, dtype=bool),
}


@pytest.mark.parametrize("kind", TAKEN)
def test_labels_in_a_container_are_its_values(kind: str) -> None:
    labels = TAKEN[kind] if kind != "a generator" else (each for each in ONES)
    model = new(TextClassifier).fit(TEXTS, labels)
    assert model.classes_.tolist() == [0, 1]
    assert not isinstance(model.predict(TEXTS[:1])[0], str)


REFUSED = {
    "one-hot rows": (np.eye(2)[ONES], "MultiLabelClassifier"),
    "one-hot lists": (np.eye(2)[ONES].tolist(), "MultiLabelClassifier"),
    "bytes": ([b"+" if each else b"-" for each in ONES], "of type bytes: decode the labels"),
    "numpy's bytes": (np.array([b"+" if each else b"-" for each in ONES]), "decode the labels"),
    "a sparse matrix": (sparse.csr_matrix(np.eye(2)[ONES]), "MultiLabelClassifier"),
    "a frame of two columns": (pd.DataFrame(np.eye(2)[ONES]), "MultiLabelClassifier"),
    "tuples of one": ([(each,) for each in ONES], "MultiLabelClassifier"),
    "measurements": ([0.5, 1.5] * 12, "no classes"),
    "dates": (pd.to_datetime(["2020-01-01", "2021-01-01"] * 12), "convert the labels"),
    "missing ones": (pd.array([1, None] * 12, dtype="Int64"), "12 of 24 labels are missing"),
    "lists of one": ([[each] for each in ONES], "MultiLabelClassifier"),
    "texts and numbers": ([*ONES[:-1], "0"], "labels must be of one type, found numbers and strings"),
    "half a surrogate pair": (["+" if each else "caf\udce9" for each in ONES], "half of a surrogate pair"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_label_is_refused_with_the_remedy(kind: str) -> None:
    labels, message = REFUSED[kind]
    with pytest.raises(InputError, match=message):
        new(TextClassifier).fit(TEXTS, labels)


def test_a_column_is_taken_as_scikit_learn_takes_it() -> None:
    with pytest.warns(UserWarning, match="column-vector"):
        model = new(TextClassifier).fit(TEXTS, np.array(ONES).reshape(-1, 1))
    assert model.classes_.tolist() == [0, 1]


def test_strings_in_two_spellings_stay_two_classes_as_in_scikit_learn_and_are_told() -> None:
    labels = np.array(["1", "0"] * 10 + ["1.0", "0"] * 2, dtype=object)
    with pytest.warns(DataWarning, match=r"'1' \(10, .*'1.0' \(2, first number 20, counted from 0\) are different"):
        model = new(TextClassifier).fit(TEXTS, labels)
    assert model.classes_.tolist() == ["0", "1", "1.0"]


def test_rows_of_0_and_1_are_an_indicator_matrix() -> None:
    rows = [[1, 0, 1], [0, 0, 0], [0, 1, 1]]
    for given in (rows, [tuple(row) for row in rows], [np.array(row) for row in rows], torch.tensor(rows)):
        assert np.asarray(as_indicator(rereadable(given))).tolist() == rows
    for labels in ([["a"], []], [[1], [0]], [[0, 2], [1, 0]], [[1, 0], [1]]):
        assert as_indicator(rereadable(labels)) == labels
    model = new(MultiLabelClassifier).fit(TEXTS, [[each, 1 - each, 1] for each in ONES])
    assert model.predict(TEXTS[:2]).shape == (2, 3)


@pytest.mark.parametrize(
    "labels", [[{"a": 1}, {"b": 0}] * 12, ["ab"] * 24, [b"ab"] * 24, [[["a"]]] * 24, [[b"a"]] * 24]
)
def test_what_is_no_list_of_labels_is_refused(labels: list[Any]) -> None:
    with pytest.raises(InputError, match="give a list of labels|a label must be"):
        new(MultiLabelClassifier).fit(TEXTS, labels)


def test_a_text_with_half_a_surrogate_pair_is_told_by_its_number() -> None:
    texts = list(TEXTS)
    texts[5] = "caf\udce9 film"
    with pytest.raises(InputError, match="the labelled texts: number 5, counted from 0, holds half of a surrogate"):
        new(TextClassifier).fit(texts, ONES)
    with pytest.raises(InputError, match="texts: number 5, counted from 0, holds half"):
        new(TextClassifier).fit(TEXTS, ONES).predict(texts)
    with pytest.raises(InputError, match="number 5, counted from 0, holds half"):
        new(TextClassifier).fit(TEXTS, ONES, unlabelled=texts)


SEVERAL = {
    "a.jsonl": "".join(json.dumps({"text": "t", "label": each}) + "\n" for each in (["x", "y"], ["x"], [])),
    "a.csv": "text,label\nt,\"['x', 'y']\"\nt,['x']\nt,[]\n",
    "b.csv": "text,label\nt,x;y\nt,x\nt,\n",
    "c.csv": 'text,label\nt,"(\'y\', ""x"")"\nt,[\'x\']\nt,\n',
}


@pytest.mark.parametrize("name", SEVERAL)
def test_lists_of_labels_in_files_are_read_as_such(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(SEVERAL[name], encoding="utf-8")
    assert [tuple(each) for each in read_multi_labelled(path).labels] == [("x", "y"), ("x",), ()]


def test_lists_of_labels_in_parquet_are_read_as_such(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pd.DataFrame({"text": ["a", "b", "c"], "label": [["x", "y;z"], [1.5], []]}).astype({"label": object}).iloc[
        [0, 2]
    ].to_parquet(path)
    assert read_multi_labelled(path).labels == [("x", "y;z"), ()]


@pytest.mark.parametrize("written", ["['x']", "[1, 2]", "tensor(0)", "array(['x'])", "b'+'", "['x' 'y']"])
def test_a_container_written_as_text_is_no_label(tmp_path: Path, written: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'text,label\nt,a\nt,"{written}"\n', encoding="utf-8")
    is_list = written in ("['x']", "[1, 2]")
    what = "a list of labels in column 'label', which --task multilabel" if is_list else "bytes, a tensor or an array"
    with pytest.raises(InputError, match=f"1 with {what}.* [(]line 3[)]"):
        read_labelled(path)


@pytest.mark.parametrize("name", ["[spam]", "(a)", "(1)", "b", "bob's", "[", "tensor", "{}x", "array()x", "b'", "1.0"])
def test_a_name_in_brackets_is_a_label(name: str) -> None:
    assert labels_in(name) is None


def test_numbers_in_two_spellings_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train, test = tmp_path / "train.parquet", tmp_path / "test.csv"
    labels = [1.0, 0.0] * 30
    pd.DataFrame({"text": TEXTS * 2 + TEXTS[:12], "label": labels}).to_parquet(train)
    test.write_text("text,label\na film,1\na plot,0\n", encoding="utf-8")
    assert main(["train", str(train), "--test", str(test), "--output", str(tmp_path / "run")]) == 2
    assert "'0' and '0.0' are one number in two spellings: write both alike" in capsys.readouterr().err


def test_a_class_of_two_rows_is_too_rare_for_three_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{text},{label}" for text, label in zip(TEXTS * 3, "ab" * 36, strict=True)]
    path.write_text("\n".join(["text,label", *rows, "odd,rare", "odder,rare"]) + "\n", encoding="utf-8")
    for seed in range(4):
        assert main(["train", str(path), "--output", str(tmp_path / "run"), "--split-seed", str(seed)]) in (0, 2)
        error = capsys.readouterr().err
        if "the class 'rare' has 2 rows, and three are needed" in error:
            return
        assert "Traceback" not in error
    raise AssertionError("no split has a row of the class in the test part")
