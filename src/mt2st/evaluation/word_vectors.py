"""All tests of word vectors at once: on files, or on the sets that come with the package and with gensim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

from mt2st.embedding import WordVectors
from mt2st.errors import InputError, listed
from mt2st.evaluation.analogies import AnalogyReport, Method, evaluate_analogies
from mt2st.evaluation.analogy_questions import packaged_analogies, read_analogies
from mt2st.evaluation.known_words import RESTRICT_VOCAB
from mt2st.evaluation.similarity import SimilarityResult, evaluate_similarity
from mt2st.evaluation.similarity_sets import Overlap, gensim_similarity_files, overlaps, read_similarity

Paths = Sequence[str | PathLike[str]]

FEW = 10
"""Questions or pairs below which a result is mostly chance."""
_LARGE_SHARE = 0.5  # of the smaller set: overlaps from here on are spoken of
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
        overlaps: similarity sets that share pairs.
        notes: what to know when reading the figures, in sentences.
    """

    analogies: AnalogyReport | None
    similarity: tuple[SimilarityResult, ...]
    overlaps: tuple[Overlap, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them."""
        return {
            "analogies": None if self.analogies is None else self.analogies.as_dict(),
            "similarity": [result.as_dict() for result in self.similarity],
            "overlaps": [vars(overlap) for overlap in self.overlaps],
            "notes": list(self.notes),
        }


def evaluate_word_vectors(
    vectors: WordVectors,
    *,
    analogies: Paths = (),
    similarity: Paths = (),
    method: Method = "3cosadd",
    restrict_vocab: int | None = RESTRICT_VOCAB,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
) -> WordVectorReport:
    """Test word vectors on analogies and on human judgements of similarity.

    Args:
        vectors: words and vectors, by falling frequency.
        analogies: files of questions, as `read_analogies` reads them.
        similarity: files of judged pairs, as `read_similarity` reads them. If no file of either kind is given, the
            relation tables of this package are asked, and the sets that an installed gensim brings.
        method: ``"3cosadd"`` or ``"3cosmul"``.
        restrict_vocab: only this many of the first words take part; None for all.
        case_insensitive: words that differ in case alone are one word.
        dummy4unknown: count questions with unknown words as wrong, and pairs with unknown words as cosine 0.

    Raises:
        InputError: a file that cannot be used, with its line; files none of whose questions or pairs has vectors for
            all its words; an unknown method.
    """
    notes: list[str] = []
    given = bool(analogies or similarity)
    if given:
        sections = [section for path in analogies for section in read_analogies(path)]
        files: Paths = similarity
    else:
        sections, files = packaged_analogies(), gensim_similarity_files()
        if not files:
            notes.append(_NO_GENSIM)
    sets = [read_similarity(path) for path in files]  # files are checked before the work starts

    settings: dict[str, Any] = {
        "restrict_vocab": restrict_vocab,
        "case_insensitive": case_insensitive,
        "dummy4unknown": dummy4unknown,
    }
    report = evaluate_analogies(vectors, sections, method=method, **settings) if sections else None
    results = evaluate_similarity(vectors, sets, **settings)
    shared = overlaps(sets)
    _check_some_seen(report, results, analogies, similarity)
    if report is not None:
        notes += _notes_on_analogies(report)
    notes += _notes_on_similarity(results, shared)
    notes += [
        f"{each.name}: {each.repeats:,} of {len(each.pairs):,} pairs stand there twice, and count twice as is usual"
        for each in sets
        if each.repeats
    ]
    return WordVectorReport(report, tuple(results), tuple(shared), tuple(notes))


def _check_some_seen(
    report: AnalogyReport | None, results: Sequence[SimilarityResult], analogies: Paths, similarity: Paths
) -> None:
    """Refuse tests of which nothing can be asked: of one kind if its files were given, of both if none was."""
    asked = report.total.seen if report is not None else 0
    judged = sum(result.seen for result in results)
    advice = "are the words in the vectors' language and spelling, and is restrict_vocab large enough?"
    if analogies and not asked:
        raise InputError(f"no question of {listed(map(str, analogies))} has vectors for all its words; {advice}")
    if similarity and not judged:
        raise InputError(f"no pair of {listed(map(str, similarity))} has vectors for both its words; {advice}")
    if not asked and not judged:
        raise InputError(
            "the vectors know the words of no packaged question or pair, which are English; "
            "give files of questions or judged pairs in their language"
        )


def _notes_on_analogies(report: AnalogyReport) -> list[str]:
    notes = []
    if report.total.seen < FEW:
        notes.append(f"analogies: only {report.total.seen:,} questions seen; the accuracy is mostly chance")
    if report.repeats:
        notes.append(
            f"analogies: {report.repeats:,} questions stand there more than once; 'semantic', 'syntactic' and 'total' "
            f"count each once"
        )
    return notes


def _notes_on_similarity(results: Sequence[SimilarityResult], shared: Sequence[Overlap]) -> list[str]:
    notes = [
        f"{result.name}: only {result.seen:,} of {result.total:,} pairs seen; the correlation is mostly chance"
        for result in results
        if result.seen < FEW
    ]
    large = [str(overlap) for overlap in shared if overlap.shared >= _LARGE_SHARE * overlap.size]
    if large:
        notes.append(f"sets that overlap, whose results are not to be averaged: {', '.join(large)}")
    return notes
