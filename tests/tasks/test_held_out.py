from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mt2st.errors import InputError
from mt2st.evaluation import read_analogies, read_similarity
from mt2st.tasks import Coverage, Judgements, Lexicon, Questions, divide, held_out_words, read_pairs
from mt2st.tasks.relations import Relations, words_of
from mt2st.text import Vocabulary
from tests.tasks.relations_data import hold_out, judgements, lexicon, questions

PAIRS = st.integers(1, 80).flatmap(lambda n: arrays(np.int64, (n, 2), elements=st.integers(2, 40)))
QUADRUPLES = st.integers(1, 80).flatmap(lambda n: arrays(np.int64, (n, 4), elements=st.integers(2, 40)))
SHARES = st.floats(0, 0.9)


def as_questions(ids: np.ndarray) -> Questions:
    return Questions(ids, np.ones(len(ids), dtype=np.bool_))


def sides(relations: Relations, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    inside = np.isin(relations.ids, words)
    return inside.all(axis=1), ~inside.any(axis=1)


def check(relations: Relations, share: float, seed: int) -> None:
    ids = relations.ids
    held_out, train = sides(relations, held_out_words([relations], share, seed=seed))
    assert not np.intersect1d(ids[held_out], ids[train]).size, "no word on both sides"
    assert train.any()
    straddling = ~held_out & ~train
    words = set(ids[held_out].ravel())
    if held_out.any():
        assert held_out.sum() >= share * len(ids)
        assert all(set(row) & words or straddles(row, ids, train) for row in ids[straddling])
    else:
        assert not straddling.any()
    again = sides(relations, held_out_words([relations], share, seed=seed))
    assert (again[0] == held_out).all()
    assert (again[1] == train).all()


def straddles(row: np.ndarray, ids: np.ndarray, train: np.ndarray) -> bool:
    """A word may be on the held-out side although no held-out row has it."""
    return not set(row) <= set(ids[train].ravel())


@given(PAIRS, SHARES, st.integers(0, 5))
@settings(max_examples=60)
def test_no_word_of_a_held_out_pair_is_learned_from(ids: np.ndarray, share: float, seed: int) -> None:
    check(Relations(ids), share, seed)


@given(QUADRUPLES, SHARES, st.integers(0, 5))
@settings(max_examples=60)
def test_no_word_of_a_held_out_question_is_learned_from(ids: np.ndarray, share: float, seed: int) -> None:
    check(as_questions(ids), share, seed)


def test_separate_pairs_are_split_without_loss() -> None:
    ids = np.arange(2, 202).reshape(-1, 2)
    parts = hold_out(Relations(ids), 0.1)
    assert parts.held_out is not None
    assert (len(parts.held_out), len(parts.train)) == (10, 90)


@given(QUADRUPLES, PAIRS, PAIRS, st.floats(0.01, 0.9), st.integers(0, 5))
@settings(max_examples=100)
def test_what_one_of_several_holds_out_none_learns_from(
    questions: np.ndarray, lexicon: np.ndarray, judged: np.ndarray, share: float, seed: int
) -> None:
    agree = np.arange(len(lexicon)) % 3 > 0
    together = [as_questions(questions), Lexicon(lexicon, agree), Relations(judged)]
    words = held_out_words(together, share, seed=seed)
    parts = [divide(each, words) for each in together]
    held_out = words_of(*(each.held_out for each in parts))
    assert not np.intersect1d(held_out, words_of(*(each.train for each in parts))).size
    for whole, each in zip(together, parts, strict=True):
        assert len(each.train), "something is left to learn from"
        for kind, rows in whole.kinds().items():
            assert each.train.kinds()[kind].any() == rows.any(), "and of each kind"
        for rows in (whole.take(each) for each in whole.strata()):
            held_out_rows, _ = sides(rows, words)
            assert held_out_rows.sum() >= share * len(rows) or not np.isin(rows.ids, words).any(), "its share, or none"


def test_several_without_common_words_have_their_shares_as_if_alone() -> None:
    first, second = np.arange(2, 202).reshape(-1, 2), np.arange(202, 602).reshape(-1, 2)
    words = held_out_words([Relations(first), Relations(second)], 0.1)
    parts = [divide(Relations(each), words) for each in (first, second)]
    assert [(len(each.train), len(each.held_out or []), len(each.straddling)) for each in parts] == [
        (90, 10, 0),
        (180, 20, 0),
    ]


def test_what_cannot_be_split_is_spared_by_the_others_too() -> None:
    star = Relations(np.array([[2, other] for other in range(3, 73)]))
    pairs = Relations(np.arange(2, 202).reshape(-1, 2))
    for seed in range(5):
        words = held_out_words([star, pairs], 0.1, seed=seed)
        entangled, separate = divide(star, words), divide(pairs, words)
        assert (len(entangled.train), entangled.held_out, len(entangled.straddling)) == (70, None, 0)
        assert separate.held_out is not None
        assert len(separate.held_out) == 10


def test_each_kind_of_pairs_is_held_out_and_learned_from() -> None:
    ids = np.arange(2, 402).reshape(-1, 2)
    few = np.arange(len(ids)) < 5
    for seed in range(10):
        parts = hold_out(Lexicon(ids, ~few), 0.05, seed=seed)
        assert parts.held_out is not None
        assert int((~parts.held_out.agree).sum()) == 1
        assert int((~parts.train.agree).sum()) == 4
        coverage = Coverage.of("misalignment", "word pairs", 200, parts)
        assert coverage.kinds["should not agree"] == {"usable": 5, "train": 4, "held_out": 1}
        assert "; should not agree: 4 to learn from, 1 held out" in str(coverage)


def test_the_two_words_of_a_pair_stay_together_in_questions() -> None:
    parts = hold_out(questions(), 0.05)
    assert parts.held_out is not None
    words = words_of(parts.held_out).reshape(-1, 2)
    assert (words[:, 1] == words[:, 0] + 1).all()
    assert len(parts.train) + len(parts.held_out) + len(parts.straddling) == len(questions())


def test_another_seed_holds_out_other_words() -> None:
    first, second = (hold_out(questions(), 0.05, seed=seed).held_out for seed in (0, 1))
    assert first is not None
    assert second is not None
    assert words_of(first).tolist() != words_of(second).tolist()


def test_all_that_is_known_of_a_row_goes_with_it() -> None:
    whole = judgements()
    parts = hold_out(whole, 0.1)
    assert parts.held_out is not None
    known = {tuple(ids): (score, group) for ids, score, group in zip(whole.ids, whole.scores, whole.sets, strict=True)}
    for part in (parts.train, parts.held_out):
        for ids, score, group in zip(part.ids, part.scores, part.sets, strict=True):
            assert known[tuple(ids)] == (score, group)


def test_where_nothing_would_be_left_nothing_is_held_out() -> None:
    star = Lexicon(np.array([[2, other] for other in range(3, 9)]), np.ones(6, dtype=np.bool_))
    parts = hold_out(star, 0.9)
    assert parts.held_out is None
    assert (len(parts.train), len(parts.straddling)) == (6, 0)


def test_a_share_of_zero_holds_nothing_out() -> None:
    assert hold_out(lexicon(), 0).held_out is None


@pytest.mark.parametrize("share", [-0.1, 1, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="share held out must be at least 0 and below 1"):
        hold_out(lexicon(), share)


def test_coverage_says_where_all_rows_are() -> None:
    coverage = Coverage.of("analogy", "analogy questions", 2000, hold_out(questions(), 0.05))
    assert coverage.usable == len(questions())
    assert coverage.train + coverage.held_out < coverage.usable
    assert str(coverage).startswith("analogy: 1,740 different of 2,000 analogy questions have all their words in the")
    assert f"{coverage.train:,} to learn from, {coverage.held_out} held out" in str(coverage)
    assert not coverage.few
    assert Coverage("x", "pairs", 100, 49, 49, 0).few


def test_real_data_splits_by_word(shared_data: Path) -> None:
    sets = [read_similarity(path) for path in sorted((shared_data / "similarity").glob("*.txt"))]
    sections = [each for path in sorted((shared_data / "analogies").glob("*.txt")) for each in read_analogies(path)]
    agree = read_pairs(shared_data / "lexicon" / "ppdb_synonyms.txt")
    disagree = read_pairs(shared_data / "lexicon" / "wordnet_antonyms.txt")
    words = {word for section in sections for question in section.questions for word in question}
    words |= {word for each in sets for a, b, _ in each.pairs for word in (a, b)}
    words |= {word for pair in agree + disagree for word in pair}
    vocabulary = Vocabulary.from_counts(dict.fromkeys(sorted(words), 1), min_count=1)
    everything = [
        Questions.encode(sections, vocabulary),
        Judgements.encode(sets, vocabulary),
        Lexicon.encode(agree, disagree, vocabulary),
    ]
    together = held_out_words(everything, 0.05)
    split = [divide(each, together) for each in everything]
    held_out = words_of(*(each.held_out for each in split))
    assert not np.intersect1d(held_out, words_of(*(each.train for each in split))).size
    for each, parts in zip(everything, split, strict=True):
        assert 0.05 <= len(parts.held_out or []) / len(each) < 0.1
        assert len(parts.train) > 0.55 * len(each)
    for relations, least_kept in (
        (everything[0], 0.6),
        (everything[1], 0.6),
        (everything[2], 0.75),
    ):
        parts = hold_out(relations, 0.05)
        assert parts.held_out is not None
        assert not np.intersect1d(words_of(parts.train), words_of(parts.held_out)).size
        assert 0.05 <= len(parts.held_out) / len(relations) < 0.06
        assert len(parts.train) > least_kept * len(relations)
