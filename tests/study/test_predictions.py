from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from mt2st.study.predictions import MISTAKES, Predictions, predictions_of
from mt2st.text import LabelledText, MultiLabelledText, TaggedText


def test_the_scores_of_classes_are_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet([1, 1, 1], size=200)
    true = rng.integers(0, 3, size=200)
    names = ["a", "b", "c"]
    rows = LabelledText([f"text\n{number}" for number in range(200)], [names[each] for each in true])
    found = predictions_of(names, rows, probabilities)
    predicted = probabilities.argmax(axis=1)
    assert found.confusion == confusion_matrix(true, predicted).tolist()
    expected = precision_recall_fscore_support(true, predicted)
    for column, name in enumerate(("precision", "recall", "f1", "support")):
        assert [getattr(each, name) for each in found.classes] == pytest.approx(list(expected[column]), abs=1e-4)
    assert (found.total, found.wrong) == (200, int((true != predicted).sum()))
    certainties = [each.probability for each in found.mistakes]
    assert len(certainties) == MISTAKES
    assert certainties == sorted(certainties, reverse=True)
    assert certainties[0] == pytest.approx(probabilities.max(axis=1)[true != predicted].max(), abs=1e-4)
    assert all("\n" not in each.text for each in found.mistakes)
    assert Predictions.from_dict(json.loads(json.dumps(asdict(found)))) == found


def test_entities_have_scores_by_type() -> None:
    rows = TaggedText([["Ann", "Lee", "ran"], ["Oslo", "ran"]], [["B-per", "I-per", "O"], ["B-loc", "O"]])
    names = ["B-loc", "B-per", "I-per", "O"]
    probabilities = np.eye(4)[[1, 2, 3, 1, 3]]
    found = predictions_of(names, rows, probabilities, scheme="iob2")
    assert [(each.name, each.precision, each.recall, each.support) for each in found.entities] == [
        ("loc", 0.0, 0.0, 1),
        ("per", 0.5, 1.0, 1),
    ]
    assert Predictions.from_dict(json.loads(json.dumps(asdict(found)))) == found
    words = TaggedText([["Show", "all"]], [["VERB", "PRON"]])
    assert not predictions_of(["VERB", "PRON"], words, np.eye(2)).entities


def test_a_word_is_shown_in_its_sentence_and_a_tag_that_training_had_not_is_wrong() -> None:
    rows = TaggedText([["Show", "all"], ["Now"]], [["VERB", "NEW"], ["VERB"]])
    probabilities = np.array([[0.9, 0.1], [0.3, 0.7], [0.2, 0.8]])
    found = predictions_of(["VERB", "PRON"], rows, probabilities, part="validation")
    assert (found.part, found.unit, found.total, found.wrong) == ("validation", "words", 3, 2)
    assert [(each.text, each.true, each.predicted) for each in found.mistakes] == [
        ("[Now]", "VERB", "PRON"),
        ("Show [all]", "NEW", "PRON"),
    ]
    assert [(each.precision, each.recall, each.support) for each in found.classes] == [(1.0, 0.5, 2), (0.0, 0.0, 0)]


def test_each_of_several_labels_is_a_decision_by_itself() -> None:
    rows = MultiLabelledText(["one", "two"], [["a", "b"], []])
    found = predictions_of(["a", "b"], rows, np.array([[0.9, 0.05], [0.6, 0.3]]))
    assert 0 < found.calibration_error < 1
    assert (found.unit, found.total, found.wrong, found.confusion) == ("labels", 4, 2, None)
    assert [(each.text, each.true, each.predicted, each.probability) for each in found.mistakes] == [
        ("one", "b", "not b", 0.95),
        ("two", "not a", "a", 0.6),
    ]


def test_a_long_text_is_cut_to_a_line() -> None:
    rows = LabelledText(["word " * 1000], ["b"])
    (mistake,) = predictions_of(["a", "b"], rows, np.array([[0.8, 0.2]])).mistakes
    assert len(mistake.text) == 160
    assert mistake.text.endswith("…")
