from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from mt2st.study import StudyData
from mt2st.text import LabelledText, MultiLabelledText, TaggedText

TEXTS = LabelledText(["a b", "c"], ["+", "-"])
FILMS = MultiLabelledText(["a b", "c"], [("x", "y"), ()])
TAGS = TaggedText([["a", "b"], ["c"]], [["X", "Y"], ["X"]])
ENTITIES = TaggedText([["a", "b"], ["c"]], [["B-x", "I-x"], ["O"]])


@pytest.mark.parametrize(
    ("rows", "metric"), [(TEXTS, "accuracy"), (FILMS, "micro_f1"), (TAGS, "accuracy"), (ENTITIES, "entity_f1")]
)
def test_the_metric_is_the_one_that_models_of_the_data_are_chosen_by(rows: TaggedText, metric: str) -> None:
    assert StudyData(rows, rows, rows).metric == metric


@pytest.mark.parametrize(
    ("rows", "other"),
    [
        (TEXTS, LabelledText(["a b", "c"], ["-", "+"])),
        (FILMS, MultiLabelledText(["a b", "c"], [("x",), ("y",)])),
        (TAGS, TaggedText([["a", "b"], ["c"]], [["X", "X"], ["Y"]])),
        (TAGS, TaggedText([["a"], ["b", "c"]], [["X"], ["Y", "X"]])),
    ],
)
def test_another_label_or_another_cut_makes_another_fingerprint(rows: TaggedText, other: TaggedText) -> None:
    data = StudyData(rows, rows, rows)
    assert data.fingerprint == StudyData(rows, rows, rows).fingerprint
    for part in ("train", "validation", "test"):
        assert replace(data, **{part: other}).fingerprint != data.fingerprint
    assert StudyData(rows, rows, rows, lambda: ["d"]).fingerprint != data.fingerprint


@pytest.mark.parametrize(
    ("unlabelled", "said"),
    [
        ([], "no unlabelled texts besides those learned from"),
        (["e"], "1 unlabelled text; inductive: none of the 2 test texts is among them"),
        (
            ["e", "a  b", "a b"],
            "3 unlabelled texts; transductive: 1 of the 2 test texts are among them, without their labels",
        ),
    ],
)
def test_whether_test_texts_are_read_beforehand_is_told(unlabelled: list[str], said: str) -> None:
    data = StudyData(LabelledText(["d"], ["+"]), LabelledText(["e"], ["+"]), TEXTS, lambda: unlabelled)
    assert data.unlabelled_described == said
    assert replace(data, test=None).unlabelled_described == said.split(";")[0]


class Meddling(tuple[()]):
    """Texts during whose pickling somebody asks for the data's metric, as another thread may."""

    data: StudyData | None = None

    def __reduce__(self) -> tuple[type, tuple[()]]:
        assert Meddling.data is not None
        assert Meddling.data.metric == "accuracy"
        return tuple, ()


def test_data_can_be_pickled_while_another_thread_asks_for_what_is_cached() -> None:
    Meddling.data = StudyData(TEXTS, TEXTS, LabelledText(Meddling(), ()))  # type: ignore[arg-type]
    again = pickle.loads(pickle.dumps(Meddling.data))
    assert (again.train.texts, again.train.labels) == (TEXTS.texts, TEXTS.labels)
    assert set(vars(again)) == {"train", "validation", "test", "unlabelled"}, "no caches travel"
    assert again.metric == "accuracy"
