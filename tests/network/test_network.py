from __future__ import annotations

import copy
import itertools

import pytest
import torch
from torch import Tensor, nn

from mt2st.errors import InputError
from mt2st.network import Network, build_encoder
from mt2st.network.encoders.encoder import POOLINGS
from mt2st.text import PAD

VOCABULARY, VECTOR_SIZE, HIDDEN = 30, 6, 5
EVERY_FORM = [
    pytest.param(encoder, pooling, id=f"{encoder}-{pooling}")
    for encoder, pooling in itertools.product(("bilstm", "mean", "cnn"), POOLINGS)
]


def make_network(encoder: str = "bilstm", pooling: str = "max", **dropouts: float) -> Network:
    torch.manual_seed(3)
    embedding = nn.Embedding(VOCABULARY, VECTOR_SIZE, padding_idx=PAD)
    shared = build_encoder(encoder, vector_size=VECTOR_SIZE, hidden_size=HIDDEN, pooling=pooling)
    return Network(embedding, shared, {"label": nn.Linear(shared.pooled_size, 3)}, **dropouts)


def padded(texts: list[list[int]], extra: int = 0) -> Tensor:
    length = max(map(len, texts)) + extra
    return torch.tensor([text + [PAD] * (length - len(text)) for text in texts])


TEXTS = [[5, 2, 9, 9, 4, 7, 3], [8], [6, 3], [2, 4, 6, 8, 10]]


@pytest.mark.parametrize(("encoder", "pooling"), EVERY_FORM)
@pytest.mark.parametrize("extra", [1, 4, 30])
def test_padding_never_changes_a_result(encoder: str, pooling: str, extra: int) -> None:
    network = make_network(encoder, pooling).eval()
    together = network.logits("label", padded(TEXTS))
    further = network.logits("label", padded(TEXTS, extra))
    alone = torch.cat([network.logits("label", padded([text])) for text in TEXTS])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)
    torch.testing.assert_close(further, alone, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("encoder", "pooling"), EVERY_FORM)
def test_padding_never_changes_a_gradient(encoder: str, pooling: str) -> None:
    gradients = []
    for extra in (0, 7):
        network = make_network(encoder, pooling)
        network.logits("label", padded(TEXTS, extra)).square().sum().backward()
        gradients.append({name: each.grad for name, each in network.named_parameters()})
    assert all(gradient is not None for gradient in gradients[0].values())
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, atol=2e-6, rtol=1e-5, msg=name)


@pytest.mark.parametrize(("encoder", "pooling"), EVERY_FORM)
def test_the_states_of_real_tokens_do_not_depend_on_padding(encoder: str, pooling: str) -> None:
    network = make_network(encoder, pooling).eval()
    states = network.encode(padded(TEXTS, 6)).states
    for row, text in enumerate(TEXTS):
        alone = network.encode(padded([text])).states[0]
        torch.testing.assert_close(states[row, : len(text)], alone, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("encoder", "pooling"), EVERY_FORM)
def test_what_the_row_of_padding_holds_is_never_read_and_gets_no_gradient(encoder: str, pooling: str) -> None:
    network = make_network(encoder, pooling).eval()
    network.embedding = nn.Embedding(VOCABULARY, VECTOR_SIZE)  # without padding_idx, torch itself protects no row
    clean = network.logits("label", padded(TEXTS, 3))
    network.embedding.weight.data[PAD] = 100.0
    logits = network.logits("label", padded(TEXTS, 3))
    torch.testing.assert_close(logits, clean, atol=1e-6, rtol=0)
    logits.sum().backward()
    gradient = network.embedding.weight.grad
    assert gradient is not None
    assert gradient[PAD].abs().max() == 0
    assert gradient[2].abs().max() > 0


def test_dropout_and_word_dropout_act_in_training_only() -> None:
    ids = padded(TEXTS)
    plain = make_network().eval()
    for dropouts in ({"dropout": 0.5}, {"word_dropout": 0.5}):
        network = make_network(**dropouts)
        assert not torch.equal(network.train().logits("label", ids), network.logits("label", ids))
        torch.testing.assert_close(network.eval().logits("label", ids), plain.logits("label", ids), atol=0, rtol=0)


def test_word_dropout_drops_words_whole_at_its_rate() -> None:
    network = make_network("mean", word_dropout=0.3).train()
    network.embedding.weight.data[1:] = 1.0
    states = network.encode(torch.full((50, 200), 7)).states
    kept = states[..., 0]
    assert torch.equal(states, kept.unsqueeze(2).expand_as(states)), (
        "a word is dropped in all its dimensions or in none"
    )
    assert set(kept.unique().tolist()) == {0.0, 1.0}, "what is kept is not scaled"
    assert kept.mean().item() == pytest.approx(0.7, abs=0.02)


def test_each_head_scores_the_same_shared_features() -> None:
    network = make_network().eval()
    network.heads["other"] = nn.Linear(2 * HIDDEN, 2)
    ids = padded(TEXTS)
    pooled = network.encode(ids).pooled
    torch.testing.assert_close(network.logits("label", ids), network.heads["label"](pooled))
    torch.testing.assert_close(network.logits("other", ids), network.heads["other"](pooled))


@pytest.mark.parametrize(("encoder", "pooling"), EVERY_FORM)
def test_a_copy_with_the_same_parameters_gives_the_same_bits(encoder: str, pooling: str) -> None:
    network = make_network(encoder, pooling).eval()
    again = copy.deepcopy(network)
    again.load_state_dict(network.state_dict())
    assert torch.equal(again.logits("label", padded(TEXTS)), network.logits("label", padded(TEXTS)))


def test_an_unknown_encoder_is_rejected_with_the_nearest_name() -> None:
    with pytest.raises(
        InputError, match=r"unknown encoder 'bi-lstm'. Did you mean 'bilstm'\? Known: .bilstm., .cnn., .mean."
    ):
        build_encoder("bi-lstm", vector_size=4)


def test_an_unknown_pooling_is_rejected_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match=r"unknown pooling 'atention'. Did you mean 'attention'\?"):
        build_encoder("bilstm", vector_size=4, hidden_size=3, pooling="atention")
