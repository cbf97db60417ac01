"""Random choices of the kernels: which words stay, how wide a window is, which words are noise.

All are pure functions of a 64-bit state, so that a training call can be replayed.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mt2st.errors import InputError

# splitmix64 (Steele, Lea and Flood 2014): one addition and one mix per number, passes BigCrush, any seed is good.
_GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_30, _SHIFT_27, _SHIFT_31, _SHIFT_32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]
Numbers = NDArray[np.int64]
"""The arrays that kernels take most: vectors; words, or rows of a table; counts, or places in another array."""

KEEP_ALWAYS = 0xFFFFFFFF
"""The keep threshold of a word that subsampling never drops."""


@njit(nogil=True, cache=True)
def mixed(value: np.uint64) -> np.uint64:
    """Return a 64-bit integer scrambled so that neighbouring inputs give unrelated outputs."""
    value = (value ^ (value >> _SHIFT_30)) * _MIX_1
    value = (value ^ (value >> _SHIFT_27)) * _MIX_2
    return value ^ (value >> _SHIFT_31)


@njit(nogil=True, cache=True)
def next_random(state: NDArray[np.uint64]) -> np.uint64:
    """Advance ``state`` (uint64 [1]) and return 64 random bits."""
    state[0] += _GOLDEN_GAMMA
    return mixed(state[0])


@njit(nogil=True, cache=True)
def numbered_random(seed: np.uint64, number: int) -> np.uint64:
    """Return the ``number``-th 64 random bits, from 0, that `next_random` gives from a state."""
    return mixed(seed + np.uint64(number + 1) * _GOLDEN_GAMMA)


@njit(nogil=True, cache=True)
def below(bits: np.uint64, limit: int) -> np.int64:
    """Map the upper 32 of 64 random bits to an integer in ``[0, limit)``, ``limit`` under 2**32 (Lemire 2019)."""
    return np.int64(((bits >> _SHIFT_32) * np.uint64(limit)) >> _SHIFT_32)


@njit(nogil=True, cache=True)
def draw_noise(state: NDArray[np.uint64], accept: NDArray[np.uint32], alias: Ids, noise: Ids) -> None:
    """Fill ``noise`` (int32 [N]) with words drawn with replacement from an alias table."""
    for n in range(noise.size):
        bits = next_random(state)
        word = below(bits, accept.size)
        noise[n] = np.int32(word) if (bits & _LOW_HALF) < np.uint64(accept[word]) else alias[word]


def start_state(seed: int, stream: int) -> NDArray[np.uint64]:
    """Return the generator state of a stream: a pure function of ``(seed, stream)``, unrelated between streams."""
    words = np.random.SeedSequence([seed % 2**64, stream % 2**64]).generate_state(1, np.uint64)
    return np.ascontiguousarray(words, dtype=np.uint64)


def keep_thresholds(counts: Numbers, sample: float) -> NDArray[np.uint32]:
    """Return each word's chance to survive subsampling, times 2**32 - 1 (uint32 [V]); 0 for words of count 0.

    Mikolov et al. 2013 in the form of their C code and of gensim: with ``threshold = sample * total``, a word of count
    ``c`` is kept with probability ``min(1, (sqrt(c / threshold) + 1) * threshold / c)``. ``sample = 0`` keeps all.

    Example:
        >>> (keep_thresholds(np.array([0, 1, 100_000]), sample=1e-3) / KEEP_ALWAYS).round(3)
        array([0.   , 1.   , 0.033])
    """
    present = counts > 0
    kept = np.zeros(counts.size, dtype=np.float64)
    if sample == 0:
        kept[present] = 1.0
    else:
        threshold = sample * float(counts.sum())
        frequency = counts[present] / threshold
        kept[present] = np.minimum(1.0, (np.sqrt(frequency) + 1.0) / frequency)
    # A word that exists is never dropped for certain, however frequent.
    return np.where(present, np.maximum(np.rint(kept * KEEP_ALWAYS), 1.0), 0.0).astype(np.uint32)


def noise_table(counts: Numbers, exponent: float) -> tuple[NDArray[np.uint32], Ids]:
    """Return an alias table (Walker 1977, Vose 1991) for drawing words in proportion to ``counts ** exponent``.

    ``accept`` uint32 [V] is the acceptance times 2**32 - 1, ``alias`` int32 [V]. A draw picks a row uniformly and keeps
    it with the row's acceptance, else takes its alias: two memory accesses, where a cumulative table (gensim's) needs a
    binary search. Words of count 0 are never drawn.
    """
    present = counts > 0
    if not present.any():
        raise InputError("counts must have a word that occurs at least once; all are 0: the vocabulary is empty")
    mass = np.zeros(counts.size, dtype=np.float64)
    mass[present] = counts[present].astype(np.float64) ** exponent
    mass *= counts.size / mass.sum()
    heaviest = int(mass.argmax())
    accept, alias = _alias_rows(mass, heaviest)
    return np.where(mass > 0, np.rint(accept * KEEP_ALWAYS), 0.0).astype(np.uint32), alias


@njit(nogil=True, cache=True)
def _alias_rows(mass: NDArray[np.float64], heaviest: int) -> tuple[NDArray[np.float64], Ids]:
    """Vose's construction; ``mass`` float64 [V] sums to V."""
    size = mass.size
    accept = np.ones(size, np.float64)
    alias = np.full(size, heaviest, np.int32)
    small, large = np.empty(size, np.int64), np.empty(size, np.int64)
    n_small, n_large = 0, 0
    for word in range(size):
        if mass[word] < 1.0:
            small[n_small] = word
            n_small += 1
        else:
            large[n_large] = word
            n_large += 1
    remaining = mass.copy()
    while n_small > 0 and n_large > 0:
        n_small -= 1
        under, over = small[n_small], large[n_large - 1]
        accept[under] = remaining[under]
        alias[under] = over
        remaining[over] -= 1.0 - remaining[under]
        if remaining[over] < 1.0:
            n_large -= 1
            small[n_small] = over
            n_small += 1
    return accept, alias
