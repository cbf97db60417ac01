from __future__ import annotations

import re
from pathlib import Path

import pytest

from mt2st.errors import DataWarning, InputError
from mt2st.text import LabelledText, check_classes, read_labelled, read_multi_labelled


def test_good_rows_are_collected_in_order(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("text,label\na,1\nb, 2 \n", encoding="utf-8")
    data = read_labelled(path, text="text", label="label")
    assert (data.texts, data.labels, data.skipped, data.source, len(data)) == (["a", "b"], ["1", "2"], 0, str(path), 2)
    assert read_labelled(path) == data


def test_all_bad_rows_are_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("review,stars\n" + "a,\n" * 7 + " ,2\nb,3,4\n,1\nc,1\n", encoding="utf-8")
    with pytest.raises(InputError) as raised:
        read_labelled(path, text="review", label="stars")
    assert str(raised.value) == (
        f"{path}: 10 of 11 rows cannot be used: 7 without a label in column 'stars' (lines 2, 3, 4, 5, 6, ...), "
        f"2 with an empty text (lines 9, 11), 1 with a number of fields other than the header's 2 (line 10). "
        f"Correct them, or go on without them by --skip-bad-rows (skip_bad_rows=True)"
    )
    data = read_labelled(path, text="review", label="stars", skip_bad_rows=True)
    assert (data.texts, data.labels, data.skipped) == (["c"], ["1"], 10)


def test_bad_json_lines_are_reported_with_the_other_bad_rows(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"text": "a", "label": "x"}\n{"text": "b"}\noops\n[]\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"1 that are not JSON \(line 3\), 1 that are not a JSON object \(line 4\)"):
        read_labelled(path)
    assert read_labelled(path, skip_bad_rows=True).skipped == 3


def test_when_no_row_is_good_there_is_nothing_to_go_on_with(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("text,label\na,\n", encoding="utf-8")
    for skip in (False, True):
        with pytest.raises(InputError, match=r"1 of 1 rows cannot be used: .* Correct them$"):
            read_labelled(path, skip_bad_rows=skip)


def test_empty_files_of_a_folder_are_named(tmp_path: Path) -> None:
    for name, content in [("pos/a.txt", "A"), ("neg/c.txt", " ")]:
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"1 of 2 rows cannot be used: 1 with an empty text \(neg/c.txt\)"):
        read_labelled(tmp_path)
    assert read_labelled(tmp_path, skip_bad_rows=True).labels == ["pos"]


@pytest.mark.parametrize("name", ["x.txt", "x.txt.gz", "X.TXT"])
def test_plain_text_has_no_labels(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"a \.txt file has no labels"):
        read_labelled(tmp_path / name)


def test_rows_are_selected_in_the_order_asked_for() -> None:
    data = LabelledText(["a", "b", "c"], ["x", "y", "z"], skipped=2, source="s")
    assert data.select([2, 0]) == LabelledText(["c", "a"], ["z", "x"], skipped=2, source="s")


def test_texts_and_labels_must_be_as_many() -> None:
    with pytest.raises(InputError, match="found 1 and 0"):
        LabelledText(["a"], [])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "no labelled row"),
        (["x", "x"], "one class only, all 2 rows have the one label 'x'"),
        (["x", "y"], r"2 rows are too few for 2 classes \('x', 'y'\)"),
        ([str(n) for n in range(50)], r"50 rows are too few for 50 classes \('0', .* and 23 more\)"),
    ],
)
def test_classes_that_cannot_be_learnt_are_named(labels: list[str], message: str) -> None:
    with pytest.raises(InputError, match=f"reviews.csv: {message}"):
        check_classes(LabelledText(["t"] * len(labels), labels, source="reviews.csv"))


def test_two_classes_and_three_rows_will_do() -> None:
    check_classes(LabelledText(["a", "b", "c"], ["x", "y", "x"]))


@pytest.mark.parametrize(
    ("labels", "found", "told"),
    [
        ("1 1.0 0 1 0.0", "1 1 0 1 0", "'1' (2, first in line 2) and '1.0' (1, first in line 3) are taken as one, '1'"),
        ("true False TRUE true", "true False true true", "and 'TRUE' (1, first in line 4) are taken as one, 'true'"),
        ("1 1.0 none", "1 1.0 none", "'1' (1, first in line 2) and '1.0' (1, first in line 3) are different classes"),
        ("pos neg Pos pos", "pos neg Pos pos", "'pos' (2, first in line 2) and 'Pos' (1, first in line 4) are"),
        ("pos neg pos\u200b", "pos neg pos\u200b", "and 'pos\\u200b' (1, first in line 4) are different classes"),
    ],
)  # fmt: skip
def test_labels_in_two_spellings_are_told_and_joined_where_pandas_joins_them(
    labels: str, found: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "data.csv"
    path.write_text("text,label\n" + "".join(f"a film,{each}\n" for each in labels.split(" ")), encoding="utf-8")
    with pytest.warns(DataWarning, match=re.escape(told)):
        assert read_labelled(path).labels == found.split(" ")


def test_large_numbers_are_no_spellings_of_one_another(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("text,label\na,9007199254740993\nb,9007199254740992\n", encoding="utf-8")
    assert len(set(read_labelled(path).labels)) == 2


def test_folders_of_two_spellings_are_told_and_several_labels_a_text_too(tmp_path: Path) -> None:
    for name in ("news/1/a.txt", "news/01/b.txt"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("a text", encoding="utf-8")
    with pytest.warns(DataWarning, match=r"'01' \(1, first in 01/b.txt\) and '1' .* are different classes"):
        assert read_labelled(tmp_path / "news").labels == ["01", "1"]
    path = tmp_path / "data.csv"
    path.write_text("text,label\na,war;Drama\nb,drama\n", encoding="utf-8")
    with pytest.warns(DataWarning, match="'Drama' .* and 'drama' .* are different classes"):
        assert read_multi_labelled(path).labels == [("Drama", "war"), ("drama",)]
