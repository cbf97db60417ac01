from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mt2st.errors import InputError
from mt2st.evaluation import read_analogies, read_similarity
from mt2st.tasks import Coverage, Judgements, Lexicon, Questions, hold_out, read_pairs
from mt2st.tasks.held_out import split_by_word
from mt2st.tasks.relations import words_of
from mt2st.text import Vocabulary
from tests.tasks.relations_data import judgements, lexicon, questions

PAIRS = st.integers(1, 80).flatmap(lambda n: arrays(np.int64, (n, 2), elements=st.integers(2, 40)))
QUADRUPLES = st.integers(1, 80).flatmap(lambda n: arrays(np.int64, (n, 4), elements=st.integers(2, 40)))
SHARES = st.floats(0, 0.9)
QUESTION_LINKS = Questions.links


def check(ids: np.ndarray, share: float, links: tuple[tuple[int, int], ...], seed: int) -> None:
    held_out, train = split_by_word(ids, share, links=links, seed=seed)
    assert not np.intersect1d(ids[held_out], ids[train]).size, "no word on both sides"
    assert train.any()
    straddling = ~held_out & ~train
    words = set(ids[held_out].ravel())
    if held_out.any():
        assert held_out.sum() >= share * len(ids)
        assert all(set(row) & words or straddles(row, ids, train) for row in ids[straddling])
    else:
        assert not straddling.any()
    again = split_by_word(ids, share, links=links, seed=seed)
    assert (again[0] == held_out).all()
    assert (again[1] == train).all()


def straddles(row: np.ndarray, ids: np.ndarray, train: np.ndarray) -> bool:
    """A word may be on the held-out side although no held-out row has it."""
    return not set(row) <= set(ids[train].ravel())


@given(PAIRS, SHARES, st.integers(0, 5))
@settings(max_examples=60)
def test_no_word_of_a_held_out_pair_is_learned_from(ids: np.ndarray, share: float, seed: int) -> None:
    check(ids, share, ((0, 1),), seed)


@given(QUADRUPLES, SHARES, st.integers(0, 5))
@settings(max_examples=60)
def test_no_word_of_a_held_out_question_is_learned_from(ids: np.ndarray, share: float, seed: int) -> None:
    check(ids, share, QUESTION_LINKS, seed)


def test_separate_pairs_are_split_without_loss() -> None:
    ids = np.arange(2, 202).reshape(-1, 2)
    held_out, train = split_by_word(ids, 0.1, links=((0, 1),))
    assert (held_out.sum(), train.sum()) == (10, 90)


def test_the_two_words_of_a_pair_stay_together_in_questions() -> None:
    parts = hold_out(questions(), 0.05)
    assert parts.held_out is not None
    words = words_of(parts.held_out).reshape(-1, 2)
    assert (words[:, 1] == words[:, 0] + 1).all()
    assert len(parts.train) + len(parts.held_out) + parts.dropped == len(questions())


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
    assert (len(parts.train), parts.dropped) == (6, 0)


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
    for relations, least_kept in (
        (Questions.encode(sections, vocabulary), 0.6),
        (Judgements.encode(sets, vocabulary), 0.6),
        (Lexicon.encode(agree, disagree, vocabulary), 0.75),
    ):
        parts = hold_out(relations, 0.05)
        assert parts.held_out is not None
        assert not np.intersect1d(words_of(parts.train), words_of(parts.held_out)).size
        assert 0.05 <= len(parts.held_out) / len(relations) < 0.06
        assert len(parts.train) > least_kept * len(relations)
