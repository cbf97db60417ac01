"""N-grams, their hash and their rows are fastText's: checked against gensim's port of it."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt2st.embedding.subwords import SubwordRows, SubwordSettings, ngram_buckets
from mt2st.errors import InputError

WORDS = ["film", "", "a", "año", "日本語の映画", "😀x", "aaaaaaaa", "é", "n'est", "Ⅻ", "e\u0301a"]
SETTINGS = [SubwordSettings(), SubwordSettings(1, 3, 777), SubwordSettings(5, 6, 100), SubwordSettings(1, 1, 50)]


def ngrams(word: str, min_n: int, max_n: int) -> list[str]:
    """Return a word's n-grams of ``min_n`` to ``max_n`` characters, with ``<`` before and ``>`` after the word.

    They come by where they start, then by length; a boundary alone is none, and ``</s>``, which in fastText is the end
    of a sentence, has none.
    """
    if word == "</s>":
        return []
    bounded = f"<{word}>"
    return [
        bounded[start : start + n]
        for start in range(len(bounded))
        for n in range(min_n, min(max_n, len(bounded) - start) + 1)
        if not (n == 1 and start in (0, len(bounded) - 1))
    ]


def ngram_hash(ngram: bytes) -> int:
    """Return the 32-bit FNV-1a hash of an n-gram's UTF-8 bytes as fastText computes it.

    Each byte is taken as a **signed** char and widened, so that those of 128 and above (all letters beyond ASCII) flip
    the upper 24 bits too: not FNV-1a as published, but what every fastText model was trained with.
    """
    value = 2166136261
    for byte in ngram:
        value = ((value ^ (byte if byte < 128 else byte | 0xFFFF_FF00)) * 16777619) & 0xFFFF_FFFF
    return value


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(word=words, min_n=st.integers(1, 5), more=st.integers(0, 4))
def test_ngrams_and_hashes_are_those_of_gensim(word: str, min_n: int, more: int) -> None:
    fasttext = pytest.importorskip("gensim.models.fasttext")
    found = [ngram.encode() for ngram in ngrams(word, min_n, min_n + more)]
    assert found == fasttext.compute_ngrams_bytes(word, min_n, min_n + more)
    assert [ngram_hash(ngram) for ngram in found] == [fasttext.ft_hash_bytes(ngram) for ngram in found]


@pytest.mark.parametrize("settings", SETTINGS)
def test_rows_of_a_vocabulary_are_those_of_gensim(settings: SubwordSettings) -> None:
    fasttext = pytest.importorskip("gensim.models.fasttext")
    rows = SubwordRows.of(WORDS, settings)
    for index, word in enumerate(WORDS):
        hashes = fasttext.ft_ngram_hashes(word, settings.min_n, settings.max_n, settings.bucket)
        assert rows.of_word(index).tolist() == [index, *(len(WORDS) + bucket for bucket in hashes)]
        assert ngram_buckets([word], settings)[0].tolist() == hashes


@given(vocabulary=st.lists(words, max_size=8), settings=st.sampled_from(SETTINGS))
def test_words_hashed_together_have_the_rows_they_have_alone(vocabulary: list[str], settings: SubwordSettings) -> None:
    rows = SubwordRows.of(vocabulary, settings)
    for index, word in enumerate(vocabulary):
        alone = [ngram_hash(n.encode()) % settings.bucket for n in ngrams(word, settings.min_n, settings.max_n)]
        assert rows.of_word(index).tolist() == [index, *(len(vocabulary) + bucket for bucket in alone)]
    assert (rows.n_words, rows.table_rows) == (len(vocabulary), len(vocabulary) + settings.bucket)


def test_many_words_are_hashed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = SubwordRows.of(WORDS, SETTINGS[0])
    monkeypatch.setattr("mt2st.embedding.subwords.WORDS_AT_ONCE", 3)
    parts = SubwordRows.of(WORDS, SETTINGS[0])
    np.testing.assert_array_equal(parts.rows, whole.rows)
    np.testing.assert_array_equal(parts.offsets, whole.offsets)


def test_long_ngrams_of_one_long_word_take_no_memory_for_the_short_ones() -> None:
    words = [f"w{i}" for i in range(5_000)] + ["x" * 2_000]
    settings = SubwordSettings(min_n=900, max_n=1024, bucket=1000)
    tracemalloc.start()
    rows = SubwordRows.of(words, settings)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    ngrams_of_last = sum(2_002 - n + 1 for n in range(900, 1025))
    assert rows.rows.size == len(words) + ngrams_of_last
    assert peak < 100 * rows.rows.size


def test_a_lone_surrogate_is_no_crash() -> None:
    assert ngram_buckets(["\ud800bc"], SubwordSettings())[0].size


def test_composed_vectors_are_means_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mt2st.embedding.subwords._VALUES_AT_ONCE", 60)
    rows = SubwordRows.of(WORDS, SETTINGS[1])
    table = np.random.default_rng(0).normal(size=(rows.table_rows, 7)).astype(np.float32)
    expected = [table[rows.of_word(word)].mean(axis=0) for word in range(len(WORDS))]
    np.testing.assert_allclose(rows.composed(table), expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(rows.composed(table, slice(2, 9)), expected[2:9], rtol=0, atol=1e-6)
    assert rows.composed(table, slice(3, 3)).shape == (0, 7)


def test_a_monstrous_word_is_composed_without_copies_of_its_rows() -> None:
    words = ["film", "ab" * 20_000, "a"]
    rows = SubwordRows.of(words, SubwordSettings(bucket=3))
    table = np.random.default_rng(0).normal(size=(6, 1_000)).astype(np.float32)
    tracemalloc.start()
    vectors = rows.composed(table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000 < rows.rows.size * 4_000
    counts = np.bincount(rows.of_word(1), minlength=6)
    np.testing.assert_allclose(vectors[1], counts @ table.astype(np.float64) / counts.sum(), rtol=0, atol=1e-5)
    np.testing.assert_allclose(vectors[2], table[rows.of_word(2)].mean(axis=0), rtol=0, atol=1e-6)


def test_the_end_of_a_sentence_has_no_ngrams_as_in_fasttext() -> None:
    rows = SubwordRows.of(["a", "</s>", "b"], SubwordSettings())
    assert (rows.of_word(1).tolist(), ngrams("</s>", 3, 6), ngram_buckets(["</s>"], SubwordSettings())[0].size) == (
        [1],
        [],
        0,
    )
    assert rows.of_word(2).size > 1


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"min_n": 0}, "min_n should be greater than or equal to 1, found 0"),
        ({"max_n": 2}, "max_n should be at least min_n = 3, found 2"),
        ({"max_n": 100_000_000}, "max_n should be less than or equal to 1024, found 100000000"),
        ({"min_n": 2000, "max_n": 3000}, "min_n should be less than or equal to 1024, found 2000"),
        ({"bucket": 0}, "bucket should be greater than or equal to 1, found 0"),
        ({"bucket": 1.5}, "bucket should be a valid integer, found 1.5"),
        ({"min_n": True}, "min_n should be a valid integer, found True"),
        ({"bucket": 2**31}, "bucket should be less than 2147483648, found"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(setting: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SubwordSettings(**setting)


def test_a_table_too_large_for_its_row_numbers_is_refused() -> None:
    with pytest.raises(InputError, match="fewer than 2"):
        SubwordRows.of(["a", "b"], SubwordSettings(bucket=2**31 - 1))
