from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from mt2st.errors import InputError
from mt2st.training.task import AuxiliaryStream


class Counting:
    """Gives as many batches in an epoch as it is told, each with its name."""

    name, n_batches = "counting", 0

    def __init__(self, sizes: list[int]) -> None:
        self.sizes = sizes

    def batches(self, *, epoch: int, seed: int) -> Iterator[str]:
        for batch in range(self.sizes[(epoch - 1) % len(self.sizes)]):
            yield f"seed {seed} epoch {epoch} batch {batch}"

    def loss(self, network: nn.Module, batch: str) -> Tensor:
        raise NotImplementedError

    def evaluate(self, network: nn.Module) -> Mapping[str, float]:
        raise NotImplementedError


def test_batches_go_on_from_epoch_to_epoch() -> None:
    stream = AuxiliaryStream(Counting([2, 1]), seed=4)
    assert [stream.draw() for _ in range(4)] == [
        "seed 4 epoch 1 batch 0", "seed 4 epoch 1 batch 1", "seed 4 epoch 2 batch 0", "seed 4 epoch 3 batch 0",
    ]  # fmt: skip


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(0, 12))
def test_a_stream_goes_on_from_its_state(sizes: list[int], drawn: int) -> None:
    whole, first, second = (AuxiliaryStream(Counting(sizes), seed=1) for _ in range(3))
    expected = [whole.draw() for _ in range(drawn + 5)]
    for _ in range(drawn):
        first.draw()
    second.load_state_dict(first.state_dict())
    assert [second.draw() for _ in range(5)] == expected[drawn:]


def test_an_epoch_without_a_batch_is_an_error() -> None:
    stream = AuxiliaryStream(Counting([1, 0]), seed=1)
    stream.draw()
    with pytest.raises(InputError, match="'counting' has no data: it gave no batch in epoch 2"):
        stream.draw()
