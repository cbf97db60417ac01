"""What the auxiliary tasks teach about other words, on the words of real reviews and real lexicons.

Where each word has a row of its own, no other word can gain. So, as in `test_word_tasks`, a linear map of fixed vectors
is learned; `analogy` and `spearman` (of judgements) are not there: no linear map of such vectors was seen to help them.
And the embedding in fastText's form is learned, from random rows: words gain by the n-grams that they share.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import nn

from mt2st.embedding import train_word_vectors
from mt2st.embedding.subwords import KnownSubwords, SubwordSettings
from mt2st.evaluation import read_analogies, read_similarity
from mt2st.network import SubwordEmbedding
from mt2st.tasks import (
    AnalogyTask,
    Judgements,
    Lexicon,
    MisalignmentTask,
    Questions,
    SemanticSyntacticTask,
    SpearmanTask,
    read_pairs,
)
from mt2st.text import SPECIALS, Corpus, Tokeniser, Vocabulary, iterate_texts
from tests.tasks.relations_data import MappedTable, hold_out, train_alone

SHARE, STEPS = 0.1, 100


@pytest.fixture(scope="module")
def corpus(shared_data: Path) -> Corpus:
    reviews = islice(iterate_texts(str(shared_data / "imdb5k" / "imdb5k.csv.gz"), text="review"), 2000)
    return Corpus.build(reviews, tokeniser=Tokeniser(), min_count=5)


@pytest.fixture(scope="module")
def vectors(corpus: Corpus) -> tuple[Vocabulary, torch.Tensor]:
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
    task, network = SpearmanTask(parts.train, parts.held_out, variant="elements"), MappedTable(table)
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


class OfNgrams(nn.Module):
    """A network that is nothing but an embedding in fastText's form, at random."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        known = KnownSubwords.of(vocabulary.tokens, SubwordSettings(min_n=3, max_n=6, bucket=100_000))
        rows = torch.randn(known.rows.table_rows, 50, generator=torch.Generator().manual_seed(0))
        self.embedding = SubwordEmbedding(0.1 * rows, known)


@pytest.mark.parametrize(
    ("name", "measure", "gain"),
    [
        ("semantic-syntactic", "cosine", 0.04),
        ("misalignment", "error", -0.04),
        ("analogy", "total_accuracy", 0.02),
        ("spearman", "spearman EN-MEN-TR-3k", 0.02),
        ("spearman, elements", "element_spearman", 0.1),
    ],
)
def test_each_task_alone_improves_other_words_by_the_ngrams_that_they_share(
    name: str, measure: str, gain: float, corpus: Corpus, shared_data: Path
) -> None:
    vocabulary, lexicon = corpus.vocabulary, shared_data / "lexicon"
    task: SemanticSyntacticTask | AnalogyTask | MisalignmentTask | SpearmanTask
    if name in ("semantic-syntactic", "analogy"):
        sections = [each for path in sorted((shared_data / "analogies").glob("*.txt")) for each in read_analogies(path)]
        asked = hold_out(Questions.encode(sections, vocabulary), SHARE)
        task = SemanticSyntacticTask(asked.train, asked.held_out)
        if name == "analogy":
            task = AnalogyTask(asked.train, len(vocabulary), asked.held_out)
    elif name == "misalignment":
        agree, disagree = read_pairs(lexicon / "ppdb_synonyms.txt"), read_pairs(lexicon / "wordnet_antonyms.txt")
        pairs = hold_out(Lexicon.encode(agree, disagree, vocabulary), SHARE)
        task = MisalignmentTask(pairs.train, pairs.held_out)
    else:
        judged = read_similarity(shared_data / "similarity" / "EN-MEN-TR-3k.txt")
        scores = hold_out(Judgements.encode([judged], vocabulary), SHARE)
        task = SpearmanTask(scores.train, scores.held_out, variant="elements" if "elements" in name else "judgements")
    network = OfNgrams(vocabulary)
    before = task.evaluate(network)[measure]
    train_alone(task, network, steps=60, lr=0.01)
    assert (task.evaluate(network)[measure] - before) / gain >= 1
