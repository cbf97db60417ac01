"""Compiled code that cuts text into tokens and finds their ids in a table.

It gives the tokens that the expressions of `mt2st.text.tokeniser` match. The table is one of open addressing: a slot is
0 or holds a token's id + 1 in its lower half, and the upper half of the hash of its bytes. Token ``i`` is
``letters[starts[i] : starts[i + 1] - 1]``.
"""

from __future__ import annotations

import numpy as np

from mt2st._native import I32, I64, U8, U64, helper, native

LETTER, DIGIT, MARK, SEPARATOR = 1, 2, 4, 8
"""Kinds of characters, as flags: letters and digits of any script; 0 to 9; combining marks and joiners; what stands
between tokens. Others are signs."""
HIGH, LAST_HIGH = 0x300, 0xE01EF
"""The characters among which all marks are."""
_APOSTROPHE, _COMMA, _POINT = 39, 44, 46
_HASH_START, _HASH_FACTOR, _MIX = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3), np.uint64(0x9E3779B97F4A7C15)
_UPPER, _LOWER = np.uint64(0xFFFFFFFF00000000), np.uint64(0x00000000FFFFFFFF)
_ONE, _HALF, _SHIFT = np.uint64(1), np.uint64(32), np.uint64(20)


@helper
def _size(first: int) -> int:
    """Return the bytes of the character of UTF-8 that begins with this one."""
    return 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4


@helper
def _code(text: U8, at: int, size: int) -> int:
    """Return the code point at a place."""
    first = np.int64(text[at])
    if size == 1:
        return first
    second = np.int64(text[at + 1]) & 0x3F
    if size == 2:
        return (first & 0x1F) << 6 | second
    third = np.int64(text[at + 2]) & 0x3F
    if size == 3:
        return (first & 0x0F) << 12 | second << 6 | third
    return (first & 0x07) << 18 | second << 12 | third << 6 | np.int64(text[at + 3]) & 0x3F


@helper
def _hashed(text: U8, start: int, stop: int) -> np.uint64:
    found = _HASH_START
    for at in range(start, stop):
        found = (found ^ np.uint64(text[at])) * _HASH_FACTOR
    return _mixed(found)


@helper
def _mixed(found: np.uint64) -> np.uint64:
    return (found ^ found >> _HALF) * _MIX


@helper
def _place(
    text: U8, start: int, stop: int, mixed: np.uint64, slots: U64, n_slots: int, letters: U8, starts: I64, n_known: int
) -> int:
    """Return the slot of a token, or the free one for it. One beyond the known ones counts as free."""
    mask = np.uint64(n_slots - 1)
    at = mixed >> _SHIFT & mask
    while True:
        slot = slots[at]
        number = np.int64(slot & _LOWER) - 1
        if number < 0 or number >= n_known:
            return np.int64(at)
        if slot & _UPPER == mixed & _UPPER and starts[number + 1] - starts[number] == stop - start + 1:
            same = starts[number] - start
            k = start
            while k < stop and letters[same + k] == text[k]:
                k += 1
            if k == stop:
                return np.int64(at)
        at = at + _ONE & mask


@helper
def _word(text: U8, at: int, n_text: int, flags: U8, longest_run: int) -> tuple[int, np.uint64]:
    """Return the end of the word that begins at a place, and its hash."""
    found, room, flag = _HASH_START, longest_run, 0
    while True:
        size, code, kind = 1, 0, SEPARATOR
        while at < n_text:
            size, code = 1, np.int64(text[at])
            if code >= 0x80:
                size = _size(code)
                code = _code(text, at, size)
            kind = flags[code]
            if not kind & LETTER or not room:
                break
            for k in range(at, at + size):
                found = (found ^ np.uint64(text[k])) * _HASH_FACTOR
            flag = kind
            at += size
            room -= 1
        if at >= n_text or not (HIGH <= code <= LAST_HIGH or code in (_APOSTROPHE, _COMMA, _POINT)):
            return at, _mixed(found)
        if not kind & MARK:
            after = 0
            if at + size < n_text:
                after = flags[_code(text, at + size, _size(np.int64(text[at + size])))]
            if not (code == _APOSTROPHE and after & LETTER) and not (flag & DIGIT and after & DIGIT):
                return at, _mixed(found)
        for k in range(at, at + size):
            found = (found ^ np.uint64(text[k])) * _HASH_FACTOR
        flag = kind
        at += size
        room = longest_run


@helper
def _end_of_sign(text: U8, at: int, n_text: int, flags: U8) -> int:
    """Return the end of the sign that ends at a place, with the marks that follow it."""
    while at < n_text and text[at] >= 0x80:
        size = _size(np.int64(text[at]))
        if not flags[_code(text, at, size)] & MARK:
            return at
        at += size
    return at


@helper
def _end_of_chunk(text: U8, at: int, n_text: int, flags: U8, longest: int) -> int:
    """Return the end of the characters between two separators."""
    room = longest - 1
    while at < n_text and room:
        size = _size(np.int64(text[at]))
        if flags[_code(text, at, size)] & SEPARATOR:
            break
        at += size
        room -= 1
    return at


@native
def scan(
    text: U8,
    n_text: int,
    flags: U8,
    longest_run: int,
    longest_chunk: int,
    slots: U64,
    n_slots: int,
    letters: U8,
    starts: I64,
    n_known: int,
    ids: I32,
    lengths: I64,
    otherwise: int,
    unknown: I64,
) -> int:
    """Cut documents, each of which ends with a NUL byte, into tokens, and find their ids.

    Args:
        text: ``[n_text]`` UTF-8.
        n_text: number of bytes.
        flags: ``[0x110000]`` kinds of the characters.
        longest_run: most letters of a word in a row.
        longest_chunk: 0 cuts into words and signs; else at separators, and after so many characters.
        slots: ``[n_slots]`` of the table, a power of two.
        n_slots: number of slots.
        letters: bytes of the table's tokens.
        starts: where each of them begins.
        n_known: tokens that are looked for; those from this id on may be written meanwhile.
        ids: written: the id of each token.
        lengths: written: number of tokens of each document.
        otherwise: the id of unknown tokens.
        unknown: written: for each unknown token its place among the ids, and its start and end in the text.

    Returns:
        The number of unknown tokens.
    """
    n = first = document = n_unknown = at = 0
    while at < n_text:
        start = at
        code = np.int64(text[at])
        size = _size(code)
        if code >= 0x80:
            code = _code(text, at, size)
        at += size
        kind = flags[code]
        if kind & SEPARATOR:
            if code == 0:
                lengths[document] = n - first
                document += 1
                first = n
            continue
        if kind & LETTER and not longest_chunk:
            at, mixed = _word(text, start, n_text, flags, longest_run)
        else:
            if longest_chunk:
                at = _end_of_chunk(text, at, n_text, flags, longest_chunk)
            else:
                at = _end_of_sign(text, at, n_text, flags)
            mixed = _hashed(text, start, at)
        slot = slots[_place(text, start, at, mixed, slots, n_slots, letters, starts, n_known)]
        number = np.int64(slot & _LOWER) - 1
        if number < 0 or number >= n_known:
            number = otherwise
            unknown[3 * n_unknown] = n
            unknown[3 * n_unknown + 1] = start
            unknown[3 * n_unknown + 2] = at
            n_unknown += 1
        ids[n] = number
        n += 1
    return n_unknown


@native
def number_unknown(
    text: U8,
    unknown: I64,
    n_unknown: int,
    ids: I32,
    slots: U64,
    n_slots: int,
    letters: U8,
    starts: I64,
    n_known: int,
) -> int:
    """Give each unknown token that `scan` found its id, a new one at its first appearance.

    The arguments are those of `scan`; the table must have room for all of them.

    Returns:
        The number of known tokens.
    """
    for each in range(n_unknown):
        start, stop = unknown[3 * each + 1], unknown[3 * each + 2]
        mixed = _hashed(text, start, stop)
        place = _place(text, start, stop, mixed, slots, n_slots, letters, starts, n_known)
        number = np.int64(slots[place] & _LOWER) - 1
        if number < 0:
            number = n_known
            begin = starts[number]
            for k in range(stop - start):
                letters[begin + k] = text[start + k]
            letters[begin + stop - start] = 0
            starts[number + 1] = begin + stop - start + 1
            n_known += 1
            slots[place] = mixed & _UPPER | np.uint64(n_known)
        ids[unknown[3 * each]] = number
    return n_known


@native
def fill_slots(slots: U64, n_slots: int, letters: U8, starts: I64, n_known: int) -> int:
    """Write the tokens of a table into slots that are all 0; equal ones have the first one's id. Return 0."""
    for number in range(n_known):
        start, stop = starts[number], starts[number + 1] - 1
        mixed = _hashed(letters, start, stop)
        place = _place(letters, start, stop, mixed, slots, n_slots, letters, starts, number)
        if not slots[place]:
            slots[place] = mixed & _UPPER | np.uint64(number + 1)
    return 0
