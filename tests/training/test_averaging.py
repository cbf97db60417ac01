from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mt2st.errors import InputError
from mt2st.training.averaging import ParameterAverage


def network_of(value: float) -> nn.Linear:
    network = nn.Linear(2, 1, bias=False).double()
    nn.init.constant_(network.weight, value)
    return network


def averaged(values: list[float], decay: float) -> float:
    network, average = network_of(0), ParameterAverage(decay)
    for value in values:
        nn.init.constant_(network.weight, value)
        average.update(network)
    average.copy_to(network)
    return network.weight[0, 0].item()


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=40), st.floats(0.01, 0.99))
def test_the_average_is_the_recursion_with_a_rising_decay(values: list[float], decay: float) -> None:
    expected = values[0]
    for step, value in enumerate(values[1:], start=1):
        d = min(decay, (1 + step) / (10 + step))
        expected = d * expected + (1 - d) * value
    assert averaged(values, decay) == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=40), st.floats(0.01, 0.99))
def test_the_average_lies_between_the_extremes(values: list[float], decay: float) -> None:
    assert min(values) - 1e-9 <= averaged(values, decay) <= max(values) + 1e-9


def test_what_is_no_part_of_the_state_is_left_alone() -> None:
    network, average = network_of(1), ParameterAverage(0.5)
    network.register_buffer("mean", torch.tensor(2.0))
    network.register_buffer("given", torch.tensor(2.0), persistent=False)
    average.update(network)
    network.mean.fill_(4.0)
    network.given.fill_(4.0)
    with average.applied(network):
        assert (network.weight[0, 0].item(), network.mean.item(), network.given.item()) == (1, 2, 4)
    assert average.state_dict().keys() == {"value.weight", "value.mean", "steps"}


def test_it_is_lent_to_the_network_in_the_same_memory_and_taken_back() -> None:
    network, average = network_of(1), ParameterAverage(0.5)
    average.update(network)
    nn.init.constant_(network.weight, 3)
    memory = network.weight.data_ptr()
    with average.applied(network):
        assert network.weight.tolist() == [[1, 1]]
        assert network.weight.data_ptr() == memory, "a kernel that writes into this memory must see the same"
    assert network.weight.tolist() == [[3, 3]]


def test_it_is_taken_back_when_the_block_fails() -> None:
    network, average = network_of(1), ParameterAverage(0.5)
    average.update(network)
    nn.init.constant_(network.weight, 3)
    with pytest.raises(ZeroDivisionError), average.applied(network):
        raise ZeroDivisionError
    assert network.weight.tolist() == [[3, 3]]


def test_before_the_first_step_there_is_nothing_to_lend() -> None:
    network = network_of(2)
    with ParameterAverage(0.5).applied(network):
        assert network.weight.tolist() == [[2, 2]]


def test_it_goes_on_from_its_state() -> None:
    first, second = ParameterAverage(0.9), ParameterAverage(0.9)
    network = network_of(0)
    for value in range(20):
        nn.init.constant_(network.weight, value)
        first.update(network)
        if value == 9:
            second.load_state_dict({name: each.clone() for name, each in first.state_dict().items()})
        elif value > 9:
            second.update(network)
    for name, each in first.state_dict().items():
        assert torch.equal(each, second.state_dict()[name])


@pytest.mark.parametrize("decay", [0.0, 1.0, -0.1, float("nan")])
def test_a_decay_out_of_range_is_refused(decay: float) -> None:
    with pytest.raises(InputError, match="above 0 and below 1"):
        ParameterAverage(decay)


def test_running_means_of_features_are_averaged_with_the_parameters_and_counts_are_not() -> None:
    network = nn.BatchNorm1d(1, momentum=1.0)
    average = ParameterAverage(0.5)
    for value in (1.0, 3.0):
        network(torch.tensor([[value], [value]]))
        average.update(network)
    assert network.running_mean is not None
    expected = average.state_dict()["value.running_mean"].item()
    assert 1.0 < expected < 3.0
    with average.applied(network):
        assert network.running_mean.item() == expected
        assert network.num_batches_tracked.item() == 2
    assert network.running_mean.item() == 3.0
