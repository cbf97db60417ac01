"""Analogy tests of word vectors: a is to b as c is to which word?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mt2st._settings import checked
from mt2st.embedding import WordVectors
from mt2st.errors import InputError
from mt2st.evaluation.analogy_questions import AnalogySection, Kind, Question
from mt2st.evaluation.known_words import RESTRICT_VOCAB, KnownWords, Unseen

Method = Literal["3cosadd", "3cosmul"]

_NONE = np.empty(0, dtype=np.intp)
_UNKNOWN = (-1, -1, -1, -1)
_EPSILON = np.float32(1e-6)  # keeps the quotient of 3CosMul finite, as in gensim
_QUESTIONS_AT_ONCE = 2048  # their words are looked up in one matrix product
_ROWS_AT_ONCE = 2048  # with the above: the largest array has 3 * 2048 * 2048 values, 50 MB
_IN_CACHE = 128  # questions combined at a time: 1 MB for each of the two arrays that the work goes to and fro between


@dataclass(frozen=True)
class AnalogyScore:
    """How many questions were answered.

    Attributes:
        correct: questions whose nearest word was the right one.
        seen: questions whose four words have vectors.
        total: questions.
        judged: questions that the accuracy counts: those seen, or all with `dummy4unknown`.
    """

    correct: int
    seen: int
    total: int
    judged: int

    @property
    def accuracy(self) -> float | None:
        """Share of the judged questions that were answered correctly, in [0, 1]; None where none was judged."""
        return self.correct / self.judged if self.judged else None

    def as_dict(self) -> dict[str, float | int | None]:
        """Return the figures by name."""
        return {"accuracy": self.accuracy, "correct": self.correct, "seen": self.seen, "total": self.total}


@dataclass(frozen=True)
class SectionResult:
    """The answers to one section.

    Attributes:
        section: the questions.
        score: how many were right.
        answers: for each question the row of the word that was found; -1 where a word of the question has no vector,
            or where no word is left to answer with. Integers ``[n_questions]``.
        right: for each question, whether that is the right word. Booleans ``[n_questions]``.
    """

    section: AnalogySection
    score: AnalogyScore
    answers: NDArray[np.intp]
    right: NDArray[np.bool_]


@dataclass(frozen=True)
class AnalogyReport:
    """The result of an analogy test.

    Attributes:
        method: how questions were answered.
        sections: each section's result, all its questions counted.
        semantic: over the semantic sections, **each different question once**.
        syntactic: over the syntactic sections, each different question once.
        total: over all sections, each different question once.
        with_repeats: over all sections, questions counted as often as they stand there: what gensim calls the score.
    """

    method: Method
    sections: tuple[SectionResult, ...]
    semantic: AnalogyScore
    syntactic: AnalogyScore
    total: AnalogyScore
    with_repeats: AnalogyScore

    @property
    def repeats(self) -> int:
        """Questions that stand there again, in the same section or another."""
        return self.with_repeats.total - self.total.total

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them, without the single answers."""
        return {
            "method": self.method,
            "sections": [
                {"name": each.section.name, "kind": each.section.kind, **each.score.as_dict()} for each in self.sections
            ],
            **{name: getattr(self, name).as_dict() for name in ("semantic", "syntactic", "total", "with_repeats")},
        }


def evaluate_analogies(
    vectors: WordVectors,
    sections: Sequence[AnalogySection],
    *,
    method: Method = "3cosadd",
    restrict_vocab: int | None = RESTRICT_VOCAB,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
    unseen: Unseen = "skip",
) -> AnalogyReport:
    """Answer analogy questions ``a : b = c : ?`` and compare with the right answers.

    With ``cos`` the cosine to a word ``w``, the answer is the word with the greatest

    - ``cos(w, b) + cos(w, c) - cos(w, a)`` (3CosAdd: Mikolov et al. 2013), or
    - ``s(w, b) * s(w, c) / (s(w, a) + 1e-6)`` with ``s = (1 + cos) / 2`` (3CosMul: Levy and Goldberg 2014, eq 4),

    among the words that are not in the question (in any spelling, if case is ignored). The numbers are those of
    gensim's ``evaluate_word_analogies``, except for words with five or more spellings: gensim looks at the five nearest
    words only. Memory beyond the vectors stays under 200 MB.

    Args:
        vectors: words and vectors, by falling frequency.
        sections: the questions by relation.
        method: ``"3cosadd"`` or ``"3cosmul"``.
        restrict_vocab: only this many of the first words are known, and can answer; None for all.
        case_insensitive: compare words upper-cased; of several spellings the first gives the vector.
        dummy4unknown: count a question with an unknown word as wrong; otherwise it is left out.
        unseen: ``"skip"`` knows only words of the vocabulary, as gensim does; ``"ngrams"`` also asks with vectors that
            unseen words have by their n-grams. The answer is always a word of the vocabulary.

    Raises:
        InputError: there is no question, the method is unknown, `restrict_vocab` is under 1, or the vectors have no
            n-grams.

    Example:
        >>> arrays = np.array([[1.0, 1, 0], [1, 0, 0], [0, 1, 1], [0, 0, 1]])
        >>> places = WordVectors(["paris", "france", "rome", "italy"], arrays)
        >>> questions = (("france", "paris", "italy", "rome"), ("italy", "rome", "peru", "lima"))
        >>> evaluate_analogies(places, [AnalogySection("capital", questions)]).total
        AnalogyScore(correct=1, seen=1, total=2, judged=1)
    """
    checked(evaluate_analogies, method=method)
    if not any(section.questions for section in sections):
        raise InputError("there is no analogy question to ask")
    known = KnownWords(vectors, restrict_vocab=restrict_vocab, case_insensitive=case_insensitive, unseen=unseen)
    numbers, different = _numbered(sections, known)  # each different question is answered once
    questions = np.array([_rows(known, question) or _UNKNOWN for question in different], dtype=np.intp).reshape(-1, 4)
    seen = questions[:, 0] >= 0
    answers = np.full(len(different), -1, dtype=np.intp)
    asked = questions[seen, :3]
    parts = (asked[start : start + _QUESTIONS_AT_ONCE] for start in range(0, len(asked), _QUESTIONS_AT_ONCE))
    answers[seen] = np.concatenate([*(_answers(known, part, method) for part in parts), _NONE])
    right = np.zeros(len(different), dtype=np.bool_)
    answered = answers >= 0
    right[answered] = known.spelling[answers[answered]] == questions[answered, 3]

    def score(chosen: NDArray[np.intp]) -> AnalogyScore:
        n_seen = int(seen[chosen].sum())
        judged = len(chosen) if dummy4unknown else n_seen
        return AnalogyScore(int(right[chosen].sum()), n_seen, len(chosen), judged)

    def over(kind: Kind) -> AnalogyScore:
        chosen = [number for section, number in zip(sections, numbers, strict=True) if section.kind == kind]
        return score(np.unique(np.concatenate([*chosen, _NONE])))

    return AnalogyReport(
        method=method,
        sections=tuple(
            SectionResult(section, score(number), answers[number], right[number])
            for section, number in zip(sections, numbers, strict=True)
        ),
        semantic=over("semantic"),
        syntactic=over("syntactic"),
        total=score(np.arange(len(different))),
        with_repeats=score(np.concatenate(numbers)),
    )


def _numbered(sections: Sequence[AnalogySection], known: KnownWords) -> tuple[list[NDArray[np.intp]], list[Question]]:
    """Number the different questions from 0; return each section's numbers and the question of each number."""
    number_of: dict[Question, int] = {}
    different: list[Question] = []
    fold = known.fold

    def numbers(questions: Sequence[Question]) -> Iterator[int]:
        for question in questions:
            a, b, c, d = question
            number = number_of.setdefault((fold(a), fold(b), fold(c), fold(d)), len(different))
            if number == len(different):
                different.append(question)
            yield number

    by_section = [np.fromiter(numbers(each.questions), np.intp, len(each.questions)) for each in sections]
    return by_section, different


def _rows(known: KnownWords, question: Question) -> list[int] | None:
    """Return the rows of a question's words, None where it cannot be asked or its answer cannot be given."""
    *asked, right = question
    answer = known.row(right)
    rows = known.rows(asked) if answer is not None else None
    return None if answer is None or rows is None else [*rows, answer]


def _answers(known: KnownWords, questions: NDArray[np.intp], method: Method) -> NDArray[np.intp]:
    """Return the row that answers each question ``[n, 3]``, -1 where none is left."""
    # Questions share their words: each word's cosines to a block of rows are computed once, and combined by question.
    rows_of_words, words = np.unique(questions, return_inverse=True)
    a, b, c = words.reshape(-1, 3).T
    units = known.units(rows_of_words)
    question_left_out, row_left_out = _rows_left_out(known, questions)
    best = np.full(len(questions), -np.inf, dtype=np.float32)
    answers = np.full(len(questions), -1, dtype=np.intp)
    for start in range(0, len(known), _ROWS_AT_ONCE):
        stop = min(start + _ROWS_AT_ONCE, len(known))
        cosines = units @ known.units(slice(start, stop)).T
        here = slice(*np.searchsorted(row_left_out, [start, stop]))
        column_left_out = row_left_out[here] - start
        for first, scores in _scores(cosines, a, b, c, method):
            last = first + len(scores)
            theirs = (question_left_out[here] >= first) & (question_left_out[here] < last)
            scores[question_left_out[here][theirs] - first, column_left_out[theirs]] = -np.inf
            columns = scores.argmax(axis=1)
            greatest = scores[np.arange(len(scores)), columns]
            better = greatest > best[first:last]  # of equals the first row stays
            best[first:last][better] = greatest[better]
            answers[first:last][better] = columns[better] + start
    return answers


def _scores(
    cosines: NDArray[np.float32], a: NDArray[np.intp], b: NDArray[np.intp], c: NDArray[np.intp], method: Method
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield the number of a first question and the scores of some questions from there on; they are overwritten.

    ``cosines``, overwritten too, are of each word to each row, ``[n_words, n_rows]``; ``a``, ``b`` and ``c`` are
    numbers of words in them.
    """
    combine: np.ufunc
    if method == "3cosadd":
        near, far, combine = cosines, np.negative(cosines), np.add
    else:
        near = (np.float32(1) + cosines) / np.float32(2)
        far, combine = np.float32(1) / (near + _EPSILON), np.multiply
    scores, term = (np.empty((_IN_CACHE, cosines.shape[1]), dtype=np.float32) for _ in range(2))
    for first in range(0, len(a), _IN_CACHE):
        some = slice(first, first + _IN_CACHE)
        n = len(a[some])
        np.take(near, b[some], axis=0, out=scores[:n], mode="clip")  # other modes copy once more
        np.take(near, c[some], axis=0, out=term[:n], mode="clip")
        combine(scores[:n], term[:n], out=scores[:n])
        np.take(far, a[some], axis=0, out=term[:n], mode="clip")
        combine(scores[:n], term[:n], out=scores[:n])
        yield first, scores[:n]


def _rows_left_out(known: KnownWords, questions: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return pairs of question and row, by rising row, whose row is a spelling of a word of the question."""
    pairs = [
        (number, spelling)
        for number, words in enumerate(questions.tolist())
        for word in set(words)
        for spelling in known.spellings(word)
    ]
    numbers, rows = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    order = np.argsort(rows, kind="stable")
    return numbers[order], rows[order]
