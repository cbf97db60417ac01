"""Metrics on plain arrays and tests of word vectors (section IV).

- `classification_report`: accuracy, precision, recall and F1 of predicted labels.
- `span_report`: precision, recall and F1 of whole entities, by seqeval's conventions.
- `scheme_of`, `best_tags`: the scheme of such tags, and the most probable ones that follow it.
- `evaluate_analogies`: analogy questions by 3CosAdd and 3CosMul; `read_analogies`, `packaged_analogies` bring them.
- `evaluate_similarity`: cosines against human judgements; `read_similarity` brings them.
- `evaluate_word_vectors`: both, from files or from what is packaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mt2st._lazy import lazily

if TYPE_CHECKING:
    from mt2st.evaluation.analogies import AnalogyReport, AnalogyScore, SectionResult, evaluate_analogies
    from mt2st.evaluation.analogy_questions import (
        AnalogySection,
        packaged_analogies,
        questions_of_pairs,
        read_analogies,
    )
    from mt2st.evaluation.classification import classification_report, multi_label_report
    from mt2st.evaluation.entities import (
        Scheme,
        Span,
        SpanReport,
        SpanScore,
        best_tags,
        half_marked,
        has_spans,
        scheme_of,
        scheme_told,
        span_report,
        spans,
        stray_tags,
    )
    from mt2st.evaluation.similarity import (
        SimilarityResult,
        SimilaritySet,
        evaluate_similarity,
        gensim_similarity_files,
        read_similarity,
    )
    from mt2st.evaluation.word_vectors import WordVectorReport, WordVectorTests, evaluate_word_vectors

__all__ = [
    "AnalogyReport",
    "AnalogyScore",
    "AnalogySection",
    "Scheme",
    "SectionResult",
    "SimilarityResult",
    "SimilaritySet",
    "Span",
    "SpanReport",
    "SpanScore",
    "WordVectorReport",
    "WordVectorTests",
    "best_tags",
    "classification_report",
    "evaluate_analogies",
    "evaluate_similarity",
    "evaluate_word_vectors",
    "gensim_similarity_files",
    "half_marked",
    "has_spans",
    "multi_label_report",
    "packaged_analogies",
    "questions_of_pairs",
    "read_analogies",
    "read_similarity",
    "scheme_of",
    "scheme_told",
    "span_report",
    "spans",
    "stray_tags",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "analogies": "AnalogyReport AnalogyScore SectionResult evaluate_analogies",
        "analogy_questions": "AnalogySection packaged_analogies questions_of_pairs read_analogies",
        "classification": "classification_report multi_label_report",
        "entities": "Scheme Span SpanReport SpanScore best_tags half_marked has_spans scheme_of scheme_told "
        "span_report spans stray_tags",
        "similarity": "SimilarityResult SimilaritySet evaluate_similarity gensim_similarity_files read_similarity",
        "word_vectors": "WordVectorReport WordVectorTests evaluate_word_vectors",
    },
)
