"""The trainer with gradients that are combined otherwise than by adding, and with a primary that weighs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.following import Following, StopAfter
from torch import Tensor, nn

from mt2st.errors import InputError
from mt2st.strategy import (
    DWA,
    MGDA,
    Bloop,
    CAGrad,
    CombiningStrategy,
    GradientCosine,
    MultiTask,
    PCGrad,
    PretrainFinetune,
    Strategy,
    UncertaintyWeighting,
)
from mt2st.training import EpochSlice, Feedback, Run, Trainer
from mt2st.training.combination import Combiner

BASELINES: dict[str, Callable[[], Strategy]] = {
    "pretrain-finetune": lambda: PretrainFinetune(at=2),
    "uncertainty": lambda: UncertaintyWeighting(0.1),
    "dwa": lambda: DWA(),
    "pcgrad": lambda: PCGrad(0.8),
    "mgda": lambda: MGDA(0.8),
    "cagrad": lambda: CAGrad(0.8),
    "cosine": lambda: GradientCosine(0.8),
    "bloop": lambda: Bloop(0.8),
}
EXTRA = {"mgda": "torchjd", "cagrad": "cvxpy"}


class Plane(nn.Module):
    """A shared point (two words of two dimensions), a part that the primary has with one auxiliary, and heads."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(2, 2, _weight=torch.tensor([[1.0, 2.0], [0.5, -1.0]]))
        self.deep = nn.Parameter(torch.tensor([0.3, -0.2]))
        self.heads = nn.ParameterDict({name: torch.tensor([1.0]) for name in ("primary", "far", "near")})


@dataclass
class Quadratic:
    """Half the squared distance of the shared point from a goal, which noise moves in each batch; and a head's own."""

    name: str
    goal: Tensor
    deep: float | None = None
    n_batches: int = 5
    noise: float = 0.3
    drawn: int = 0

    def batches(self, *, epoch: int, seed: int) -> Iterator[Tensor]:
        generator = torch.Generator().manual_seed(1000 * seed + 10 * epoch + len(self.name))
        for _ in range(self.n_batches):
            self.drawn += 1
            yield self.noise * torch.randn(2, 2, generator=generator)

    def loss(self, network: nn.Module, batch: Tensor) -> Tensor:
        assert isinstance(network, Plane)
        loss = (network.embedding.weight - self.goal - batch).square().sum() / 2
        if self.deep is not None:
            loss = loss + (network.deep - self.deep).square().sum() / 2
        return loss + network.heads[self.name].square().sum() / 2

    def evaluate(self, network: nn.Module) -> Mapping[str, float]:
        with torch.no_grad():
            return {"accuracy": -self.loss(network, torch.zeros(2, 2)).item()} if self.name == "primary" else {}


@dataclass
class Pull:
    """A kernel task that moves the table a share of the way to a goal."""

    goal: Tensor
    name: str = "watched"
    share: float = 0.05
    moved: list[Tensor] = field(default_factory=list)

    def update(self, table: Tensor, *, weight: float, epoch_slice: EpochSlice) -> float:
        step = weight * self.share * (self.goal - table)
        self.moved.append(step.clone())
        table += step
        return float((self.goal - table).square().sum() / 2)

    def state_dict(self) -> dict[str, Tensor]:
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        pass


HERE, THERE = torch.tensor([[2.0, 1.0], [1.5, 0.0]]), torch.tensor([[-1.0, 2.5], [0.0, -3.0]])


def make_trainer(strategy: Strategy, *auxiliaries: Any, **options: Any) -> Trainer:
    network = Plane()
    settings: dict[str, Any] = {"epochs": 3, "primary": Quadratic("primary", HERE, deep=1.0)} | options
    optimizer = settings.pop("optimizer", torch.optim.SGD)(network.parameters(), lr=0.1)
    combination = settings.pop("combination", None)
    trainer = Trainer(network, optimizer=optimizer, strategy=strategy, auxiliaries=auxiliaries, **settings)
    if combination is not None:
        names = [trainer.primary.name, *(task.name for task in auxiliaries)]
        trainer.combiner = Combiner(combination, network, names)
    return trainer


def everything(strategy: Strategy, **options: Any) -> Trainer:
    """A run with both forms of auxiliaries and an optimizer that remembers."""
    tasks = (Quadratic("far", THERE), Quadratic("near", HERE, deep=-1.0), Pull(THERE))
    return make_trainer(strategy, *tasks, optimizer=torch.optim.AdamW, evaluations_per_epoch=2, **options)


def gradients_by_hand(*tasks: Quadratic) -> list[dict[str, Tensor]]:
    """Each task's gradient in the first step, by parameter."""
    network = Plane()
    found = []
    for task in tasks:
        network.zero_grad(set_to_none=True)
        task.loss(network, next(task.batches(epoch=1, seed=1))).backward()
        found.append({name: each.grad for name, each in network.named_parameters() if each.grad is not None})
    return found


def step_of(trainer: Trainer) -> dict[str, Tensor]:
    """The negative gradient that the first step of SGD took, by parameter."""
    before = {name: each.detach().clone() for name, each in trainer.module.named_parameters()}
    trainer.callbacks.append(StopAfter(1))
    trainer.fit()
    return {name: (before[name] - each.detach()) / 0.1 for name, each in trainer.module.named_parameters()}


# The step


def test_pcgrad_projects_on_the_shared_parameters_and_leaves_heads_their_own() -> None:
    step = step_of(make_trainer(PCGrad(0.5), Quadratic("far", THERE)))
    primary, far = gradients_by_hand(Quadratic("primary", HERE, deep=1.0), Quadratic("far", THERE))
    a, b = primary["embedding.weight"], 0.5 * far["embedding.weight"]
    dot = (a * b).sum()
    assert dot < 0, "the tasks are against each other"
    expected = a - dot / b.square().sum() * b + b - dot / a.square().sum() * a
    torch.testing.assert_close(step["embedding.weight"], expected)
    torch.testing.assert_close(step["deep"], primary["deep"], msg="the primary's alone, so not shared")
    torch.testing.assert_close(step["heads.primary"], primary["heads.primary"])
    torch.testing.assert_close(step["heads.far"], 0.5 * far["heads.far"])
    assert not step["heads.near"].any()


def test_a_projection_reaches_shared_parameters_that_a_task_has_no_gradient_on() -> None:
    far, near = Quadratic("far", THERE), Quadratic("near", HERE, deep=-1.0)
    step = step_of(make_trainer(OnlyFar(), far, near))
    primary, of_far, _ = gradients_by_hand(Quadratic("primary", HERE, deep=1.0), far, near)
    a = torch.cat([primary["embedding.weight"].flatten(), primary["deep"]])
    b = torch.cat([of_far["embedding.weight"].flatten(), torch.zeros(2)])
    expected = b - (a @ b) / (a @ a) * a
    torch.testing.assert_close(torch.cat([step["embedding.weight"].flatten(), step["deep"]]), expected)


class OnlyFar(CombiningStrategy):
    """Keeps the first auxiliary's gradient alone, without what is along the primary's."""

    def combine(self, gradients: Sequence[Any], names: Sequence[str]) -> list[Any]:
        assert list(names) == ["primary", "far", "near"]
        a, b, _ = gradients
        return [0 * a, b - (a @ b) / (a @ a) * a, 0 * a]


class Counted(CombiningStrategy):
    """Changes nothing, and counts."""

    calls = 0

    def combine(self, gradients: Sequence[Any], names: Sequence[str]) -> list[Any]:
        self.calls += 1
        return list(gradients)


class CountedUntil(Counted):
    """The same until the auxiliary tasks go off."""

    def __init__(self, at: int, *, auxiliaries: Sequence[str] | None = None) -> None:
        self.at = at
        super().__init__(auxiliaries=auxiliaries)

    def weight_of(self, task: str, t: int) -> float:
        return 1.0 if t < self.at else 0.0


def test_adding_by_the_seam_is_multi_task_training() -> None:
    plain, seam = everything(MultiTask(0.7)), everything(Counted(0.7))
    plain.fit()
    seam.fit()
    for name, value in plain.module.state_dict().items():
        torch.testing.assert_close(seam.module.state_dict()[name], value, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("strategy", [CountedUntil(at=1), Counted(0.0)], ids=repr)
def test_a_primary_alone_is_not_combined(strategy: Strategy) -> None:
    trainer = everything(strategy)
    trainer.fit()
    assert isinstance(trainer.strategy, Counted)
    assert trainer.strategy.calls == 0
    assert trainer.module.get_parameter("heads.far").grad is None


def test_after_a_switch_auxiliary_parameters_have_no_gradient_and_the_primary_its_own() -> None:
    trainer = everything(CountedUntil(at=2))
    trainer.fit()
    assert isinstance(trainer.strategy, Counted)
    assert trainer.strategy.calls == 5
    assert trainer.module.get_parameter("heads.far").grad is None
    assert trainer.module.get_parameter("deep").grad is not None
    assert [each.task for each in trainer.run.transitions] == ["far", "near", "watched"]


def test_without_a_combination_nothing_is_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("watched", "take", "finish"):
        monkeypatch.setattr(Combiner, name, lambda *_: pytest.fail("it was"))
    trainer = everything(MultiTask())
    assert trainer.combiner is None
    trainer.fit()


def test_a_combination_goes_without_feedback() -> None:
    with pytest.raises(InputError, match="train without feedback"):
        make_trainer(PCGrad(), Quadratic("far", THERE), feedback=Feedback())


# Kernel tasks


@pytest.mark.parametrize("beside", [False, True])
def test_of_a_kernels_displacement_the_part_against_the_primary_is_taken_back(beside: bool) -> None:
    kernel = Pull(THERE)
    trainer = make_trainer(PCGrad(), kernel, parallel_context=beside, primary=Quadratic("primary", HERE, noise=0.0))
    before = trainer.module.get_parameter("embedding.weight").detach().clone()
    step = -0.1 * step_of(trainer)["embedding.weight"]
    displacement = kernel.moved[0]
    if beside:
        return  # where the primary found the table is chance: that it ends is what is tested
    gradient = before + displacement - HERE
    assert (displacement * -gradient).sum() < 0, "they are against each other"
    # The primary's gradient without its part along the displacement goes to the optimizer ...
    unit = displacement / displacement.norm()
    of_optimizer = -0.1 * (gradient - (gradient * unit).sum() * unit)
    # ... and the displacement without its part along the primary's gradient to the table.
    of_kernel = displacement - (displacement * gradient).sum() / gradient.square().sum() * gradient
    torch.testing.assert_close(step, of_optimizer + of_kernel)


def test_bloop_keeps_of_a_displacement_what_is_orthogonal_to_the_primary() -> None:
    kernel = Pull(THERE, share=0.2)
    trainer = make_trainer(Bloop(0.5), kernel, primary=Quadratic("primary", HERE, noise=0.0))
    table = trainer.module.get_parameter("embedding.weight")
    before = table.detach().clone()
    step = -0.1 * step_of(trainer)["embedding.weight"]
    gradient = before + kernel.moved[0] - HERE
    torch.testing.assert_close(((step + 0.1 * gradient) * gradient).sum(), torch.tensor(0.0), atol=1e-5, rtol=0)
    assert (step + 0.1 * gradient).norm() > 0.01


def test_a_displacement_counts_as_long_as_the_primarys_gradient_times_the_tasks_weight() -> None:
    seen: list[float] = []

    class Lengths(Counted):
        def combine(self, gradients: Sequence[Any], names: Sequence[str]) -> list[Any]:
            seen.extend(gradient.norm().item() for gradient in gradients)
            return list(gradients)

    step_of(make_trainer(Lengths(0.25), Pull(THERE, share=1e-4)))
    assert seen[1] == pytest.approx(0.25 * seen[0], rel=1e-3)


@pytest.mark.parametrize(("weight", "same"), [(1.0, True), (0.5, False)])
def test_beside_one_kernel_task_of_weight_1_mgda_is_multi_task_training(weight: float, same: bool) -> None:
    pytest.importorskip("torchjd")
    trainers = [make_trainer(strategy, Pull(THERE)) for strategy in (MGDA(weight), MultiTask(weight))]
    tables = [trainer.module.get_parameter("embedding.weight") for trainer in trainers if trainer.fit()]
    assert torch.allclose(*tables, atol=1e-4) is same


def test_a_kernel_that_moves_nothing_is_left_out() -> None:
    trainer = make_trainer(Counted(), Pull(THERE, share=0.0))
    trainer.fit()
    assert isinstance(trainer.strategy, Counted)
    assert trainer.strategy.calls == 0


# Whole runs


def build(name: str) -> Strategy:
    if name in EXTRA:
        pytest.importorskip(EXTRA[name])
    return BASELINES[name]()


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("step", [3, 5, 8, 11])
def test_an_interrupted_run_goes_on_as_if_it_had_not_been(name: str, step: int, tmp_path: Path) -> None:
    whole = everything(build(name))
    torch.manual_seed(4)
    whole.fit()
    trainer = everything(build(name))
    trainer.callbacks.append(StopAfter(step))
    torch.manual_seed(4)
    trainer.fit()
    trainer.save(tmp_path / "at", identity={})
    torch.manual_seed(99)
    after = everything(build(name))
    after.load(tmp_path / "at", identity={})
    after.fit()
    for key, value in whole.module.state_dict().items():
        assert torch.equal(after.module.state_dict()[key], value), key
    assert [each.weights for each in after.run.evaluations] == [each.weights for each in whole.run.evaluations]
    assert after.strategy.weights(4) == whole.strategy.weights(4)


@pytest.mark.parametrize("name", [name for name in BASELINES if name != "pretrain-finetune"])
def test_with_tasks_that_agree_every_baseline_brings_the_primary_down(name: str) -> None:
    helpers = (Quadratic("near", HERE + 0.2, deep=1.2), Pull(HERE - 0.1))
    trainer = make_trainer(build(name), *helpers, optimizer=torch.optim.AdamW, epochs=12)
    run = trainer.fit()
    assert run.evaluations[-1].losses["primary"] < 0.5 * run.evaluations[0].losses["primary"]
    assert Run.from_dict(json.loads(json.dumps(run.as_dict()))) == run


# A primary that weighs


def test_in_pretraining_the_primary_is_not_computed_and_its_head_stays() -> None:
    heads: list[float] = []
    trainer = everything(PretrainFinetune(at=2))
    trainer.callbacks.append(Following(lambda _: heads.append(trainer.module.get_parameter("heads.primary").item())))
    primary = trainer.primary
    assert isinstance(primary, Quadratic)
    run = trainer.fit()
    assert heads[:5] == [1.0] * 5, "AdamW's weight decay neither"
    assert heads[5] != 1.0
    assert [sorted(each.losses) for each in run.evaluations[1:3]] == [["far", "near", "watched"], ["primary"]]
    assert [each.primary_weight for each in run.evaluations] == [0, 0, 1, 1, 1, 1]
    assert math.isnan(run.evaluations[0].gradient_norm)
    assert [each.step for each in run.transitions] == [6, 6, 6]


def test_the_primarys_weight_scales_its_gradient_and_not_what_is_reported_of_it() -> None:
    class Half(MultiTask):
        def primary_weight(self, t: int) -> float:
            return 0.5

    halved, whole = (make_trainer(kind(), epochs=1) for kind in (Half, MultiTask))
    steps = step_of(halved), step_of(whole)
    torch.testing.assert_close(steps[0]["deep"], 0.5 * steps[1]["deep"])
    again = [
        make_trainer(kind(), epochs=1, primary=Quadratic("primary", HERE, n_batches=1)) for kind in (Half, MultiTask)
    ]
    first, second = (trainer.fit().evaluations[0] for trainer in again)
    assert first.losses == second.losses
    assert first.gradient_norm == pytest.approx(second.gradient_norm)


def test_dwa_weighs_by_the_losses_of_the_run() -> None:
    trainer = make_trainer(DWA(), Quadratic("far", THERE), epochs=4)
    run = trainer.fit()
    first, second, third, _ = run.evaluations
    assert (first.weights, second.weights) == ({"far": 1.0}, {"far": 1.0})
    ratios = {task: second.losses[task] / first.losses[task] for task in ("primary", "far")}
    shares = {task: math.exp(ratio / 2) for task, ratio in ratios.items()}
    assert third.weights["far"] == pytest.approx(2 * shares["far"] / sum(shares.values()))
    assert third.primary_weight == pytest.approx(2 * shares["primary"] / sum(shares.values()))


def test_uncertainty_weighting_learns_from_every_step() -> None:
    losses: list[tuple[float, float]] = []

    class Noting(UncertaintyWeighting):
        def after_step(self, of_auxiliaries: Mapping[str, float], primary_loss: float) -> None:
            super().after_step(of_auxiliaries, primary_loss)
            losses.append((primary_loss, of_auxiliaries["far"]))

    trainer = make_trainer(Noting(0.05), Quadratic("far", THERE))
    trainer.fit()
    assert len(losses) == 15
    log_variances = [0.0, 0.0]
    for step in losses:
        log_variances = [s - 0.05 * (0.5 - math.exp(-s) * loss) for s, loss in zip(log_variances, step, strict=True)]
    assert trainer.strategy.weights(1)["far"] == pytest.approx(math.exp(-log_variances[1]))
    assert trainer.strategy.primary_weight(1) == pytest.approx(math.exp(-log_variances[0]))
