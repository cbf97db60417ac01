from __future__ import annotations

import pytest
import torch
from torch import nn

from mt2st.network.encoders import CNN


def test_each_state_sees_its_window_of_words_and_zeros_beyond_the_text() -> None:
    torch.manual_seed(0)
    encoder = CNN(2, channels=3, widths=(1, 3))
    vectors = torch.randn(1, 6, 2)
    length = 4
    states = encoder(vectors, (torch.arange(6) < length).unsqueeze(0)).states[0]
    expected: list[list[float]] = []
    for position in range(length):
        row: list[float] = []
        for convolution in encoder.convolutions:
            assert isinstance(convolution, nn.Conv1d)
            assert convolution.bias is not None
            (width,) = convolution.kernel_size
            for channel in range(3):
                total = convolution.bias[channel].item()
                for offset in range(width):
                    at = position + offset - width // 2
                    if 0 <= at < length:
                        total += (convolution.weight[channel, :, offset] @ vectors[0, at]).item()
                row.append(max(total, 0.0))
        expected.append(row)
    for position in range(length):
        assert states[position].tolist() == pytest.approx(expected[position], abs=1e-6)


def test_its_text_vector_joins_the_widths() -> None:
    assert CNN(8, channels=5, widths=(1, 3, 5)).pooled_size == 15
