"""Subsampling, noise and random streams against their formulas and gensim."""

from __future__ import annotations

import numpy as np
import pytest

from mt2st.embedding.kernels.sampling import (
    KEEP_ALWAYS,
    draw_noise,
    keep_thresholds,
    next_random,
    noise_table,
    numbered_random,
    start_state,
)
from mt2st.errors import InputError

COUNTS = np.array([0, 0, 5000, 1200, 300, 40, 7, 7, 1])


@pytest.mark.parametrize("sample", [1e-2, 1e-3, 1e-5])
def test_survival_chances_are_those_of_gensim(sample: float) -> None:
    gensim_models = pytest.importorskip("gensim.models")
    model = gensim_models.Word2Vec(sample=sample, min_count=1, vector_size=1)
    model.build_vocab_from_freq({f"w{i}": int(n) for i, n in enumerate(COUNTS) if n})
    theirs = [model.wv.get_vecattr(f"w{i}", "sample_int") for i, n in enumerate(COUNTS) if n]
    ours = keep_thresholds(COUNTS, sample)
    np.testing.assert_allclose(ours[COUNTS > 0], np.array(theirs, dtype=float), rtol=1e-6, atol=2)
    assert (ours[COUNTS == 0] == 0).all()


def test_without_subsampling_every_word_that_occurs_is_kept() -> None:
    assert keep_thresholds(COUNTS, 0).tolist() == [0, 0] + [KEEP_ALWAYS] * 7


def test_no_word_is_so_frequent_that_it_is_always_dropped() -> None:
    assert keep_thresholds(np.array([0, 10**12]), 1e-9)[1] >= 1


@pytest.mark.parametrize("exponent", [0.75, 1.0, 0.0, -0.5])
def test_noise_follows_the_counts_raised_to_the_exponent(exponent: float) -> None:
    accept, alias = noise_table(COUNTS, exponent)
    noise = np.empty(400_000, dtype=np.int64)
    draw_noise(start_state(1, 0), accept, alias, noise)
    found = np.bincount(noise, minlength=COUNTS.size) / noise.size
    mass = np.where(COUNTS > 0, np.maximum(COUNTS, 1.0) ** exponent, 0.0)
    expected = mass / mass.sum()
    assert (np.abs(found - expected) <= 5 * np.sqrt(expected / noise.size)).all()  # five standard errors


def test_the_noise_table_holds_exactly_the_wanted_distribution() -> None:
    counts = np.random.default_rng(0).zipf(1.2, 5000).clip(max=10**9)
    counts[::7] = 0
    accept, alias = noise_table(counts, 0.75)
    chance = accept / KEEP_ALWAYS
    found = (chance + np.bincount(alias, weights=1 - chance, minlength=counts.size)) / counts.size
    expected = np.where(counts > 0, counts, 0).astype(float) ** 0.75
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-5, atol=1e-12)


def test_a_vocabulary_without_counts_is_refused() -> None:
    with pytest.raises(InputError, match="all are 0"):
        noise_table(np.zeros(3, dtype=np.int64), 0.75)


def test_a_random_number_can_be_had_by_its_place() -> None:
    state = start_state(3, 7)
    seed = state[0]
    assert [next_random(state) for _ in range(50)] == [numbered_random(seed, number) for number in range(50)]


def test_streams_and_seeds_start_apart_and_repeat() -> None:
    states = {int(start_state(seed, stream)[0]) for seed in range(-3, 30) for stream in range(-3, 30)}
    assert len(states) == 33 * 33
    assert start_state(5, 7) == start_state(5, 7)
