"""The rows of those n-grams alone that a vocabulary has."""

from __future__ import annotations

import numpy as np
import pytest

from mt2st.embedding import SubwordRows, SubwordSettings, SubwordVectors
from mt2st.embedding.subwords import KnownSubwords, WordBags
from mt2st.errors import InputError
from mt2st.text.vocabulary import PAD, UNK

TOKENS = ["<pad>", "<unk>", "filming", "film", "año", "日本", "a"]
SETTINGS = SubwordSettings(min_n=3, max_n=5, bucket=500)
UNSEEN = ["films", "refilm", "qzx", "", "años", "b"]


@pytest.fixture
def known() -> KnownSubwords:
    return KnownSubwords.of(TOKENS, SETTINGS)


def table_of(known: KnownSubwords, size: int = 6) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(known.rows.table_rows, size)).astype(np.float32)


def composed(bags: WordBags, table: np.ndarray) -> np.ndarray:
    bounds = zip(bags.offsets[:-1], bags.offsets[1:], strict=True)
    return np.stack([table[bags.rows[a:b]].sum(axis=0) for a, b in bounds]) * bags.scale[:, None]


def test_specials_have_no_n_grams_and_every_other_row_is_in_use(known: KnownSubwords) -> None:
    assert known.rows.of_word(PAD).tolist() == [PAD]
    assert known.rows.of_word(UNK).tolist() == [UNK]
    assert np.unique(known.rows.rows).tolist() == list(range(known.rows.table_rows))
    assert known.rows.table_rows < 60, "of 500 buckets and 7 words"


def test_words_share_rows_exactly_where_they_share_buckets(known: KnownSubwords) -> None:
    whole = SubwordRows.of(TOKENS[2:], SETTINGS)
    for word in range(whole.n_words):
        buckets = whole.of_word(word)[1:] - whole.n_words
        assert known.buckets[known.rows.of_word(word + 2)[1:] - len(TOKENS)].tolist() == buckets.tolist()


def test_a_vocabulary_of_words_too_short_for_n_grams_has_none() -> None:
    known = KnownSubwords.of(["<pad>", "<unk>", "a", "b"], SubwordSettings(min_n=4, max_n=6, bucket=10))
    assert known.rows.table_rows == 4
    assert known.bags_of(["ab", "filming"]).rows.tolist() == [UNK, UNK]


def test_words_are_the_means_of_their_rows_and_padding_is_zero(known: KnownSubwords) -> None:
    table = table_of(known)
    vectors = composed(known.bags, table)
    np.testing.assert_allclose(vectors[1:], known.rows.composed(table)[1:], atol=1e-6)
    assert not vectors[PAD].any()


def test_seen_and_unseen_words_have_fasttexts_vectors_with_zeros_for_untrained_n_grams(known: KnownSubwords) -> None:
    table = table_of(known)
    vectors = SubwordVectors(TOKENS[2:], known.whole_table(table), known.settings)
    assert isinstance(vectors, SubwordVectors)
    np.testing.assert_allclose(vectors.vectors, composed(known.bags, table)[2:], atol=1e-6)
    words = ["films", "refilm", "años", "日本語"]
    np.testing.assert_allclose(vectors[words], composed(known.bags_of(words), table), atol=1e-6)


def test_an_unseen_word_without_a_known_n_gram_is_the_unknown_word(known: KnownSubwords) -> None:
    bags = known.bags_of(UNSEEN)
    lone = [bags.rows[a:b].tolist() for a, b in zip(bags.offsets[:-1], bags.offsets[1:], strict=True)]
    assert [rows == [UNK] for rows in lone] == [False, False, True, True, False, True]
    assert bags.scale[[2, 3, 5]].tolist() == [1, 1, 1]
    assert len(known.bags_of([])) == 0


def test_further_words_stand_behind_the_vocabularys(known: KnownSubwords) -> None:
    table = table_of(known)
    further = known.bags_of(UNSEEN)
    both = known.bags.followed_by(further)
    expected = np.concatenate([composed(known.bags, table), composed(further, table)])
    np.testing.assert_array_equal(composed(both, table), expected)
    assert len(known.bags.followed_by(known.bags_of([]))) == len(TOKENS)


def test_given_vectors_go_to_the_rows_of_their_words_and_n_grams(known: KnownSubwords) -> None:
    other = ["film", "elsewhere", "año"]
    given = SubwordVectors(other, np.random.default_rng(1).normal(size=(503, 6)).astype(np.float32), SETTINGS)
    table = table_of(known)
    before = table.copy()
    assert given.fill(table, TOKENS, known) == 2
    vectors = SubwordVectors(TOKENS[2:], known.whole_table(table), known.settings)
    np.testing.assert_allclose(vectors[["film", "año"]], given[["film", "año"]], atol=1e-6)
    assert (table[TOKENS.index("filming")] == before[TOKENS.index("filming")]).all()
    assert (table[:2] == before[:2]).all()


def test_given_vectors_of_other_n_grams_are_refused(known: KnownSubwords) -> None:
    given = SubwordVectors(["film"], np.zeros((41, 6), dtype=np.float32), SubwordSettings(bucket=40))
    with pytest.raises(InputError, match="have n-grams of 3 to 6 in 40 buckets, the model n-grams of 3 to 5 in 500"):
        given.fill(table_of(known), TOKENS, known)
