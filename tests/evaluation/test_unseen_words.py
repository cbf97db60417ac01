"""Unseen words in tests of vectors with n-grams: left out as in gensim, or made of their n-grams as in fastText."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt2st.embedding import SubwordSettings, SubwordVectors, WordVectors
from mt2st.errors import InputError
from mt2st.evaluation import (
    AnalogySection,
    SimilaritySet,
    evaluate_analogies,
    evaluate_similarity,
    evaluate_word_vectors,
    read_analogies,
    read_similarity,
)
from mt2st.evaluation.known_words import KnownWords
from mt2st.evaluation.word_vectors import WordVectorTests

SEEN = [f"{first}{second}" for first in ("film", "food", "walk", "talk") for second in ("", "s", "ed", "ing", "er")]
UNSEEN = ["films2", "refilm", "foodie", "walkway", "talkative"]
SETTINGS = SubwordSettings(min_n=3, max_n=5, bucket=80)


@pytest.fixture(scope="module")
def vectors() -> SubwordVectors:
    table = np.random.default_rng(0).normal(size=(len(SEEN) + 80, 10)).astype(np.float32)
    return SubwordVectors(SEEN, table, SETTINGS)


@pytest.fixture(scope="module")
def theirs(vectors: SubwordVectors) -> Any:
    fasttext = pytest.importorskip("gensim.models.fasttext")
    keyed = fasttext.FastTextKeyedVectors(10, 3, 5, 80)
    keyed.add_vectors(SEEN, np.zeros((len(SEEN), 10), dtype=np.float32))
    keyed.init_post_load(vectors.table)
    return keyed


@pytest.fixture(scope="module")
def pairs() -> tuple[tuple[str, str, float], ...]:
    rng = np.random.default_rng(1)
    words = [*SEEN, *UNSEEN]
    chosen = [rng.choice(len(words), 2, replace=False) for _ in range(120)]
    return tuple((words[a], words[b], float(rng.integers(100))) for a, b in chosen)


@pytest.mark.parametrize("settings", [{}, {"case_insensitive": False}, {"dummy4unknown": True}])
def test_unless_asked_unseen_words_are_unknown_as_gensim_s_fasttext_vectors_have_it(
    vectors: SubwordVectors,
    theirs: Any,
    pairs: tuple,
    tmp_path: Path,
    settings: dict[str, Any],
) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text("".join(f"{a}\t{b}\t{score}\n" for a, b, score in pairs))
    pearson, spearman, unknown = theirs.evaluate_word_pairs(str(path), **settings)
    (ours,) = evaluate_similarity(vectors, [read_similarity(path)], **settings)
    assert ours.pearson == pytest.approx(pearson[0], abs=1e-6)
    assert ours.spearman == pytest.approx(spearman[0], abs=1e-9)
    assert 0 < unknown == pytest.approx(100 * (1 - ours.seen / ours.total))


def test_unless_asked_questions_with_unseen_words_are_left_out_as_in_gensim(
    vectors: SubwordVectors,
    theirs: Any,
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(2)
    words = [*SEEN, *UNSEEN]
    lines = [" ".join(words[i] for i in rng.choice(len(words), 4, replace=False)) for _ in range(300)]
    path = tmp_path / "questions.txt"
    path.write_text("\n".join([": gram-any", *lines, ""]))
    score, sections = theirs.evaluate_word_analogies(str(path))
    ours = evaluate_analogies(vectors, read_analogies(path)).with_repeats
    total = sections[-1]
    assert (ours.correct, ours.seen) == (len(total["correct"]), len(total["correct"]) + len(total["incorrect"]))
    assert ours.seen < ours.total
    assert ours.accuracy == pytest.approx(score)


def test_asked_for_every_pair_has_the_cosine_that_gensim_s_vectors_have(
    vectors: SubwordVectors,
    theirs: Any,
    pairs: tuple,
) -> None:
    (ours,) = evaluate_similarity(vectors, [SimilaritySet("all", pairs)], unseen="ngrams")
    cosines = [theirs.similarity(a, b) for a, b, _ in pairs]
    scores = [score for *_, score in pairs]
    assert ours.seen == ours.total == len(pairs)
    assert ours.pearson == pytest.approx(np.corrcoef(cosines, scores)[0, 1], abs=1e-6)


def test_asked_for_questions_have_the_answers_of_gensim_s_vectors(vectors: SubwordVectors, theirs: Any) -> None:
    rng = np.random.default_rng(3)
    words = [*SEEN, *UNSEEN]
    questions = tuple(tuple(words[i] for i in rng.choice(len(words), 4, replace=False)) for _ in range(60))
    (section,) = evaluate_analogies(vectors, [AnalogySection("any", questions)], unseen="ngrams").sections
    for (a, b, c, d), answer in zip(questions, section.answers.tolist(), strict=True):
        if d in UNSEEN:  # it can answer nothing
            assert answer == -1
        else:
            assert SEEN[answer] == theirs.most_similar([b, c], [a], topn=1)[0][0]
    assert section.score.seen == sum(question[3] in SEEN for question in questions)
    assert any(set(question[:3]) & set(UNSEEN) and question[3] in SEEN for question in questions)


def test_where_case_is_ignored_unseen_words_are_lower_cased(vectors: SubwordVectors) -> None:
    known = KnownWords(vectors, unseen="ngrams")
    assert known.row_or_made("REFILM") == known.row_or_made("refilm") == len(SEEN)
    np.testing.assert_array_equal(known.of_rows(np.array([len(SEEN), 0])), vectors[["refilm", "film"]])
    exact = KnownWords(vectors, unseen="ngrams", case_insensitive=False)
    assert exact.row_or_made("REFILM") != exact.row_or_made("refilm")
    assert exact.row_or_made("Film") == len(SEEN) + 2


def test_a_word_too_short_for_an_ngram_stays_unknown() -> None:
    table = np.ones((1 + 5, 2), dtype=np.float32)
    known = KnownWords(SubwordVectors(["film"], table, SubwordSettings(min_n=4, bucket=5)), unseen="ngrams")
    assert (known.row_or_made("x"), known.rows(["film", "x"]), known.n_made) == (None, None, 0)


def test_how_many_words_were_made_is_said(vectors: SubwordVectors, pairs: tuple) -> None:
    tests = WordVectorTests((), (SimilaritySet("all", pairs),))
    report = evaluate_word_vectors(vectors, tests, unseen="ngrams")
    assert "5 of the tests' 25 words are unseen and have the vectors of their n-grams" in report.notes


def test_vectors_without_ngrams_have_none_to_give() -> None:
    plain = WordVectors(["a", "b"], np.eye(2))
    with pytest.raises(InputError, match="only from vectors that have them"):
        evaluate_similarity(plain, [], unseen="ngrams")
    with pytest.raises(InputError, match="unseen should be 'skip' or 'ngrams', found 'ngram'. Did you mean 'ngrams'?"):
        evaluate_similarity(plain, [], unseen="ngram")  # type: ignore[arg-type]
