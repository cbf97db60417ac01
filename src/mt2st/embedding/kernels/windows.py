"""The walk over a slice of a corpus: subsample, draw the dynamic windows, hand out centres a buffer at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mt2st.embedding.kernels.sampling import KEEP_ALWAYS, Ids, Numbers, below, next_random
from mt2st.errors import InputError

CAPACITY = 8192
"""Kept words in the buffer: small enough for the cache, large enough that carried words cost nothing."""

# The position of the walk. Words in the buffer before READY have all the right context they will get.
DOCUMENT, POSITION, FILLED, BEGIN, READY, DOCUMENT_START, RAW, INVALID = range(8)
WALKER_SIZE = 8

_SHIFT_32 = np.uint64(32)
_ALWAYS = np.uint64(KEEP_ALWAYS)


def checked_slice(ids: Ids, offsets: Numbers) -> tuple[Ids, Numbers]:
    """Return the slice as read-only plain arrays (one compiled form for all callers); raise `InputError` if bad."""
    if ids.ndim != 1 or ids.dtype != np.int32 or not ids.flags.c_contiguous:
        raise InputError(f"ids must be a contiguous int32 array [*]; found {ids.dtype} {list(ids.shape)}")
    if offsets.ndim != 1 or offsets.dtype != np.int64 or offsets.size < 1:
        raise InputError(f"offsets must be int64 [m + 1]; found {offsets.dtype} {list(offsets.shape)}")
    if (np.diff(offsets) < 0).any():
        raise InputError("offsets must not decrease")
    if offsets[0] < 0 or offsets[-1] > ids.size:
        raise InputError(f"offsets must lie in [0, {ids.size}]; found {offsets[0]} to {offsets[-1]}")
    ids, offsets = np.asarray(ids).view(), np.ascontiguousarray(offsets).view()
    ids.flags.writeable = offsets.flags.writeable = False
    return ids, offsets


class Walk(NamedTuple):
    """A walk over a slice of a corpus: the slice, where the walk is, and the buffer that it fills.

    Attributes:
        ids: word ids of the corpus, int32 [*].
        offsets: bounds of the documents in ``ids``, int64 [m + 1].
        keep: survival thresholds, uint32 [V].
        window: the widest reach.
        state: random state, uint64 [1].
        walker: the position of the walk, int64 [WALKER_SIZE].
        words: ids of the kept words, int32 [capacity].
        first: where each centre's context starts in the buffer, int32 [capacity].
        last: where it ends (exclusive), int32 [capacity]; the centre itself lies between and is no context.
        seen: words of the slice before each kept word, int64 [capacity].
    """

    ids: Ids
    offsets: Numbers
    keep: NDArray[np.uint32]
    window: int
    state: NDArray[np.uint64]
    walker: Numbers
    words: Ids
    first: Ids
    last: Ids
    seen: Numbers

    @classmethod
    def begun(
        cls,
        ids: Ids,
        offsets: Numbers,
        keep: NDArray[np.uint32],
        window: int,
        state: NDArray[np.uint64],
    ) -> Walk:
        """Return a walk at the start of a slice, its buffer empty."""
        capacity = max(CAPACITY, 4 * window)
        words, first, last = (np.empty(capacity, dtype=np.int32) for _ in range(3))
        walker = np.zeros(WALKER_SIZE, dtype=np.int64)
        walker[POSITION] = offsets[0]
        return cls(ids, offsets, keep, window, state, walker, words, first, last, np.empty(capacity, dtype=np.int64))


@njit(nogil=True, cache=True)
def refill(walk: Walk) -> bool:
    """Load the next kept words; return whether there are centres to train, ``walker[BEGIN]`` to ``walker[READY]``.

    Words of count 0 and downsampled words are removed before the windows are drawn, as in word2vec: a window reaches
    over them. Each centre draws its reach uniformly from 1 to ``window``; contexts never leave the document. A document
    may be longer than the buffer: at the buffer's end, the words still needed move to its front. ``walker[INVALID]`` is
    1 after an id outside the vocabulary, at ``walker[POSITION]`` in document ``walker[DOCUMENT]``.
    """
    ids, offsets, keep, window, state, walker, words, first, last, seen = walk
    capacity = words.size
    # Move what the unfinished document still needs to the front: the unready centres and their left context.
    begin, filled = walker[READY], walker[FILLED]
    carried = max(walker[DOCUMENT_START], begin - window)
    for i in range(carried, filled):
        to = i - carried
        words[to], seen[to] = words[i], seen[i]
        first[to], last[to] = first[i] - carried, last[i] - carried
    begin -= carried
    filled -= carried
    document_start = 0
    document, position, raw = walker[DOCUMENT], walker[POSITION], walker[RAW]
    ready = begin

    while document < offsets.size - 1 and filled < capacity:
        end = offsets[document + 1]
        while position < end and filled < capacity:
            word = ids[position]
            if word < 0 or word >= keep.size:
                walker[INVALID], walker[POSITION], walker[DOCUMENT] = 1, position, document
                return False
            threshold = np.uint64(keep[word])
            if threshold == _ALWAYS or (threshold > 0 and (next_random(state) >> _SHIFT_32) < threshold):
                reach = 1 + below(next_random(state), window)
                words[filled], seen[filled] = word, raw
                first[filled] = max(document_start, filled - reach)
                last[filled] = filled + reach + 1
                filled += 1
            position += 1
            raw += 1
        if position == end:
            for i in range(max(document_start, filled - window), filled):
                last[i] = min(last[i], filled)
            document += 1
            document_start = filled
            ready = filled
        else:  # the buffer is full in mid-document: the last words still wait for their right context
            ready = max(ready, filled - window)

    walker[DOCUMENT], walker[POSITION], walker[RAW] = document, position, raw
    walker[FILLED], walker[BEGIN], walker[READY], walker[DOCUMENT_START] = filled, begin, ready, document_start
    return bool(ready > begin)


@njit(nogil=True, cache=True)
def span_of(first: Ids, last: Ids, start: int, stop: int) -> tuple[int, int]:
    """Return where in the buffer the contexts of the centres ``start`` to ``stop`` begin and end."""
    low, high = first[start], last[start]
    for i in range(start, stop):
        low, high = min(low, first[i]), max(high, last[i])
    return low, high


class Plan(NamedTuple):
    """What all blocks of a call share.

    Attributes:
        alpha_first: learning rate at the slice's first word, the weight of the update included.
        alpha_last: learning rate after its last word; linear in between.
        n_words: words of the slice, at least 1.
        block: centres updated together.
        n_noise: noise words of each centre.
        noise_step: noise words between the start of a centre's run and that of the centre before it.
        noise_weight: factor on each noise word's loss.
        accept: acceptances of the noise table, uint32 [V].
        alias: its aliases, int32 [V].
    """

    alpha_first: float
    alpha_last: float
    n_words: int
    block: int
    n_noise: int
    noise_step: int
    noise_weight: np.float32
    accept: NDArray[np.uint32]
    alias: Ids


@njit(nogil=True, cache=True)
def rate_at(alpha_first: float, alpha_last: float, seen: int, n_words: int) -> np.float32:
    """Return the learning rate after ``seen`` of ``n_words`` words."""
    return np.float32(alpha_first + (alpha_last - alpha_first) * (seen / n_words))
