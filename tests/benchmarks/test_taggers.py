from __future__ import annotations

from benchmarks.taggers import unseen_accuracy

from mt2st.text import TaggedText


def test_words_that_training_has_in_any_case_do_not_count() -> None:
    train = TaggedText([["The", "dog"]], [["DET", "NOUN"]])
    test = TaggedText([["the", "cat"], ["Cats", "ran"]], [["DET", "NOUN"], ["NOUN", "VERB"]])
    assert unseen_accuracy(train, test, [["X", "NOUN"], ["NOUN", "X"]]) == 2 / 3
