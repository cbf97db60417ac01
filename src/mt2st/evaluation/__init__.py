"""Measures on plain arrays and word vectors (section IV).

- `classification_report`: accuracy, precision, recall and F1 of predicted labels.
- `evaluate_analogies`: analogy questions by 3CosAdd and 3CosMul; `read_analogies`, `packaged_analogies` bring them.
- `evaluate_similarity`: cosines against human judgements; `read_similarity` brings them.
- `evaluate_word_vectors`: both, from files or from what is packaged.
"""

from mt2st.evaluation.analogies import AnalogyReport, AnalogyScore, SectionResult, evaluate_analogies
from mt2st.evaluation.analogy_questions import (
    AnalogySection,
    packaged_analogies,
    questions_of_pairs,
    read_analogies,
)
from mt2st.evaluation.classification import ClassificationReport, classification_report
from mt2st.evaluation.similarity import SimilarityResult, evaluate_similarity
from mt2st.evaluation.similarity_sets import (
    Overlap,
    SimilaritySet,
    gensim_similarity_files,
    overlaps,
    read_similarity,
)
from mt2st.evaluation.word_vectors import WordVectorReport, WordVectorTests, evaluate_word_vectors

__all__ = [
    "AnalogyReport",
    "AnalogyScore",
    "AnalogySection",
    "ClassificationReport",
    "Overlap",
    "SectionResult",
    "SimilarityResult",
    "SimilaritySet",
    "WordVectorReport",
    "WordVectorTests",
    "classification_report",
    "evaluate_analogies",
    "evaluate_similarity",
    "evaluate_word_vectors",
    "gensim_similarity_files",
    "overlaps",
    "packaged_analogies",
    "questions_of_pairs",
    "read_analogies",
    "read_similarity",
]
