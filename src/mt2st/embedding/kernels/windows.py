"""The walk over a slice of a corpus: subsample, draw the dynamic windows, hand out centres a buffer at a time.

Training and its replay (`sample_pairs`) both walk with these functions, so they see the same windows by construction.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mt2st.embedding.kernels.sampling import KEEP_ALWAYS, below, next_random

CAPACITY = 8192
"""Kept words in the buffer: small enough for the cache, large enough that carried words cost nothing."""

# The walker: where the walk stands. Words in the buffer before READY have all the right context they will get.
DOCUMENT, POSITION, FILLED, BEGIN, READY, DOCUMENT_START, RAW, INVALID = range(8)
WALKER_SIZE = 8

_SHIFT_32 = np.uint64(32)
_ALWAYS = np.uint64(KEEP_ALWAYS)


@njit(nogil=True, cache=True)
def refill(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    keep: NDArray[np.uint32],
    window: int,
    state: NDArray[np.uint64],
    walker: NDArray[np.int64],
    words: NDArray[np.int32],
    first: NDArray[np.int32],
    last: NDArray[np.int32],
    seen: NDArray[np.int64],
) -> bool:
    """Load the next kept words; the centres to train are then ``walker[BEGIN]`` to ``walker[READY]``.

    Words of the corpus that are absent (count 0) or thinned out leave before the windows are drawn, as in word2vec:
    a window reaches over them. Each centre draws its reach uniformly from 1 to ``window``; contexts never leave the
    document. A document of any length is walked whole: at the buffer's end, the words still needed move to its front.

    Args:
        ids: word ids of the corpus, int32 [*].
        offsets: bounds of the documents in ``ids``, int64 [m + 1].
        keep: survival thresholds, uint32 [V].
        window: the widest reach.
        state: random state, uint64 [1].
        walker: int64 [WALKER_SIZE], zeros at the start but for ``POSITION``, which is ``offsets[0]``.
        words: the kept words' ids, int32 [capacity].
        first: where each centre's context starts in the buffer, int32 [capacity].
        last: where it ends (exclusive), int32 [capacity]; the centre itself lies between and is no context.
        seen: raw words of the slice before each kept word, int64 [capacity].

    Returns:
        Whether there is a centre to train. ``walker[INVALID]`` is 1 after an id outside the vocabulary, with
        ``walker[POSITION]`` and ``walker[DOCUMENT]`` its place.
    """
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
