"""All tests of word vectors at once: from files, or those that come with the package and with gensim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from os import PathLike
from typing import Any

from mt2st.embedding import WordVectors
from mt2st.errors import InputError
from mt2st.evaluation.analogies import AnalogyReport, Method, evaluate_analogies
from mt2st.evaluation.analogy_questions import AnalogySection, packaged_analogies, read_analogies
from mt2st.evaluation.known_words import RESTRICT_VOCAB, KnownWords, Unseen
from mt2st.evaluation.similarity import (
    SimilarityResult,
    SimilaritySet,
    evaluate_similarity,
    gensim_similarity_files,
    read_similarity,
)

Paths = Sequence[str | PathLike[str]]

FEW = 10
"""Questions or pairs below which a result is mostly chance."""
_NO_GENSIM = (
    "no similarity test: none comes with this package, and the sets that gensim brings are not there; "
    "pip install 'mt2st[gensim]', or give files of judged pairs"
)


@dataclass(frozen=True)
class WordVectorReport:
    """The results of the tests.

    Attributes:
        analogies: of the analogy test; None where there was none.
        similarity: of the similarity sets, one each.
        notes: what to know when reading the figures.
    """

    analogies: AnalogyReport | None
    similarity: tuple[SimilarityResult, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them."""
        return {
            "analogies": None if self.analogies is None else self.analogies.as_dict(),
            "similarity": [result.as_dict() for result in self.similarity],
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class WordVectorTests:
    """What word vectors are asked.

    Attributes:
        analogies: questions by relation.
        similarity: judged pairs by set.
        analogy_files: where the questions come from; empty for those of this package.
        similarity_files: where the judged pairs come from; empty if no file was named.
        notes: what is missing, in sentences.
    """

    analogies: tuple[AnalogySection, ...]
    similarity: tuple[SimilaritySet, ...]
    analogy_files: tuple[str, ...] = ()
    similarity_files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def read(cls, analogies: Paths = (), similarity: Paths = ()) -> WordVectorTests:
        """Read the tests of some files; where none is named, those that come with this package and with gensim.

        Args:
            analogies: files of questions, as `read_analogies` reads them.
            similarity: files of judged pairs, as `read_similarity` reads them.

        Raises:
            InputError: a file that cannot be used, with its line.
        """
        if analogies or similarity:
            return cls(
                tuple(section for path in analogies for section in read_analogies(path)),
                tuple(read_similarity(path) for path in similarity),
                tuple(map(str, analogies)),
                tuple(map(str, similarity)),
            )
        judged = tuple(read_similarity(path) for path in gensim_similarity_files())
        return cls(tuple(packaged_analogies()), judged, notes=() if judged else (_NO_GENSIM,))


def evaluate_word_vectors(
    vectors: WordVectors,
    tests: WordVectorTests | None = None,
    *,
    method: Method = "3cosadd",
    restrict_vocab: int | None = RESTRICT_VOCAB,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
    unseen: Unseen = "skip",
) -> WordVectorReport:
    """Test word vectors on analogies and on human judgements of similarity.

    Args:
        vectors: words and vectors, by falling frequency.
        tests: what to ask; by default what comes with this package and with gensim.
        method: as for `evaluate_analogies`, like all others. With ``dummy4unknown`` pairs with unknown words have the
            cosine 0.
        restrict_vocab: likewise.
        case_insensitive: likewise.
        dummy4unknown: likewise.
        unseen: likewise.

    Raises:
        InputError: no question, or no pair, of the files has vectors for all its words; or as `evaluate_analogies`.
    """
    tests = WordVectorTests.read() if tests is None else tests
    known = KnownWords(vectors, restrict_vocab=restrict_vocab, case_insensitive=case_insensitive, unseen=unseen)
    words: dict[str, Any] = {
        "restrict_vocab": restrict_vocab,
        "case_insensitive": case_insensitive,
        "unseen": unseen,
        "dummy4unknown": dummy4unknown,
    }
    report = evaluate_analogies(vectors, tests.analogies, method=method, **words) if tests.analogies else None
    results = evaluate_similarity(vectors, tests.similarity, **words)
    _check_some_seen(tests, report, results)
    notes = [
        *tests.notes,
        *_notes_on_ngrams(tests, known),
        *_notes_on_analogies(report),
        *_notes_on_similarity(tests.similarity, results),
    ]
    return WordVectorReport(report, tuple(results), tuple(notes))


def _check_some_seen(tests: WordVectorTests, report: AnalogyReport | None, results: Sequence[SimilarityResult]) -> None:
    """Refuse tests of which nothing can be asked: of a kind whose files were named, or of both if none was."""
    asked = report.total.seen if report is not None else 0
    judged = sum(result.seen for result in results)
    advice = "are the words in the vectors' language and spelling, and is restrict_vocab large enough?"
    if tests.analogy_files and not asked:
        raise InputError(f"{', '.join(tests.analogy_files)}: no question has vectors for all its words; {advice}")
    if tests.similarity_files and not judged:
        raise InputError(f"{', '.join(tests.similarity_files)}: no pair has vectors for both its words; {advice}")
    if not asked and not judged:
        raise InputError(
            "the vectors know the words of no packaged question or pair, which are English; "
            "give files of questions or judged pairs in their language"
        )


def _notes_on_ngrams(tests: WordVectorTests, known: KnownWords) -> list[str]:
    questions = (word for section in tests.analogies for question in section.questions for word in question)
    pairs = (word for judged in tests.similarity for a, b, _ in judged.pairs for word in (a, b))
    words = {known.fold(word): word for word in chain(questions, pairs)}
    for word in words.values():
        known.row_or_made(word)
    if not known.n_made:
        return []
    return [f"{known.n_made:,} of the tests' {len(words):,} words are unseen and have the vectors of their n-grams"]


def _notes_on_analogies(report: AnalogyReport | None) -> list[str]:
    if report is None:
        return []
    notes = []
    if report.total.seen < FEW:
        notes.append(
            f"analogies: only {report.total.seen:,} of {report.total.total:,} questions seen; "
            f"the accuracy is mostly chance"
        )
    if report.repeats:
        notes.append(
            f"analogies: {report.repeats:,} of {report.with_repeats.total:,} questions are repeats; 'semantic', "
            f"'syntactic' and 'total' count each question once"
        )
    return notes


def _notes_on_similarity(sets: Sequence[SimilaritySet], results: Sequence[SimilarityResult]) -> list[str]:
    notes = [
        f"{result.name}: only {result.seen:,} of {result.total:,} pairs seen; the correlation is mostly chance"
        for result in results
        if result.seen < FEW
    ]
    repeating = [f"{each.name} ({each.repeats:,} of {len(each.pairs):,})" for each in sets if each.repeats]
    if repeating:
        notes.append(f"pairs that stand in their set again, and count again as is usual: {', '.join(repeating)}")
    return notes
