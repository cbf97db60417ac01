"""Compiled code that scores texts: means of word vectors, and TF-IDF of n-grams times weights.

An n-gram is a number: of characters, their bytes if they are seven at most, else a hash of 63 bits; of two words, their
ids. A table of open addressing has its row among the weights, `NO_ROW` if it has none.

Arguments of several functions: ``ids`` are the tokens of all texts, and ``ends`` ``[n_texts + 1]`` where each text ends
in them, after a 0. A table is ``keys`` and ``rows``, ``[n_slots]``, a power of two. An n-gram of row ``i`` counts
``idf[i]`` times the ``weights`` ``[n_terms, n_classes]`` of its row. ``into``, zeros, gets the margins
``[n_texts, n_classes]``, and ``norms`` ``[n_texts]`` the lengths of the vectors of n-grams, 0 without any.
"""

from __future__ import annotations

import math

import numpy as np

from mt2st._native import F32, F64, I32, I64, U8, U64, helper, native

NO_ROW = -1
"""Of an n-gram without weights that longer ones begin with."""
PAD = 0
"""The id that no text is made of."""
_PACKED = 7
_FACTOR, _MIX, _HASHED = np.uint64(0x100000001B3), np.uint64(0x9E3779B97F4A7C15), np.uint64(1 << 63)
_ZERO, _COUNT, _HALF = np.uint64(0), np.uint64(1 << 56), np.uint64(32)
_SPACE = 32


@native
def mean_rows(table: F64, size: int, ids: I32, ends: I64, n_texts: int, into: F64) -> int:
    """Write the mean of the rows of each text's tokens; `PAD` is no token, unless a text has no other. Return 0.

    The rows are those of a ``table`` ``[*, size]``; ``into`` is ``[n_texts, size]`` zeros.
    """
    for text in range(n_texts):
        total = 0
        for at in range(ends[text], ends[text + 1]):
            if ids[at] != PAD:
                total += 1
                row = size * np.int64(ids[at])
                for k in range(size):
                    into[size * text + k] += table[row + k]
        for k in range(size):
            if total:
                into[size * text + k] /= total
            else:
                into[size * text + k] = table[size * PAD + k]
    return 0


@helper
def _lengthened(key: np.uint64, n_bytes: int, byte: int) -> np.uint64:
    """Return the number of an n-gram of characters with one byte more; ``n_bytes`` are before it."""
    if n_bytes < _PACKED:
        return (key | np.uint64(byte) << np.uint64(8 * n_bytes)) + _COUNT
    return (key ^ np.uint64(byte)) * _FACTOR | _HASHED


@helper
def _slot(key: np.uint64, keys: U64, n_slots: int) -> int:
    """Return the slot of an n-gram, or the free one for it."""
    mixed = key * _MIX
    at = np.int64((mixed ^ mixed >> _HALF) & np.uint64(n_slots - 1))
    while keys[at] != _ZERO and keys[at] != key:
        at = (at + 1) & (n_slots - 1)
    return at


@helper
def _size(first: int) -> int:
    """Return the bytes of the character of UTF-8 that begins with this one."""
    return 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4


@native
def add_characters(text: U8, ends: I64, n_terms: int, least: int, keys: U64, rows: I32, n_slots: int) -> int:
    """Write n-grams of characters to a table, and what they begin with from ``least`` characters on. Return 0.

    N-gram ``i`` is ``text[ends[i] : ends[i + 1] - 1]``, a separator behind it.
    """
    for term in range(n_terms):
        start, stop = ends[term], ends[term + 1] - 1
        key, at, n_characters = _ZERO, start, 0
        while at < stop:
            after = at + _size(np.int64(text[at]))
            while at < after:
                key = _lengthened(key, at - start, np.int64(text[at]))
                at += 1
            n_characters += 1
            if n_characters >= least or at == stop:
                slot = _slot(key, keys, n_slots)
                if keys[slot] == _ZERO:
                    keys[slot] = key
                    rows[slot] = NO_ROW
                if at == stop:
                    rows[slot] = term
    return 0


@native
def add_pairs(pairs: U64, of_pairs: I32, n_pairs: int, keys: U64, rows: I32, n_slots: int) -> int:
    """Write pairs of words and their rows to a table. Return 0."""
    for each in range(n_pairs):
        slot = _slot(pairs[each], keys, n_slots)
        keys[slot] = pairs[each]
        rows[slot] = of_pairs[each]
    return 0


@helper
def _count(row: int, counts: I32, touched: I32, n_touched: int) -> int:
    """Count an n-gram of a text; return how many different ones it has by now."""
    if counts[row] == 0:
        touched[n_touched] = row
        n_touched += 1
    counts[row] += 1
    return n_touched


@helper
def _value(count: int) -> float:
    """Return what an n-gram counts that comes so often."""
    return 1.0 if count == 1 else 1.0 + math.log(float(count))


@helper
def _score(
    text: int,
    n_touched: int,
    counts: I32,
    touched: I32,
    idf: F32,
    weights: F32,
    n_classes: int,
    into: F64,
    norms: F64,
) -> None:
    """Write the margins of a text with these counts, which are 0 again after it."""
    norm = 0.0
    for each in range(n_touched):
        row = np.int64(touched[each])
        value = _value(counts[row]) * idf[row]
        counts[row] = 0
        norm += value * value
        for k in range(n_classes):
            into[n_classes * text + k] += value * weights[n_classes * row + k]
    norms[text] = math.sqrt(norm)
    if n_touched:
        for k in range(n_classes):
            into[n_classes * text + k] /= norms[text]


@native
def score_words(
    ids: I32,
    ends: I64,
    n_texts: int,
    words: I32,
    keys: U64,
    rows: I32,
    n_slots: int,
    idf: F32,
    weights: F32,
    n_classes: int,
    counts: I32,
    touched: I32,
    into: F64,
    norms: F64,
) -> int:
    """Score texts by their words and pairs of words. Return 0.

    An id is -1 for a word that no n-gram has. ``words`` has the row of each, `NO_ROW` if it has weights in pairs only;
    the table is of pairs. ``counts`` are ``[n_terms]`` zeros, and zeros afterwards; ``touched`` is overwritten.
    """
    for text in range(n_texts):
        n_touched, before = 0, -1
        for at in range(ends[text], ends[text + 1]):
            word = np.int64(ids[at])
            if word >= 0 and words[word] != NO_ROW:
                n_touched = _count(words[word], counts, touched, n_touched)
            if word >= 0 and before >= 0:
                key = np.uint64(before + 1) << _HALF | np.uint64(word + 1)
                slot = _slot(key, keys, n_slots)
                if keys[slot] == key:
                    n_touched = _count(rows[slot], counts, touched, n_touched)
            before = word
        _score(text, n_touched, counts, touched, idf, weights, n_classes, into, norms)
    return 0


@native
def spell(
    letters: U8,
    starts: I64,
    first: int,
    n_words: int,
    least: int,
    most: int,
    keys: U64,
    rows: I32,
    n_slots: int,
    idf: F32,
    weights: F32,
    n_classes: int,
    ends: I64,
    parts: I32,
    sums: F64,
    squares: F64,
) -> int:
    """Find the n-grams of words, each with a space at both sides, and their sums. Return how many there are in all.

    Word ``i`` is ``letters[starts[i] : starts[i + 1] - 1]``, UTF-8. From the ``first`` on, those before ``n_words`` are
    read; n-grams have from ``least`` to ``most`` characters.

    Written are, of each word: ``parts``, the rows of its n-grams, ``ends``, where they end (``ends[first]`` is given),
    ``sums`` ``[n_words, n_classes]`` of idf times weights, and ``squares`` ``[n_words]``, sums of squared idf.
    """
    n = ends[first]
    for word in range(first, n_words):
        for k in range(n_classes):
            sums[n_classes * word + k] = 0.0
        squares[word] = 0.0
        begin, end = starts[word], starts[word + 1] - 1
        start = begin - 1  # the space before the word
        while start < end:
            key, n_bytes, n_characters, place = _ZERO, 0, 0, start
            while n_characters < most and place <= end:
                if place < begin or place == end:
                    after = place + 1
                    key = _lengthened(key, n_bytes, _SPACE)
                    n_bytes += 1
                else:
                    after = place + _size(np.int64(letters[place]))
                    for at in range(place, after):
                        key = _lengthened(key, n_bytes, np.int64(letters[at]))
                        n_bytes += 1
                place = after
                n_characters += 1
                if n_characters >= least:
                    slot = _slot(key, keys, n_slots)
                    if keys[slot] != key:
                        break  # no longer one begins with it
                    row = np.int64(rows[slot])
                    if row != NO_ROW:
                        parts[n] = row
                        n += 1
                        value = np.float64(idf[row])
                        squares[word] += value * value
                        for k in range(n_classes):
                            sums[n_classes * word + k] += value * weights[n_classes * row + k]
            start += 1 if start < begin else _size(np.int64(letters[start]))
        ends[word + 1] = n
    return n


@native
def score_spelled(
    ids: I32,
    ends: I64,
    n_texts: int,
    word_ends: I64,
    parts: I32,
    sums: F64,
    squares: F64,
    idf: F32,
    weights: F32,
    n_classes: int,
    seen: I64,
    repeated: I32,
    into: F64,
    norms: F64,
) -> int:
    """Score texts by the n-grams of their words. Return 0.

    The sums of the words are added, in which an n-gram that comes twice counts twice. For those alone, what it counts
    by the logarithm of its count is put in its place.

    ``word_ends`` are the ``ends`` of `spell`. ``seen`` are ``[n_terms]`` zeros and ``repeated`` is one longer; both are
    overwritten.
    """
    before = 0  # n-grams of earlier texts: no n-gram has been seen more often, so what is above comes from this text
    for text in range(n_texts):
        norm, n_repeated, n = 0.0, 0, 0
        for at in range(ends[text], ends[text + 1]):
            word = np.int64(ids[at])
            norm += squares[word]
            for k in range(n_classes):
                into[n_classes * text + k] += sums[n_classes * word + k]
            for part in range(word_ends[word], word_ends[word + 1]):
                row = np.int64(parts[part])
                count = max(seen[row], before) + 1
                seen[row] = count
                repeated[n_repeated] = row  # without a branch, which would often be foreseen wrongly
                n_repeated += 1 if count == before + 2 else 0
            n += word_ends[word + 1] - word_ends[word]
        for each in range(n_repeated):
            row = np.int64(repeated[each])
            count, weight = seen[row] - before, np.float64(idf[row])
            value = _value(count)
            norm += (value * value - count) * weight * weight
            for k in range(n_classes):
                into[n_classes * text + k] += (value - count) * weight * weights[n_classes * row + k]
        before += n
        norms[text] = math.sqrt(norm)
        if norm > 0.0:
            for k in range(n_classes):
                into[n_classes * text + k] /= norms[text]
    return 0
