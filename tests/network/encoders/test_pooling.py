from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mt2st.network.encoders.encoder import AttentionPooling, build_pooling

SIZE = 4


def batch(lengths: list[int], seed: int) -> tuple[Tensor, Tensor]:
    states = torch.randn(len(lengths), max(lengths) + 2, SIZE, generator=torch.Generator().manual_seed(seed))
    mask = torch.arange(states.shape[1]) < torch.tensor(lengths).unsqueeze(1)
    return states.double(), mask


def by_loop(name: str, states: Tensor, length: int, attention: AttentionPooling | None) -> list[float]:
    tokens = [states[position].tolist() for position in range(length)]
    columns = list(zip(*tokens, strict=True))
    if name == "max":
        return [max(column) for column in columns]
    if attention is None:
        return [sum(column) / length for column in columns]
    exponentials = [math.exp(attention.score(torch.tensor(token).double()).item()) for token in tokens]
    weights = [each / sum(exponentials) for each in exponentials]
    return [sum(w * value for w, value in zip(weights, column, strict=True)) for column in columns]


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=4),
    st.integers(0, 1000),
    st.sampled_from(["max", "mean", "attention"]),
)
def test_each_pooling_equals_a_plain_loop_over_the_real_tokens(lengths: list[int], seed: int, name: str) -> None:
    torch.manual_seed(seed)
    pooling = build_pooling(name, SIZE).double()
    states, mask = batch(lengths, seed)
    pooled = pooling(states, mask)
    attention = pooling if isinstance(pooling, AttentionPooling) else None
    for row, length in enumerate(lengths):
        assert pooled[row].tolist() == pytest.approx(by_loop(name, states[row], length, attention), abs=1e-9)


@pytest.mark.parametrize("name", ["max", "mean", "attention"])
@pytest.mark.parametrize("rubbish", [1e30, float("inf"), float("nan")])
def test_what_stands_at_padding_is_never_read(name: str, rubbish: float) -> None:
    torch.manual_seed(0)
    pooling = build_pooling(name, SIZE).double()
    states, mask = batch([3, 1, 5], seed=1)
    clean = pooling(states, mask)
    dirty = states.masked_fill(~mask.unsqueeze(2), rubbish).requires_grad_()
    pooled = pooling(dirty, mask)
    assert torch.equal(pooled, clean)
    pooled.sum().backward()
    assert dirty.grad is not None
    assert torch.isfinite(dirty.grad).all()
    assert dirty.grad[~mask].abs().max() == 0


def test_attention_over_one_token_is_the_token() -> None:
    states, mask = batch([1, 1], seed=2)
    torch.testing.assert_close(build_pooling("attention", SIZE).double()(states, mask), states[:, 0])
