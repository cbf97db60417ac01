"""``mt2st vectors evaluate``: analogy and similarity tests of word vectors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from mt2st.cli.options import parse
from mt2st.cli.terminal import say
from mt2st.evaluation.tables import aligned

if TYPE_CHECKING:
    from mt2st.evaluation import AnalogyReport, AnalogyScore, SimilarityResult


@dataclass(frozen=True)
class EvaluateOptions:
    """Options of ``mt2st vectors evaluate``; the defaults are gensim's."""

    vectors: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="VECTORS")]
    """Word vectors: a file or folder in any format, the folder of a trained model, or gensim:NAME of published ones."""
    analogies: tuple[Path, ...] = ()
    """Files of analogy questions (four words a line, ': NAME' starts a section) or pairs to compose them from."""
    similarity: tuple[Path, ...] = ()
    """Files of human judgements: two words and a score a line."""
    method: Literal["3cosadd", "3cosmul"] = "3cosadd"
    """How analogies are answered: the sum of cosines, or their product and quotient."""
    restrict_vocab: int = 300_000
    """Only this many of the first words are known, and can answer."""
    case_insensitive: bool = True
    """Words that differ in case alone are one word: the first of them."""
    dummy4unknown: bool = False
    """Count questions with unknown words as wrong, and pairs with unknown words as cosine 0; else they are left out."""
    unseen: Literal["skip", "ngrams"] = "skip"
    """Words that the vectors lack: skip (as gensim), or ngrams (as fastText): they get the vectors of their n-grams, if
    the vectors have such."""
    limit: int | None = None
    """Read the first so many words of the vectors alone."""
    json: bool = False
    """Print JSON in place of tables."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(
        EvaluateOptions,
        arguments,
        program="mt2st vectors evaluate",
        description="Analogy and similarity tests: of the files named, else of what comes with mt2st and with gensim.",
    )
    from mt2st.embedding import load_vectors
    from mt2st.evaluation import WordVectorTests, evaluate_word_vectors

    tests = WordVectorTests.read(options.analogies, options.similarity)  # before the vectors, which can take long
    vectors = load_vectors(options.vectors, limit=options.limit)
    names = ("restrict_vocab", "case_insensitive", "dummy4unknown", "unseen")
    words: dict[str, Any] = {name: getattr(options, name) for name in names}
    report = evaluate_word_vectors(vectors, tests, method=options.method, **words)
    if options.json:
        of_vectors = {"vectors": str(options.vectors), "words": len(vectors), "vector_size": vectors.vector_size}
        print(json.dumps({**of_vectors, **words, **report.as_dict()}, indent=2, allow_nan=False))
        return 0
    tables = [] if report.analogies is None else [_analogy_table(report.analogies)]
    tables += [_similarity_table(report.similarity)] if report.similarity else []
    print("\n\n".join(tables))
    for note in report.notes:
        say(f"note: {note}")
    return 0


def _analogy_table(report: AnalogyReport) -> str:
    scores = {"semantic": report.semantic, "syntactic": report.syntactic, "total": report.total}
    if report.repeats:
        scores["total with repeats"] = report.with_repeats
    rows = [(each.section.name, each.score) for each in report.sections]
    rows += [(name, score) for name, score in scores.items() if score.total]
    header = [f"analogies ({report.method})", "accuracy", "correct", "seen / total"]
    return aligned([header, *([name, *_cells(score)] for name, score in rows)])


def _cells(score: AnalogyScore) -> list[str]:
    accuracy = "-" if score.accuracy is None else f"{100 * score.accuracy:.1f} %"
    return [accuracy, f"{score.correct:,}", f"{score.seen:,} / {score.total:,}"]


def _similarity_table(results: Sequence[SimilarityResult]) -> str:
    rows = [
        [each.name, _shown(each.spearman), _shown(each.pearson), f"{each.seen:,} / {each.total:,}"] for each in results
    ]
    return aligned([["similarity", "Spearman", "Pearson", "seen / total"], *rows])


def _shown(correlation: float | None) -> str:
    return "-" if correlation is None else f"{correlation:.4f}"
