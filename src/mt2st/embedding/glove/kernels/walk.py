"""The walk over a corpus that leaves words out and adds every co-occurrence within the window to a table of sums."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mt2st.embedding.glove.kernels.table import add, pair_key
from mt2st.embedding.kernels.sampling import KEEP_ALWAYS, numbered_random

# Where the walk stands: the next word, its document, the words kept so far of that document, used slots of the table.
POSITION, DOCUMENT, KEPT, USED, INVALID = range(5)
WALK_SIZE = 5
_ALWAYS, _SHIFT_32 = np.uint64(KEEP_ALWAYS), np.uint64(32)


@njit(nogil=True, cache=True)
def count(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    keep: NDArray[np.uint32],
    seed: np.uint64,
    amounts: NDArray[np.int64],
    recent: NDArray[np.int32],
    walk: NDArray[np.int64],
    stop: int,
    keys: NDArray[np.uint64],
    sums: NDArray[np.int64],
    most_used: int,
) -> None:
    """Count on from where the walk stands, to the position ``stop`` or until the table may not take another word.

    A word that is left out takes no place: the words on its two sides are neighbours, as in the published GloVe
    program. Position and seed decide which are, so it does not matter where the counting stopped before. Every
    unordered pair of positions of one document adds once, to the pair (smaller id, larger id); a word with itself adds
    twice, for it stands on both sides.

    Args:
        ids: word ids of the corpus, int32 [*].
        offsets: bounds of the documents, int64 [m + 1].
        keep: each word's chance to count, of `keep_thresholds`, uint32 [V].
        seed: of these chances.
        amounts: what a pair adds at distance 1, 2, ... window, int64 [window].
        recent: the last words kept, a ring; int32 [R], R a power of two and at least ``window``.
        walk: int64 [WALK_SIZE]; ``walk[INVALID]`` is 1 after an id outside the vocabulary, at ``walk[POSITION]``.
        stop: the position before which to stop.
        keys: the table's keys, uint64 [S].
        sums: the table's sums, int64 [S].
        most_used: how many slots may be in use; the walk stops while ``window`` more would still fit.
    """
    mask = recent.size - 1
    position, document, kept, used = walk[POSITION], walk[DOCUMENT], walk[KEPT], walk[USED]
    while position < stop and used + amounts.size <= most_used:
        while position >= offsets[document + 1]:
            document += 1
            kept = 0
        word = ids[position]
        if word < 0 or word >= keep.size:
            walk[INVALID] = 1
            break
        threshold = np.uint64(keep[word])
        if threshold == _ALWAYS or (threshold > 0 and (numbered_random(seed, position) >> _SHIFT_32) < threshold):
            for back in range(min(kept, amounts.size)):
                other = recent[(kept - 1 - back) & mask]
                amount = amounts[back] * 2 if other == word else amounts[back]
                used += add(keys, sums, pair_key(min(word, other), max(word, other)), amount)
            recent[kept & mask] = word
            kept += 1
        position += 1
    walk[POSITION], walk[DOCUMENT], walk[KEPT], walk[USED] = position, document, kept, used
