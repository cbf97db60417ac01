"""What a classifier reads of texts that are longer than it reads."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mt2st.models import MultiLabelClassifier, TextClassifier
from mt2st.strategy import SingleTask
from mt2st.tasks import Texts

FILLER = " a b c d e f g h i j"
AT_END = [f"x y{FILLER} dull", f"y x{FILLER} fine"] * 12
AT_START = [f"dull{FILLER} x y", f"fine{FILLER} y x"] * 12
LABELS = ["bad", "good"] * 12
SMALL: dict[str, Any] = {
    "encoder__name": "mean",
    "embedding__vector_size": 8,
    "optimisation__epochs": 12,
    "optimisation__batch_size": 4,
    "text__min_count": 1,
    "encoder__dropout": 0.0,
    "optimisation__average": 0.0,
    "optimisation__learning_rate": 0.05,
    "optimisation__embedding_learning_rate": 0.05,
    "compute__parallel_context": False,
    "text__max_length": 4,
    "encoder__linear": False,
    "auxiliaries": (),
}


def accuracy(texts: list[str], cut: str) -> float:
    classifier = TextClassifier(strategy=SingleTask()).set_params(text__truncation=cut, **SMALL)
    return classifier.fit(texts, LABELS, validation=(texts, LABELS)).evaluate(texts, LABELS)["accuracy"]


def test_beginning_and_end_are_read_unless_the_end_is_to_be_cut() -> None:
    assert accuracy(AT_START, "middle") == 1.0
    assert accuracy(AT_END, "middle") == 1.0
    assert accuracy(AT_START, "end") == 1.0
    assert accuracy(AT_END, "end") == 0.5


def test_new_texts_are_read_like_those_it_learned_from() -> None:
    classifier = TextClassifier(strategy=SingleTask()).set_params(**SMALL).fit(AT_END, LABELS)
    others = [f"x y{' z' * n} {word}" for n in (0, 1, 5, 500) for word in ("dull", "fine")]
    assert classifier.predict(others).tolist() == ["bad", "good"] * 4
    labels = [[each] for each in LABELS]
    several = MultiLabelClassifier(strategy=SingleTask()).set_params(**SMALL).fit(AT_END, labels)
    assert several.predict(others).tolist() == [("bad",), ("good",)] * 4


@given(st.lists(st.integers(0, 12), min_size=1, max_size=6), st.integers(1, 9))
def test_without_middles_a_text_keeps_its_first_and_last_tokens(lengths: list[int], length: int) -> None:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    texts = Texts(np.arange(offsets[-1], dtype=np.int32), offsets)
    shorter = texts.without_middles(length)
    assert len(shorter) == len(texts)
    for number, whole in enumerate(np.split(texts.ids, offsets[1:-1])):
        found = shorter.ids[shorter.offsets[number] : shorter.offsets[number + 1]].tolist()
        if len(whole) <= length:
            assert found == whole.tolist()
        else:
            head = (length + 1) // 2
            assert found == [*whole[:head], *whole[len(whole) - (length - head) :]]
