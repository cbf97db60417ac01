from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mt2st.network.encoders import BiLSTM

VECTOR_SIZE, HIDDEN = 4, 3


def torch_bilstm(encoder: BiLSTM) -> nn.LSTM:
    """Torch's own bidirectional LSTM with the encoder's weights."""
    lstm = nn.LSTM(VECTOR_SIZE, HIDDEN, batch_first=True, bidirectional=True)
    weights = dict(encoder.forwards.named_parameters())
    weights |= {f"{name}_reverse": value for name, value in encoder.backwards.named_parameters()}
    lstm.load_state_dict(weights)
    return lstm


def run_packed(lstm: nn.LSTM, vectors: Tensor, lengths: list[int]) -> Tensor:
    packed = pack_padded_sequence(vectors, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    states, _ = pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=vectors.shape[1])
    return states


@settings(max_examples=30)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(0, 10_000))
def test_states_and_gradients_equal_torchs_bidirectional_lstm_on_packed_sequences(
    lengths: list[int], seed: int
) -> None:
    torch.manual_seed(seed)
    encoder = BiLSTM(VECTOR_SIZE, HIDDEN)
    lstm = torch_bilstm(encoder)
    vectors = torch.randn(len(lengths), max(lengths) + 2, VECTOR_SIZE)
    mask = torch.arange(vectors.shape[1]) < torch.tensor(lengths).unsqueeze(1)
    ours, theirs = vectors.clone().requires_grad_(), vectors.clone().requires_grad_()
    states = encoder(ours, mask).states * mask.unsqueeze(2)
    expected = run_packed(lstm, theirs, lengths)
    torch.testing.assert_close(states, expected, atol=1e-6, rtol=0)
    factors = torch.randn_like(expected)
    (states * factors).sum().backward()
    (expected * factors).sum().backward()
    assert ours.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-5, rtol=0)
    for name, parameter in encoder.backwards.named_parameters():
        torch.testing.assert_close(parameter.grad, lstm.get_parameter(f"{name}_reverse").grad, atol=1e-5, rtol=1e-4)


def test_the_papers_size_is_the_default() -> None:
    encoder = BiLSTM(10)
    assert encoder.forwards.hidden_size == encoder.backwards.hidden_size == 256
    assert encoder.pooled_size == encoder.state_size == 512
