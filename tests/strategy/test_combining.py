"""Each strategy that combines gradients: against its closed form, and against TorchJD where it has it."""

from __future__ import annotations

import random
import sys

import numpy as np
import pytest
import torch
from torch import Tensor

from mt2st.errors import MissingExtraError
from mt2st.strategy import MGDA, Bloop, CAGrad, CombiningStrategy, GradientCosine, PCGrad, load_strategy

SCALES = [1e-4, 1.0, 1e3]


def gradients(n_tasks: int, seed: int, scale: float = 1.0, n: int = 12) -> Tensor:
    """Random gradients of different lengths; seeds with and without conflicts."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.logspace(-1, 1, n_tasks).unsqueeze(1)
    return scale * lengths * torch.randn(n_tasks, n, generator=generator)


def combined(strategy: CombiningStrategy, rows: Tensor) -> Tensor:
    before = rows.clone()
    found = torch.stack(strategy.combine(list(rows), ["primary", *map(str, range(1, len(rows)))]))
    assert torch.equal(rows, before), "the gradients are not changed"
    return found


# PCGrad


@pytest.mark.parametrize("scale", SCALES)
def test_pcgrad_projects_two_conflicting_gradients_by_the_closed_form(scale: float) -> None:
    rows = scale * torch.tensor([[2.0, 0.0, 1.0], [-3.0, 1.0, 0.5]])
    a, b = rows
    assert a @ b < 0
    expected = torch.stack([a - (a @ b) / (b @ b) * b, b - (a @ b) / (a @ a) * a])
    found = combined(PCGrad(), rows)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(found[0] @ b, torch.tensor(0.0), atol=1e-5 * scale**2, rtol=0)


def test_pcgrad_leaves_gradients_that_agree_as_they_are() -> None:
    rows = torch.tensor([[2.0, 0.0, 1.0], [3.0, 1.0, 0.5]])
    assert torch.equal(combined(PCGrad(), rows), rows)


@pytest.mark.parametrize("n_tasks", [2, 3, 5])
@pytest.mark.parametrize("scale", SCALES)
def test_pcgrad_sums_to_torchjds(n_tasks: int, scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    class TorchsOrder:
        """Draws the random orders as TorchJD does."""

        def __init__(self, seed: object) -> None:
            pass

        def sample(self, tasks: range, n: int) -> list[int]:
            return torch.randperm(n).tolist()

    aggregation = pytest.importorskip("torchjd.aggregation")
    monkeypatch.setattr(random, "Random", TorchsOrder)
    for seed in range(5):
        rows = gradients(n_tasks, seed, scale)
        torch.manual_seed(seed)
        found = combined(PCGrad(), rows).sum(dim=0)
        torch.manual_seed(seed)
        torch.testing.assert_close(found, aggregation.PCGrad()(rows), rtol=1e-4, atol=1e-4 * scale)


# MGDA


def shortest(a: Tensor, b: Tensor) -> Tensor:
    """The point nearest to 0 on the way from a to b."""
    share = ((a - b) @ a / ((a - b) @ (a - b))).clamp(0, 1)
    return (1 - share) * a + share * b


@pytest.mark.parametrize("scale", SCALES)
def test_mgda_of_two_tasks_is_twice_the_shortest_point_between_them(scale: float) -> None:
    pytest.importorskip("torchjd")
    for seed in range(8):
        rows = gradients(2, seed, scale)
        found = combined(MGDA(), rows).sum(dim=0)
        torch.testing.assert_close(found, 2 * shortest(*rows), rtol=1e-3, atol=1e-4 * scale)
        assert (rows @ found >= -1e-4 * scale**2).all(), "no loss rises"


def test_mgda_counts_orthogonal_gradients_inversely_to_their_squared_lengths() -> None:
    pytest.importorskip("torchjd")
    found = combined(MGDA(), torch.tensor([[1.0, 0.0], [0.0, 3.0]]))
    torch.testing.assert_close(found, 2 * torch.tensor([[0.9, 0.0], [0.0, 0.3]]))


def test_mgda_of_opposite_gradients_stands_still() -> None:
    pytest.importorskip("torchjd")
    rows = torch.tensor([[1.0, -2.0], [-0.5, 1.0]])
    torch.testing.assert_close(combined(MGDA(), rows).sum(dim=0), torch.zeros(2))


# CAGrad


@pytest.mark.parametrize("radius", [0.1, 0.5, 0.9])
def test_cagrad_gains_most_for_the_worst_off_within_its_ball(radius: float) -> None:
    pytest.importorskip("torchjd")
    pytest.importorskip("cvxpy")
    for seed in range(4):
        rows = gradients(2, seed, n=2).double()
        mean = rows.mean(dim=0)
        found = combined(CAGrad(radius=radius), rows).sum(dim=0) / 2
        bound = radius * mean.norm()
        assert (found - mean).norm() <= bound * (1 + 1e-4)
        angles = torch.linspace(0, 2 * torch.pi, 2000, dtype=torch.float64)
        ball = mean + bound * torch.stack([angles.cos(), angles.sin()], dim=1)
        best = (ball @ rows.T).amin(dim=1).max()
        assert (rows @ found).min() >= best - 1e-3 * abs(best) - 1e-6


def test_cagrad_of_radius_0_adds_the_gradients() -> None:
    pytest.importorskip("cvxpy")
    rows = gradients(3, 1)
    torch.testing.assert_close(combined(CAGrad(radius=0.0), rows), rows)


def test_cagrad_and_mgda_are_torchjds_times_the_number_of_tasks() -> None:
    aggregation = pytest.importorskip("torchjd.aggregation")
    rows = gradients(3, 4).double()
    for ours, theirs in (
        (CAGrad(radius=0.4), aggregation.CAGrad(0.4)),
        (MGDA(), aggregation.MGDA()),
    ):
        torch.testing.assert_close(combined(ours, rows).sum(dim=0), 3 * theirs(rows), rtol=1e-4, atol=1e-5)


# Cosine


def test_the_cosine_weighs_auxiliaries_and_leaves_the_primary() -> None:
    rows = gradients(4, 3)
    found = combined(GradientCosine(gate=False), rows)
    cosines = torch.nn.functional.cosine_similarity(rows[1:], rows[:1])
    assert (cosines < 0).any()
    assert (cosines > 0).any()
    assert torch.equal(found[0], rows[0])
    torch.testing.assert_close(found[1:], cosines.clamp(min=0).unsqueeze(1) * rows[1:])
    gated = combined(GradientCosine(gate=True), rows)
    torch.testing.assert_close(gated[1:], (cosines > 0).unsqueeze(1) * rows[1:])


# Bloop


def test_bloop_projects_on_the_running_mean_by_hand() -> None:
    bloop = Bloop(memory=0.5)
    first = combined(bloop, torch.tensor([[2.0, 0.0], [3.0, 4.0]]))
    assert first.tolist() == [[2.0, 0.0], [0.0, 4.0]], "the mean starts as the first gradient"
    second = combined(bloop, torch.tensor([[0.0, 2.0], [3.0, 4.0], [1.0, -1.0]]))
    # m = (1, 1): from (3, 4) goes 3.5 m, from (1, -1) nothing
    assert second.tolist() == [[0.0, 2.0], [-0.5, 0.5], [1.0, -1.0]]


@pytest.mark.parametrize("scale", SCALES)
def test_bloops_auxiliaries_are_orthogonal_to_the_mean(scale: float) -> None:
    bloop = Bloop(memory=0.8)
    mean = gradients(3, 0, scale)[0]
    for seed in range(6):
        rows = gradients(3, seed, scale)
        mean = rows[0] if seed == 0 else 0.8 * mean + 0.2 * rows[0]
        found = combined(bloop, rows)
        assert torch.equal(found[0], rows[0])
        assert ((found[1:] @ mean).abs() <= 1e-5 * found[1:].norm(dim=1) * mean.norm()).all()


def test_pcgrad_draws_its_orders_by_seed_and_step_and_goes_on_from_its_state() -> None:
    rows = gradients(5, 3)
    first, second = PCGrad(), PCGrad()
    assert torch.equal(combined(first, rows), combined(second, rows))
    assert not torch.equal(combined(PCGrad(seed=2), rows), combined(PCGrad(seed=1), rows))
    again = load_strategy(first.state_dict())
    assert isinstance(again, PCGrad)
    assert torch.equal(combined(again, rows), combined(second, rows))


def test_bloop_goes_on_from_its_state() -> None:
    whole, before, after = Bloop(memory=0.7), Bloop(memory=0.7), Bloop(memory=0.7)
    for seed in range(3):
        combined(whole, gradients(2, seed))
        combined(before, gradients(2, seed))
    after.load_state_dict(before.state_dict())
    assert torch.equal(combined(after, gradients(2, 9)), combined(whole, gradients(2, 9)))


# All of them


@pytest.mark.parametrize("strategy", [PCGrad(), GradientCosine(), GradientCosine(gate=True), Bloop()], ids=repr)
def test_arrays_of_numpy_give_what_tensors_give(strategy: CombiningStrategy) -> None:
    again = load_strategy(strategy.state_dict())
    assert isinstance(again, CombiningStrategy)
    for seed in range(3):
        rows = gradients(3, seed).double()
        found = again.combine(list(rows.numpy()), ["primary", "a", "b"])
        np.testing.assert_allclose(np.stack(found), combined(strategy, rows).numpy(), rtol=1e-9)


@pytest.mark.parametrize("strategy", [MGDA(), CAGrad()], ids=repr)
def test_without_torchjd_the_error_names_the_extra(
    strategy: CombiningStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchjd", None)
    name = type(strategy).__name__
    with pytest.raises(MissingExtraError, match=rf"the strategy {name} needs .* pip install 'mt2st\[baselines\]'"):
        strategy.check_requirements()
