from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from mt2st.errors import InputError
from mt2st.models import MultiLabelClassifier, Tagger, TextClassifier
from mt2st.models.inputs import labelled_text, multi_labelled_text, tagged_text
from mt2st.models.texts import checked_texts
from mt2st.text import LabelledText, MultiLabelledText, TaggedText
from mt2st.text.rows import is_missing

MISSING = [None, float("nan"), np.nan, np.float32("nan"), np.datetime64("NaT"), Decimal("NaN")]


@pytest.mark.parametrize("value", MISSING, ids=repr)
def test_a_missing_value_is_neither_a_text_nor_a_label(value: Any) -> None:
    message = r"here: 2 of 4 labels are missing \(None or NaN\): numbers 1, 3, counted from 0. Leave"
    with pytest.raises(InputError, match=message):
        labelled_text(["a", "b", "c", "d"], ["x", value, "y", value], source="here")
    with pytest.raises(InputError, match="here: 1 of 2 texts is missing .*: number 1"):
        labelled_text(["a", value], ["x", "y"], source="here")


def test_missing_values_of_pandas_are_found() -> None:
    pandas = pytest.importorskip("pandas")
    assert is_missing(pandas.NA)
    assert is_missing(pandas.NaT)
    frame = pandas.DataFrame({"text": ["a", "b", "c"], "label": pandas.array([1, None, 0], dtype="Int64")})
    with pytest.raises(InputError, match="1 of 3 labels is missing .*: number 1"):
        labelled_text(frame["text"], frame["label"], source="here")
    assert labelled_text(frame["text"], [1, 0, 1], source="here").labels == ["1", "0", "1"]


@pytest.mark.parametrize("value", ["nan", "None", "", 0, False, np.int64(0), np.zeros(2), [], ("x",)], ids=repr)
def test_other_values_are_not_missing(value: Any) -> None:
    assert not is_missing(value)


def test_of_many_missing_values_the_first_are_shown() -> None:
    with pytest.raises(InputError, match=r"40 of 80 labels are missing .*: numbers 0, 2, 4, 6, 8, \.\.\., counted"):
        TextClassifier().fit(["a", "b"] * 40, [float("nan"), 1] * 40)  # type: ignore[list-item]


def test_missing_labels_of_the_validation_and_test_parts_are_refused(films: tuple[list[str], list[str]]) -> None:
    with pytest.raises(InputError, match="validation: 1 of 2 labels is missing"):
        TextClassifier().fit(*films, validation=(["a", "b"], ["good", None]))  # type: ignore[list-item]


def test_missing_lists_of_labels_and_labels_in_them_are_refused() -> None:
    with pytest.raises(InputError, match="1 of 2 lists of labels is missing .*: number 1"):
        MultiLabelClassifier().fit(["a", "b"], [["x"], None])  # type: ignore[list-item]
    with pytest.raises(InputError, match="here: text 1: 1 of 2 labels is missing .*: number 0"):
        multi_labelled_text(["a", "b"], [["x"], [float("nan"), "y"]], source="here")
    with pytest.raises(InputError, match="here: text 0: give a list of labels, found 3"):
        multi_labelled_text(["a"], [3], source="here")  # type: ignore[list-item]
    assert multi_labelled_text(["a", "b"], [[2, 1, 2], []], source="here").labels == [["1", "2"], []]


def test_missing_sentences_and_tags_are_refused() -> None:
    with pytest.raises(InputError, match="1 of 2 lists of tags is missing"):
        Tagger().fit([["a"], ["b"]], [["X"], None])  # type: ignore[list-item]
    with pytest.raises(InputError, match="here: sentence 1: 1 of 2 tags is missing .*: number 1"):
        tagged_text([["a"], ["b", "c"]], [["X"], ["Y", None]], source="here")
    with pytest.raises(InputError, match="1 of 1 sentences is missing"):
        tagged_text([None], [["X"]])  # type: ignore[list-item]
    assert tagged_text([["a", "b"]], [[1, 2]]).tags == [["1", "2"]]


@pytest.mark.parametrize(
    "rows",
    [
        LabelledText(["a", "b", "c"], ["x", None, "y"]),  # type: ignore[list-item]
        LabelledText(["a", None, "c"], ["x", "x", "y"]),  # type: ignore[list-item]
        MultiLabelledText(["a", "b"], [["x"], ["y", None]]),  # type: ignore[list-item]
        TaggedText([["a", "b"]], [["X", None]]),  # type: ignore[list-item]
    ],
    ids=["label", "text", "one of several labels", "tag"],
)
def test_rows_of_auxiliary_data_with_missing_values_are_refused(rows: Any, films: tuple[list[str], list[str]]) -> None:
    with pytest.raises(InputError, match="missing"):
        TextClassifier().set_params(optimisation__epochs=1).fit(*films, auxiliary_rows={"more": rows})


@pytest.mark.parametrize("value", [2, -1, 0.5, float("nan"), None, "x"], ids=repr)
def test_an_indicator_matrix_holds_zero_and_one_alone(value: Any) -> None:
    wrong = np.array([[1, 0], [0, value]], dtype=object if value in (None, "x") else None)
    with pytest.raises(InputError, match=r"an indicator matrix holds 0 and 1 alone, found .* in row 1, column 1"):
        MultiLabelClassifier().fit(["a", "b"], wrong)
    for right in (np.eye(2), np.eye(2, dtype=bool), np.eye(2).astype(object)):
        assert multi_labelled_text(["a", "b"], right, source="here").labels == [["0"], ["1"]]
    with pytest.raises(InputError, match="the indicator matrix has 3 columns, and the model 2 classes"):
        multi_labelled_text(["a", "b"], np.eye(3)[:2], source="here", classes=np.array([0, 1]))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"), "a label must be a string, a number"),
        (np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[ns]"), "of type datetime64: convert the labels"),
        ([("a",), ("b",)], "found .'a',. of type tuple: convert"),
        (["\ud800x", "y"], "half of a surrogate pair"),
        ([True, 0], "labels must be of one type, found numbers and true or false"),
        (["1", 1], "labels must be of one type, found numbers and strings"),
    ],
    ids=["days", "nanoseconds", "tuples", "surrogates", "true and 0", "1 and '1'"],
)
def test_labels_that_no_model_can_hold_are_refused_by_fit(labels: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TextClassifier().fit(["a", "b"], labels)
    with pytest.raises(InputError, match=message):
        MultiLabelClassifier().fit(["a", "b"], [[each] for each in labels])


def test_labels_may_come_from_generators_and_as_numbers_of_two_kinds(films: tuple[list[str], list[str]]) -> None:
    texts, labels = films
    fast: dict[str, Any] = {"optimisation__epochs": 1, "encoder__name": "mean", "embedding__vector_size": 4}
    plain = TextClassifier().set_params(**fast).fit(texts, labels)
    assert TextClassifier().set_params(**fast).fit(iter(texts), iter(labels)).classes_.tolist() == ["bad", "good"]
    assert plain.score(texts, labels) > 0
    mixed: Any = [1.0 if label == "good" else (2, 1)[number % 4 == 0] for number, label in enumerate(labels)]
    assert TextClassifier().set_params(**fast).fit(texts, mixed).classes_.tolist() == [1.0, 2.0]
    several: Any = (iter([label]) for label in labels)
    assert MultiLabelClassifier().set_params(**fast).fit(texts, several).classes_.tolist() == ["bad", "good"]


def test_weights_where_there_are_none_are_refused(films: tuple[list[str], list[str]]) -> None:
    with pytest.raises(InputError, match="class_weight is for a TextClassifier, a MultiLabelClassifier has none"):
        MultiLabelClassifier(class_weight="balanced").fit(["a", "b"], [["x"], ["y"]])
    with pytest.raises(InputError, match="a Tagger takes no sample_weight: leave it out"):
        Tagger().fit([["a"], ["b"]], [["X"], ["Y"]], sample_weight=[1.0, 2.0])


def test_sample_weights_scale_the_loss_of_several_labels() -> None:
    still: dict[str, Any] = {"encoder__name": "mean", "embedding__vector_size": 8, "optimisation__epochs": 8}
    still |= {"encoder__dropout": 0.0, "auxiliaries": (), "text__min_count": 1, "optimisation__learning_rate": 0.05}
    texts, labels = ["a film"] * 40, [["x"], []] * 20

    def of_x(weights: Any) -> float:
        model = MultiLabelClassifier("single-task").set_params(**still)
        model.fit(texts, labels, sample_weight=weights, validation=(texts, labels))
        return float(model.predict_proba(["film"])[0, 0])

    assert of_x([10.0, 0.1] * 20) > of_x(None) + 0.1


@pytest.mark.parametrize("labels", [[["a"], ["b"]] * 20, np.eye(2)[[0, 1] * 20]], ids=["lists", "matrix"])
def test_several_labels_a_text_lead_to_the_estimator_for_them(labels: Any, films: tuple[list[str], list[str]]) -> None:
    with pytest.raises(InputError, match="for several labels per text use MultiLabelClassifier"):
        TextClassifier().fit(films[0], labels)


def test_missing_texts_are_named_as_missing_everywhere(films: tuple[list[str], list[str]]) -> None:
    message = r"number 1, counted from 0, is missing \(None or NaN\). Leave such rows out"
    with pytest.raises(InputError, match=f"^unlabelled: {message}"):
        TextClassifier().fit(*films, unlabelled=["a b", float("nan")])  # type: ignore[list-item]
    with pytest.raises(InputError, match=f"^texts: {message}"):
        list(checked_texts(["a", None], "texts"))  # type: ignore[list-item]
