"""The embedding that makes words of their n-grams: its vectors, its gradient, its further words."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mt2st.embedding import SubwordSettings
from mt2st.embedding.subwords import KnownSubwords
from mt2st.network import Network, SubwordEmbedding, build_encoder
from mt2st.tasks.relations import shared_table, vectors_of

TOKENS = ["<pad>", "<unk>", "filming", "film", "films", "dull", "a"]
KNOWN = KnownSubwords.of(TOKENS, SubwordSettings(min_n=3, max_n=4, bucket=3000))
SIZE = 5


def embedding(dtype: torch.dtype = torch.float32, further: list[str] | None = None) -> SubwordEmbedding:
    weight = torch.randn(KNOWN.rows.table_rows, SIZE, generator=torch.Generator().manual_seed(0), dtype=dtype)
    return SubwordEmbedding(weight, KNOWN, KNOWN.bags_of(further) if further else None).to(dtype)


def means(weight: Tensor) -> Tensor:
    """Composes the vocabulary word by word; padding is zero."""
    rows = [torch.from_numpy(KNOWN.rows.of_word(word)).long() for word in range(len(TOKENS))]
    return torch.stack([torch.zeros_like(weight[0]), *(weight[each].mean(dim=0) for each in rows[1:])])


def test_a_words_vector_is_the_mean_of_its_rows_wherever_it_stands() -> None:
    words = embedding()
    ids = torch.tensor([[2, 5, 2, 0], [6, 1, 0, 0]])
    torch.testing.assert_close(words(ids), means(words.weight)[ids])
    assert words(ids[:0]).shape == (0, 4, SIZE)
    assert words(torch.tensor(3)).shape == (SIZE,)
    assert not words(torch.tensor([0, 0])).any()
    torch.testing.assert_close(words.vectors(), means(words.weight))


def test_its_gradient_is_that_of_finite_differences_in_every_row_of_words_and_n_grams() -> None:
    words = embedding(torch.float64, ["filmy", "qzx"])
    ids = torch.tensor([[2, 3, 2, 0], [7, 1, 8, 4]])

    def composed(weight: Tensor) -> Tensor:
        return torch.func.functional_call(words, {"weight": weight}, (ids,))

    weight = words.weight.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(composed, (weight,))
    composed(weight).sum().backward()
    assert weight.grad is not None
    touched = weight.grad.abs().sum(dim=1) > 0
    assert not touched[0], "padding"
    assert not touched[5], "dull is in no text"
    used = np.unique(np.concatenate([KNOWN.rows.of_word(word) for word in (2, 3, 4)]))
    assert touched[torch.from_numpy(used).long()].all()


def test_its_gradient_is_that_of_the_plain_mean() -> None:
    words, ids = embedding(), torch.tensor([[2, 5, 2, 0], [6, 1, 3, 3]])
    factors = torch.randn(2, 4, SIZE, generator=torch.Generator().manual_seed(1))
    (words(ids) * factors).sum().backward()
    weight = words.weight.detach().clone().requires_grad_()
    (means(weight)[ids] * factors).sum().backward()
    torch.testing.assert_close(words.weight.grad, weight.grad)


def test_further_words_are_made_of_the_same_table_and_cost_no_parameter() -> None:
    words = embedding()
    more = words.with_words(KNOWN.bags_of(["filmy", "qzx"]))
    assert more.weight is words.weight
    assert list(more.state_dict()) == ["weight"]
    torch.testing.assert_close(more(torch.tensor([2, 3])), words(torch.tensor([2, 3])))
    assert more(torch.tensor([7])).norm() > 0
    torch.testing.assert_close(more(torch.tensor([8]))[0], words.weight[1], msg="a word with no known n-gram")
    assert more.with_words(None)(torch.tensor([2])).equal(words(torch.tensor([2])))
    torch.testing.assert_close(more.vectors(), words.vectors())


def test_a_network_on_another_embedding_shares_everything_else() -> None:
    words = embedding()
    encoder = build_encoder("mean", vector_size=SIZE)
    network = Network(words, encoder, {"label": nn.Linear(SIZE, 2)}, dropout=0.2, word_dropout=0.1).eval()
    other = network.on(words.with_words(KNOWN.bags_of(["filmy"])))
    assert not other.training
    assert not network.encoder.training
    assert (other.dropout.p, other.word_dropout) == (0.2, 0.1)
    assert all(a is b for a, b in zip(other.parameters(), network.parameters(), strict=True))
    ids = torch.tensor([[2, 3]])
    assert other.logits("label", ids).equal(network.logits("label", ids))
    assert network.train().on(words).training


@pytest.mark.parametrize("shape", [(4, 2), (3, 4)])
def test_tasks_on_words_read_composed_vectors(shape: tuple[int, int]) -> None:
    words = embedding()
    network = Network(words, build_encoder("mean", vector_size=SIZE), {})
    ids = torch.arange(2, 7).repeat(3)[: shape[0] * shape[1]].reshape(shape)
    vectors = vectors_of(shared_table(network, "analogy"), ids)
    torch.testing.assert_close(vectors, means(words.weight)[ids])
    vectors.sum().backward()
    assert words.weight.grad is not None
    assert words.weight.grad[len(TOKENS) :].abs().max() > 0
