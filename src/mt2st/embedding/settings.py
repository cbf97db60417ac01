"""The settings of a training of word vectors, checked before anything is read."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from mt2st.embedding.formats.stream import MOST_DIMENSIONS
from mt2st.embedding.subword_vectors import SubwordVectors
from mt2st.embedding.subwords import SubwordSettings
from mt2st.embedding.word_vectors import WordVectors
from mt2st.errors import InputError, listed, suggestion

Method = Literal["skipgram", "cbow", "skipgram-fasttext", "cbow-fasttext"]
WORD_METHODS = ("skipgram", "cbow")
SUBWORD_METHODS = ("skipgram-fasttext", "cbow-fasttext")
"""The methods whose words are made of n-grams."""

VECTOR_SIZE = 100
"""Dimensions where neither the user nor given vectors say."""

LARGEST_NEGATIVE = 100
"""Useful values are 2 to 20 (Mikolov et al. 2013); beyond, the noise drowns what is to be learned."""

LARGEST_BLOCK = 32
"""Centres that a kernel updates together at most: larger blocks are hardly faster."""

LARGEST_EXPONENT = 5.0
"""Useful values are -1 to 1 (Caselles-Dupre et al. 2018). Counts to this power are far from the bounds of float64."""


@dataclass(frozen=True)
class WordVectorSettings:
    """The settings of `mt2st.embedding.train_word_vectors`, which explains them; made, they are in their ranges.

    Raises:
        InputError: a setting out of its range, by name, with the rule and the value found.

    Example:
        >>> WordVectorSettings(window=0)
        Traceback (most recent call last):
        mt2st.errors.InputError: window must be an integer, at least 1; found 0
    """

    method: Method | str = "skipgram"
    vector_size: int | None = None
    window: int = 5
    negative: int = 5
    sample: float = 1e-3
    alpha: float = 0.025
    min_alpha: float = 1e-4
    epochs: int = 5
    workers: int = 1
    seed: int = 1
    ns_exponent: float = 0.75
    min_n: int | None = None
    max_n: int | None = None
    bucket: int | None = None

    def __post_init__(self) -> None:
        methods = (*WORD_METHODS, *SUBWORD_METHODS)
        if self.method not in methods:
            raise InputError(
                f"unknown method '{self.method}': choose from {listed(methods)}.{suggestion(self.method, methods)}"
            )
        if self.vector_size is not None:
            check_vector_size(self.vector_size)
        check_at_least_one(epochs=self.epochs, workers=self.workers)
        check_context(window=self.window, negative=self.negative, sample=self.sample, ns_exponent=self.ns_exponent)
        if not (math.isfinite(self.alpha) and self.alpha > 0):
            raise InputError(f"alpha must be finite and above 0; found {self.alpha!r}")
        if not 0 <= self.min_alpha <= self.alpha:
            raise InputError(f"min_alpha must be in [0, alpha] = [0, {self.alpha!r}]; found {self.min_alpha!r}")
        if not isinstance(self.seed, int) or isinstance(self.seed, bool):
            raise InputError(f"seed must be an integer; found {self.seed!r}")
        _ = self.ngrams  # checks them

    @property
    def has_ngrams(self) -> bool:
        """Whether the method makes words of n-grams."""
        return self.method in SUBWORD_METHODS

    @property
    def size(self) -> int:
        """Dimensions."""
        return self.vector_size if self.vector_size is not None else VECTOR_SIZE

    @property
    def ngrams(self) -> SubwordSettings:
        """Which n-grams, in how many rows; gensim's where not set."""
        given = {"min_n": self.min_n, "max_n": self.max_n, "bucket": self.bucket}
        return SubwordSettings(**{name: value for name, value in given.items() if value is not None})

    def going_on_from(self, given: WordVectors) -> WordVectorSettings:
        """Return the settings with what given vectors decide: their size and, with n-grams, which and how many rows.

        Raises:
            InputError: a setting that contradicts them, or a method with n-grams where they have none.
        """
        settings = replace(self, vector_size=size_like(given, self.vector_size))
        if not self.has_ngrams:
            return settings
        if not isinstance(given, SubwordVectors):
            raise InputError(
                f"method {self.method} goes on only from vectors with n-grams: a folder that it wrote, or fastText's "
                f".bin; the given ones have none: choose one of {listed(WORD_METHODS)}"
            )
        for name in ("min_n", "max_n", "bucket"):
            mine, theirs = getattr(self, name), getattr(given.settings, name)
            if mine not in (None, theirs):
                raise InputError(f"the given vectors have {name} {theirs}, but {name} is {mine}: leave it out")
        theirs = given.settings
        return replace(settings, min_n=theirs.min_n, max_n=theirs.max_n, bucket=theirs.bucket)


def size_like(given: WordVectors, vector_size: int | None) -> int:
    """Return the dimensions of given vectors.

    Raises:
        InputError: ``vector_size`` says otherwise.
    """
    if vector_size not in (None, given.vector_size):
        raise InputError(
            f"the given vectors have {given.vector_size} dimensions, but vector_size is {vector_size}: leave it out or "
            f"set it to {given.vector_size}"
        )
    return given.vector_size


def check_context(*, window: int, negative: int, sample: float, ns_exponent: float) -> None:
    """Raise `InputError` naming the first setting of a context kernel out of its range."""
    check_at_least_one(window=window, negative=negative)
    if negative > LARGEST_NEGATIVE:
        raise InputError(f"negative must be at most {LARGEST_NEGATIVE}; found {negative:,}")
    check_sample(sample)
    if not -LARGEST_EXPONENT <= ns_exponent <= LARGEST_EXPONENT:
        bounds = f"[{-LARGEST_EXPONENT:g}, {LARGEST_EXPONENT:g}]"
        raise InputError(f"ns_exponent must be in {bounds}, where 0.75 is usual; found {ns_exponent!r}")


def check_sample(sample: float) -> None:
    """Raise `InputError` for a threshold of subsampling out of its range."""
    if not 0 <= sample < 1:
        raise InputError(f"sample must be in [0, 1); found {sample!r}")


def check_block(block: int) -> None:
    """Raise `InputError` for a number of centres that no kernel updates together."""
    check_at_least_one(block=block)
    if block > LARGEST_BLOCK:
        raise InputError(f"block must be at most {LARGEST_BLOCK}; found {block:,}")


def check_vector_size(vector_size: int) -> None:
    """Raise `InputError` for a number of dimensions that no word vector has."""
    check_at_least_one(vector_size=vector_size)
    if vector_size > MOST_DIMENSIONS:
        raise InputError(f"vector_size must be at most {MOST_DIMENSIONS:,}; found {vector_size:,}")


def check_at_least_one(**settings: int) -> None:
    """Raise `InputError` naming the first setting that is no integer of 1 or more."""
    for name, value in settings.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InputError(f"{name} must be an integer, at least 1; found {value!r}")
