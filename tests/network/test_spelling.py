"""Vectors of words as they are spelled."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mt2st.network import Network, Spelling, build_encoder
from mt2st.network.subword_embedding import N_ROWS, SCALE, SIZE
from mt2st.text import PAD, Tokeniser, Vocabulary
from mt2st.text.spelling import OpenSpellings, SpelledWords, spelling_rows

VOCABULARY = Vocabulary.from_counts({"the": 9, "dog": 6}, min_count=1)
WORDS = ["The", "dog", "dogs", "xylophones"]
FIRST = len(VOCABULARY)
IDS = torch.tensor([[FIRST, FIRST + 2, FIRST + 3], [FIRST + 1, PAD, PAD]])


def spelled() -> SpelledWords:
    numbering = OpenSpellings(VOCABULARY, Tokeniser())
    numbering.encode(WORDS)
    return numbering.spelled(N_ROWS)


def spelling() -> Spelling:
    torch.manual_seed(0)
    return Spelling(FIRST, spelled())


def network(word_dropout: float = 0.0) -> Network:
    torch.manual_seed(1)
    added = spelling()
    encoder = build_encoder("mean", vector_size=3 + added.size)
    embedding = nn.Embedding(FIRST, 3, padding_idx=PAD)
    return Network(embedding, encoder, {}, word_dropout=word_dropout, spelling=added)


def test_the_vector_of_a_word_is_the_scaled_sum_over_its_features() -> None:
    added = spelling()
    found = added(IDS)
    assert found.shape == (2, 3, SIZE)
    expected = SCALE * added.table[spelling_rows("dogs", N_ROWS)].sum(dim=0)
    assert torch.allclose(found[0, 1], expected, atol=1e-6)


def test_words_without_their_spelling_have_the_vector_zero() -> None:
    assert not spelling()(torch.arange(FIRST)).any()
    assert not Spelling(FIRST)(torch.arange(FIRST)).any()


def test_its_gradient_reaches_the_features_of_the_batch_alone() -> None:
    added = spelling()
    added(IDS[:1]).sum().backward()
    assert added.table.grad is not None
    touched = added.table.grad.any(dim=1).nonzero().squeeze(1).tolist()
    words = ("The", "dogs", "xylophones")
    assert touched == sorted({row for word in words for row in spelling_rows(word, N_ROWS)})
    shared = set(spelling_rows("dogs", N_ROWS)) & set(spelling_rows("xylophones", N_ROWS))
    assert len(shared) == 2, "the ending -s and the shape"
    assert torch.allclose(added.table.grad[list(shared)], torch.full((2, SIZE), 2 * SCALE))


def test_its_gradient_is_that_of_finite_differences() -> None:
    added = spelling().double()
    table = added.table.detach()[:40].clone().requires_grad_()

    def vectors(rows: torch.Tensor) -> torch.Tensor:
        other = SpelledWords(spelled().words, spelled().rows % 40, spelled().offsets)
        module = Spelling(FIRST, other, nn.Parameter(rows.detach()))
        del module.table
        module.table = rows  # type: ignore[assignment]
        return module(IDS).square()

    assert torch.autograd.gradcheck(vectors, table)


def test_the_encoder_reads_word_vectors_and_spelling_side_by_side() -> None:
    model = network().eval()
    assert model.spelling is not None
    states = model.encode(IDS).states
    assert torch.equal(states[0, 0, :3], model.embedding.weight[VOCABULARY.id_of("the")])
    assert torch.equal(states[..., 3:], model.spelling(IDS))


def test_a_dropped_word_keeps_its_spelling() -> None:
    model = network(word_dropout=0.999999).train()
    assert model.spelling is not None
    states = model.encode(IDS).states
    assert not states[..., :3].any()
    assert torch.equal(states[..., 3:], model.spelling(IDS))


def test_other_words_share_the_table() -> None:
    model = network()
    assert model.spelling is not None
    other = model.spelling.with_words(None)
    assert other.table is model.spelling.table
    assert len(other.words) == FIRST
    assert model.on(model.embedding, other).spelling is other  # type: ignore[arg-type]
    assert model.on(model.embedding).spelling is None  # type: ignore[arg-type]


def test_the_words_of_a_text_are_no_part_of_the_saved_state() -> None:
    assert list(spelling().state_dict()) == ["table"]


@pytest.mark.parametrize("encoder", ["bilstm", "cnn", "mean"])
def test_padding_changes_nothing(encoder: str) -> None:
    torch.manual_seed(1)
    added = spelling()
    shared = build_encoder(encoder, vector_size=3 + added.size, hidden_size=4)
    model = Network(nn.Embedding(FIRST, 3, padding_idx=PAD), shared, {}, spelling=added).eval()
    wide = torch.nn.functional.pad(IDS, (0, 4), value=PAD)
    assert torch.allclose(model.encode(IDS).states[0], model.encode(wide).states[0, :3], atol=1e-6)
