"""What the auxiliary tasks teach about other words, on word vectors of real reviews and real lexicons.

As in `test_word_tasks`, a linear map of fixed vectors is learned, so that other words can gain at all. The tasks
`analogy` and `spearman` (of judgements) are not here: no linear map of such vectors was seen to help them.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
import torch

from mt2st.embedding import train_word_vectors
from mt2st.evaluation import read_analogies, read_similarity
from mt2st.tasks import (
    Judgements,
    Lexicon,
    MisalignmentTask,
    Questions,
    SemanticSyntacticTask,
    SpearmanTask,
    hold_out,
    read_pairs,
)
from mt2st.text import SPECIALS, Corpus, Tokeniser, Vocabulary, iterate_texts
from tests.tasks.relations_data import MappedTable, train_alone

SHARE, STEPS = 0.1, 100


@pytest.fixture(scope="module")
def vectors(shared_data: Path) -> tuple[Vocabulary, torch.Tensor]:
    reviews = islice(iterate_texts(str(shared_data / "imdb5k" / "imdb5k.csv.gz"), text="review"), 2000)
    corpus = Corpus.build(reviews, tokeniser=Tokeniser(), min_count=5)
    trained = train_word_vectors(corpus, method="skipgram", vector_size=50, epochs=3)
    rows = trained[corpus.vocabulary.tokens[len(SPECIALS) :]]
    table = torch.zeros(len(corpus.vocabulary), 50, dtype=torch.float64)
    table[len(SPECIALS) :] = torch.nn.functional.normalize(torch.from_numpy(rows).double(), dim=1)
    return corpus.vocabulary, table


def test_misalignment_tells_other_synonyms_from_antonyms(
    vectors: tuple[Vocabulary, torch.Tensor], shared_data: Path
) -> None:
    vocabulary, table = vectors
    lexicon = shared_data / "lexicon"
    agree, disagree = read_pairs(lexicon / "ppdb_synonyms.txt"), read_pairs(lexicon / "wordnet_antonyms.txt")
    parts = hold_out(Lexicon.encode(agree, disagree, vocabulary), SHARE)
    task, network = MisalignmentTask(parts.train, parts.held_out), MappedTable(table)
    before = task.evaluate(network)["error"]
    train_alone(task, network, steps=STEPS, lr=0.01)
    assert task.evaluate(network)["error"] < before - 0.02


def test_algorithm_3_correlates_the_elements_of_other_related_words(
    vectors: tuple[Vocabulary, torch.Tensor], shared_data: Path
) -> None:
    vocabulary, table = vectors
    judged = read_similarity(shared_data / "similarity" / "EN-MEN-TR-3k.txt")
    parts = hold_out(Judgements.encode([judged], vocabulary), SHARE)
    task, network = SpearmanTask(parts.train, parts.held_out, reading="elements"), MappedTable(table)
    before = task.evaluate(network)["element_spearman"]
    train_alone(task, network, steps=STEPS, lr=0.01)
    assert task.evaluate(network)["element_spearman"] > before + 0.1


def test_semantic_syntactic_raises_other_cosines_at_the_cost_of_contrast(
    vectors: tuple[Vocabulary, torch.Tensor], shared_data: Path
) -> None:
    vocabulary, table = vectors
    sections = [each for path in sorted((shared_data / "analogies").glob("*.txt")) for each in read_analogies(path)]
    parts = hold_out(Questions.encode(sections, vocabulary), SHARE)
    task, network = SemanticSyntacticTask(parts.train, parts.held_out), MappedTable(table)
    before = task.evaluate(network)
    train_alone(task, network, steps=STEPS, lr=0.01)
    after = task.evaluate(network)
    assert after["cosine"] > before["cosine"] + 0.1
    assert after["contrast"] < before["contrast"]
