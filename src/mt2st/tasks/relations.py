"""Relations between words as rows of ids: analogy questions, lexicons, judged pairs; and products of their vectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from os import PathLike
from pathlib import Path
from typing import ClassVar, Self
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mt2st.errors import InputError, shortened
from mt2st.evaluation import AnalogySection, SimilaritySet
from mt2st.network import SubwordEmbedding
from mt2st.text import UNK, Vocabulary
from mt2st.text.lines import read_lines

Pair = tuple[str, str]
Links = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Relations:
    """Rows of related words, all in the vocabulary.

    Attributes:
        ids: ``[n, k]`` token ids; the words of a row differ.
        links: columns whose words belong together; a split by word keeps them on one side if it can.
    """

    links: ClassVar[Links] = ((0, 1),)

    ids: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """Return some of the rows."""
        by_row = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: each[rows] for name, each in by_row.items() if isinstance(each, np.ndarray)})

    def kinds(self) -> Mapping[str, NDArray[np.bool_]]:
        """Return the rows ``[n]`` of each kind that a task treats differently, by name; empty if there is one kind."""
        return {}

    def strata(self) -> Sequence[NDArray[np.bool_]]:
        """Return the sets of rows ``[n]`` of which a share is held out: each kind, or all rows."""
        return list(self.kinds().values()) or [np.ones(len(self), dtype=np.bool_)]


@dataclass(frozen=True)
class Questions(Relations):
    """Analogy questions: a is to b as c is to d.

    Attributes:
        ids: ``[n, 4]`` ids of a, b, c and d, four different words; no question occurs twice.
        semantic: ``[n]``, true for semantic relations, false for syntactic ones.

    Example:
        >>> vocabulary = Vocabulary.from_counts({"rome": 4, "italy": 3, "paris": 2, "france": 1}, min_count=1)
        >>> questions = (("Rome", "Italy", "Paris", "France"), ("rome", "italy", "oslo", "norway"))
        >>> Questions.encode([AnalogySection("capital", questions)], vocabulary).ids.tolist()
        [[2, 3, 4, 5]]
    """

    links: ClassVar[Links] = ((0, 1), (2, 3))

    semantic: NDArray[np.bool_]

    @classmethod
    def encode(cls, sections: Sequence[AnalogySection], vocabulary: Vocabulary) -> Questions:
        """Return the questions whose four words are in the vocabulary.

        Raises:
            InputError: there are none.
        """
        questions = [question for section in sections for question in section.questions]
        semantic = np.repeat([each.kind == "semantic" for each in sections], [len(each.questions) for each in sections])
        ids, rows = encode_rows(questions, vocabulary, width=4)
        first = _first_of_each(ids)
        _check_some(first, len(questions), "analogy questions", vocabulary)
        return cls(ids[first], semantic[rows][first].astype(np.bool_))


@dataclass(frozen=True)
class Lexicon(Relations):
    """Pairs of words that should agree, and pairs that should not.

    Attributes:
        ids: ``[n, 2]`` ids of two different words; no pair occurs twice, in either order.
        agree: ``[n]``, true for pairs such as synonyms and translations, false for pairs such as antonyms.
    """

    agree: NDArray[np.bool_]

    def kinds(self) -> Mapping[str, NDArray[np.bool_]]:
        """Return the pairs that should agree, and those that should not."""
        return {"should agree": self.agree, "should not agree": ~self.agree}

    @classmethod
    def encode(cls, agree: Sequence[Pair], disagree: Sequence[Pair], vocabulary: Vocabulary) -> Lexicon:
        """Return the pairs whose two words are in the vocabulary, without pairs given on both sides.

        Raises:
            InputError: no pair that should agree is left.
        """
        ids, rows = encode_rows([*agree, *disagree], vocabulary, width=2)
        agrees = rows < len(agree)
        unordered = np.sort(ids, axis=1)
        contradicting = _members(unordered, unordered[agrees]) & _members(unordered, unordered[~agrees])
        first = _first_of_each(unordered)
        first = first[~contradicting[first]]
        _check_some(first[agrees[first]], len(agree), "pairs that should agree", vocabulary)
        return cls(ids[first], agrees[first])


@dataclass(frozen=True)
class Judgements(Relations):
    """Pairs of words with people's scores of their similarity, from one or more sets of different scales.

    Attributes:
        ids: ``[n, 2]`` ids of two different words; no pair occurs twice in a set, in either order.
        scores: ``[n]`` finite scores, greater for more similar words; scores of different sets are not comparable.
        sets: ``[n]`` number of the pair's set.
        names: names of the sets.
    """

    scores: NDArray[np.float64]
    sets: NDArray[np.int64]
    names: tuple[str, ...]

    @classmethod
    def encode(cls, sets: Sequence[SimilaritySet], vocabulary: Vocabulary) -> Judgements:
        """Return the pairs whose two words are in the vocabulary.

        Raises:
            InputError: there are none.
        """
        pairs = [(a, b) for each in sets for a, b, _ in each.pairs]
        scores = np.array([score for each in sets for _, _, score in each.pairs], dtype=np.float64)
        numbers = np.repeat(np.arange(len(sets)), [len(each.pairs) for each in sets])
        ids, rows = encode_rows(pairs, vocabulary, width=2)
        first = _first_of_each(np.column_stack([np.sort(ids, axis=1), numbers[rows]]))
        _check_some(first, len(pairs), "judged pairs", vocabulary)
        rows = rows[first]
        return cls(ids[first], scores[rows], numbers[rows], tuple(each.name for each in sets))


def encode_rows(
    rows: Sequence[Sequence[str]], vocabulary: Vocabulary, *, width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the ids ``[m, width]`` of the usable rows, whose words are all known and different, and the rows' numbers.

    A word that is not in the vocabulary as spelled is looked up regardless of case; the most frequent spelling counts.
    """
    folded: dict[str, int] = {}
    for number, token in enumerate(vocabulary.tokens):
        folded.setdefault(token.casefold(), number)
    found: dict[str, int] = {}

    def id_of(word: str) -> int:
        if word not in found:
            exact = vocabulary.id_of(word)
            found[word] = exact if exact > UNK else folded.get(word.casefold(), UNK)
        return found[word]

    ids = np.array([[id_of(word) for word in row] for row in rows], dtype=np.int64).reshape(-1, width)
    ordered = np.sort(ids, axis=1)
    usable = (ordered > UNK).all(axis=1) & (np.diff(ordered, axis=1) > 0).all(axis=1)
    return ids[usable], np.flatnonzero(usable)


def pair_keys(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one number ``[...]`` for each pair of ids ``[..., 2]``, the same in either order."""
    low, high = pairs.min(axis=-1), pairs.max(axis=-1)
    keys: NDArray[np.int64] = low * (1 << 32) + high
    return keys


def _members(pairs: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.isin(pair_keys(pairs), pair_keys(others))


def _first_of_each(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers of the rows that do not occur earlier, in rising order."""
    return np.sort(np.unique(rows, axis=0, return_index=True)[1]).astype(np.int64)


def _check_some(usable: NDArray[np.int64], total: int, what: str, vocabulary: Vocabulary) -> None:
    if not len(usable):
        raise InputError(
            f"none of the {total:,} {what} can be used: the vocabulary of {len(vocabulary):,} words holds all words of "
            "none of them. Are they in the texts' language? More text or a lower min_count makes the vocabulary larger"
        )


def words_of(*relations: Relations | None) -> NDArray[np.int64]:
    """Return the different words ``[m]`` of some relations in rising order; None has no words."""
    parts: Iterable[NDArray[np.int64]] = (each.ids.ravel() for each in relations if each is not None)
    return np.unique(np.concatenate([np.empty(0, dtype=np.int64), *parts]))


def read_pairs(path: str | PathLike[str]) -> list[Pair]:
    """Read word pairs from a text file (also ``.gz``), UTF-8: two words a line, separated by a tab or by spaces.

    Empty lines and lines that start with ``#`` are ignored. An entry of several words, as in bilingual dictionaries,
    needs the tab; it cannot be in a vocabulary of single words and counts as not covered.

    Raises:
        InputError: the file cannot be read, or is no text; a line with another number of columns; no pair at all.
            Names file and line.
    """
    path = Path(path)
    pairs: list[Pair] = []
    for number, line in enumerate(read_lines(path), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        columns = [column.strip() for column in text.split("\t")] if "\t" in text else text.split()
        if len(columns) != 2 or not all(columns):
            raise InputError(
                f"{path}, line {number}: a pair has two words, separated by a tab or by spaces; found {len(columns)} "
                f"columns: '{shortened(text)}'"
            )
        pairs.append((columns[0], columns[1]))
    if not pairs:
        raise InputError(f"{path}: has no word pairs; give lines of two words")
    return pairs


def shared_table(network: nn.Module, task: str) -> Tensor | SubwordEmbedding:
    """Return ``network.embedding.weight``, ``[vocabulary, vector_size]``, of any module that has it.

    An embedding that composes words of n-grams is returned itself, since the rows of its table are not words.
    """
    embedding = getattr(network, "embedding", None)
    if isinstance(embedding, SubwordEmbedding):
        return embedding
    weight = getattr(embedding, "weight", None)
    if not isinstance(weight, Tensor):
        raise InputError(
            f"the task '{task}' trains the shared embedding as module.embedding.weight, which "
            f"{type(network).__name__} does not have"
        )
    return weight


def vectors_of(table: Tensor | SubwordEmbedding, ids: Tensor) -> Tensor:
    """Return the vectors ``[..., vector_size]`` of ids ``[...]`` on any device, connected to the table."""
    if isinstance(table, SubwordEmbedding):
        vectors: Tensor = table(ids)
        return vectors
    return functional.embedding(ids.to(table.device), table)


def products(x: Tensor, y: Tensor, *, raw: bool) -> Tensor:
    """Return the inner products ``[...]`` of vectors ``[..., vector_size]``, or their cosines unless ``raw``."""
    return (x * y).sum(dim=-1) if raw else functional.cosine_similarity(x, y, dim=-1)


def random_of(name: str, *, epoch: int, seed: int) -> np.random.Generator:
    """Return a task's random numbers in an epoch; they depend on name, epoch and seed alone."""
    return np.random.default_rng([seed, epoch, crc32(name.encode())])


def row_batches(n_rows: int, batch_size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield all row numbers once in random order, ``batch_size`` at a time; the last batch may be smaller."""
    order = rng.permutation(n_rows).astype(np.int64)
    for start in range(0, n_rows, batch_size):
        yield order[start : start + batch_size]


def tensor_of(array: NDArray[np.generic]) -> Tensor:
    """Return a numpy array as a tensor of the same type."""
    return torch.from_numpy(np.ascontiguousarray(array))


def check_rows(task: str, n_rows: int, batch_size: int, *, least: int = 1) -> None:
    """Raise `InputError` unless a task has enough rows to learn from, and a usable batch size."""
    if n_rows < least:
        raise InputError(f"the task '{task}' needs at least {least} rows to learn from, found {n_rows}")
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < least:
        raise InputError(f"the task '{task}' needs a batch_size of at least {least}, found {batch_size!r}")
