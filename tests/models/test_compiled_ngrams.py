"""Compiled code gives the scores that Python gives, whatever the texts."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mt2st.models import compiled_ngrams, ngram_classifier
from mt2st.models.ngram_classifier import Kind, NgramClassifier, ngrams
from mt2st.text import Tokeniser, numbering

SPACES = " \t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000"
texts = st.lists(
    st.text(st.sampled_from("abAßİΣé中<br>,.'\U0001f44d\u200b\u0301" + SPACES), max_size=40)
    | st.text(st.sampled_from("ab "), max_size=60),
    min_size=1,
    max_size=6,
)
tokenisers = st.builds(Tokeniser, st.booleans(), st.booleans(), st.sampled_from(["words", "whitespace"]))


def classifier(kind: Kind, tokeniser: Tokeniser, known: list[str], n_classes: int, share: int) -> NgramClassifier:
    """A classifier on a part of the n-grams of some texts."""
    found = dict.fromkeys(each for text in known for each in ngrams(text, kind, tokeniser))
    terms = [term for number, term in enumerate(found) if number % 4 < share] or ["-"]
    rng = np.random.default_rng(len(terms))
    idf, weights = rng.uniform(1, 5, len(terms)), rng.normal(size=(len(terms), n_classes))
    joined = "\n".join(terms).encode()
    f32 = np.float32
    return NgramClassifier(
        kind, tokeniser, joined, idf.astype(f32), weights.astype(f32), rng.normal(size=n_classes).astype(f32)
    )


def both(model: NgramClassifier, given: list[str]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Scores and known texts, by Python and by compiled code."""
    found = []
    for compiled in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ngram_classifier, "pays", lambda *_, compiled=compiled: compiled)
            found.append((model.scores(given), model.knows(given)))
    return found


@given(
    st.sampled_from(["words", "characters"]),
    tokenisers,
    texts,
    texts,
    st.sampled_from([1, 2, 5]),
    st.sampled_from([3, 4]),
)
@settings(max_examples=200, deadline=None)
def test_scores_are_those_of_python(
    kind: Kind, tokeniser: Tokeniser, known: list[str], given: list[str], n_classes: int, share: int
) -> None:
    model = classifier(kind, tokeniser, known, n_classes, share)
    (scores, has), (compiled_scores, compiled_has) = both(model, [*given, *known, *given])
    np.testing.assert_allclose(compiled_scores, scores, atol=1e-11, rtol=1e-11)
    assert compiled_has.tolist() == has.tolist()


@pytest.mark.parametrize("kind", ["words", "characters"])
def test_parts_and_forgotten_words_change_nothing(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    known = [f"a{n} film of {n % 7} and b{n % 30} films" for n in range(200)]
    model = classifier(kind, Tokeniser(), known, 2, 3)
    whole = both(model, known)[1][0]
    monkeypatch.setattr(compiled_ngrams, "MOST_BYTES", 100)
    monkeypatch.setattr(numbering, "CHARACTERS_PER_BATCH", 50)
    assert np.array_equal(both(deepcopy(model), known)[1][0], whole)


def test_a_nul_belongs_to_its_word() -> None:
    model = classifier("characters", Tokeniser(), ["a\0b"], 2, 4)
    (scores, _), (compiled_scores, _) = both(model, ["a\0b", "a b"])
    assert np.array_equal(scores, compiled_scores)
    assert abs(scores[0] - scores[1]).max() > 0.1
    (scores, has), (compiled_scores, compiled_has) = both(model, ["a b", "b", "ab"])  # the NUL is in the model alone
    assert np.array_equal(scores, compiled_scores)
    assert np.array_equal(has, compiled_has)


def test_several_threads_may_score_and_a_model_is_copied_without_its_compiled_form() -> None:
    known = [f"a{n} film of {n % 7} and b{n % 30} films" for n in range(400)]
    model = classifier("characters", Tokeniser(), known, 2, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngram_classifier, "pays", lambda *_: True)
        expected = model.scores(known)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(model.scores, [known[n:] for n in range(0, 400, 20)]))
        for number, each in enumerate(found):
            assert np.array_equal(each, expected[20 * number :])
        assert np.array_equal(pickle.loads(pickle.dumps(model)).scores(known), expected)
