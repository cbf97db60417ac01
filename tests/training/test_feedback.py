from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
import torch
from tests.training.planted import SIDE_OF_WORD, Bag, Planted, plant
from torch import Tensor, nn

from mt2st.errors import InputError
from mt2st.strategy import AdaptiveDiminish, AdaptiveSwitch, Diminish, MultiTask, SingleTask, Strategy
from mt2st.strategy.diminish import NEGLIGIBLE
from mt2st.training import EpochSlice, Feedback, MetricsLog, Run, Trainer
from mt2st.training.feedback import StepDirections


def table_of(values: list[list[float]]) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values))


class Alone(nn.Module):
    """A network that is its embedding."""

    def __init__(self, values: list[list[float]]) -> None:
        super().__init__()
        self.embedding = nn.Embedding.from_pretrained(torch.tensor(values), freeze=False)


def square(network: nn.Module, number: int) -> float:
    """A validation loss that is the square of the embedding."""
    assert isinstance(network, Alone)
    return float(network.embedding.weight.square().sum())


def test_the_cosine_is_taken_over_the_words_that_the_primary_moves() -> None:
    table = table_of([[0.0, 0.0]] * 4)
    probe = StepDirections(table)
    table.grad = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0], [0.0, 0.0]])
    probe.take("primary")
    table.grad = table.grad + torch.tensor([[3.0, 0.0], [0.0, 0.0], [9.0, 9.0], [0.0, 0.0]])
    probe.take("first")
    table.grad = table.grad + torch.tensor([[-1.0, 0.0], [0.0, -2.0], [7.0, 7.0], [0.0, 0.0]])
    probe.take("second")
    table.grad = table.grad + torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [5.0, 0.0]])
    probe.take("elsewhere")
    cosines = probe.cosines(probe.directions())
    assert cosines["first"] == pytest.approx(3 / (3 * math.sqrt(5)))
    assert cosines["second"] == pytest.approx(-1)
    assert math.isnan(cosines["elsewhere"])


def test_the_displacement_of_a_kernel_is_its_direction() -> None:
    table = table_of([[0.0, 0.0], [0.0, 0.0]])
    probe = StepDirections(table)

    def job() -> float:
        table.data += torch.tensor([[0.1, 0.0], [0.3, 0.0]])
        return 0.7

    assert probe.watched("context", job, 1.0)() == 0.7
    table.grad = torch.tensor([[-2.0, 0.0], [0.0, 0.0]])  # the primary wants the first word to move the same way
    probe.take("primary")
    assert probe.cosines(probe.directions())["context"] == pytest.approx(1)
    assert probe.before is not None
    assert probe.before.tolist() == [[0, 0], [0, 0]]


def test_the_gain_is_that_of_the_steps_alone_and_leaves_no_trace() -> None:
    network = Alone([[1.0, 0.0], [2.0, 0.0]])
    table = network.embedding.weight
    feedback = Feedback(1, look_ahead=square)
    probe = StepDirections(table)

    def job() -> float:
        table.data[1, 0] = 1.0
        return 0.0

    probe.watched("kernel", job, 1.0)()
    table.grad = torch.zeros(2, 2)
    probe.take("primary")
    table.grad = torch.tensor([[5.0, 0.0], [0.0, 0.0]])
    probe.take("towards 0")
    table.grad = table.grad + torch.tensor([[0.0, 0.0], [-5.0, 0.0]])
    probe.take("away from 0")
    feedback.measure(network, table, probe, learning_rate=0.5)
    assert table.tolist() == [[1, 0], [1, 0]], "what the kernel did stays, nothing else"
    gains = feedback.take()["gain"]
    assert gains["kernel"] == pytest.approx((5 - 2) / 5)
    assert gains["towards 0"] == pytest.approx((5 - 4.25) / 5), "a step of the learning rate in each entry"
    assert gains["away from 0"] == pytest.approx((5 - 7.25) / 5)


def test_an_optimizer_without_the_embedding_is_refused() -> None:
    network = Bag(1)
    optimizer = torch.optim.SGD(network.heads.parameters(), lr=0.1)
    with pytest.raises(InputError, match=r"module.embedding.weight, which the optimizer does not have: add it"):
        Feedback(1).watch(network, optimizer, 1)


def test_directions_on_the_primarys_rows_alone_sees_the_same_cosines() -> None:
    torch.manual_seed(1)
    cosines = []
    start, moves, gradients = torch.randn(6, 3), torch.randn(2, 6, 3), torch.randn(3, 6, 3)
    gradients[0, [0, 3]] = 0
    for whole in (True, False):
        table = nn.Parameter(start.clone())
        probe = StepDirections(table, whole=whole)
        for number, move in enumerate(moves):
            probe.watched(f"kernel {number}", lambda move=move, table=table: float(table.data.add_(move).sum()), 1.0)()
        table.grad = gradients[0].clone()
        probe.take("primary")
        for number, gradient in enumerate(gradients[1:]):
            table.grad += gradient
            probe.take(f"task {number}")
        directions = probe.directions()
        assert {len(each) for each in directions.values()} == {6 if whole else 4}
        cosines.append(probe.cosines(directions))
    assert cosines[0] == pytest.approx(cosines[1])
    moved = -gradients[0][[1, 2, 4, 5]].flatten()
    expected = torch.cosine_similarity(moved, moves[1][[1, 2, 4, 5]].flatten(), dim=0)
    assert cosines[0]["kernel 1"] == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize(("n_tasks", "expected"), [(1, [0, 4, 8]), (2, [0, 6]), (3, [0, 8]), (5, [0])])
def test_look_aheads_are_as_seldom_as_their_forward_passes_are_many(n_tasks: int, expected: list[int]) -> None:
    network = Alone([[1.0, 0.0]])
    feedback, numbers = Feedback(1, look_ahead=lambda _, number: numbers.append(number) or 1.0), []  # type: ignore[func-returns-value]
    done = []
    for measurement in range(10):
        probe = feedback.watch(network, torch.optim.SGD(network.parameters(), lr=0.1), 1)
        assert probe is not None
        network.embedding.weight.grad = torch.ones(1, 2)
        probe.take("primary")
        for task in range(n_tasks):
            network.embedding.weight.grad = network.embedding.weight.grad + 1.0
            probe.take(str(task))
        before = len(numbers)
        probe.finish()
        if len(numbers) > before:
            assert numbers[before:] == [len(done)] * (n_tasks + 1)
            done.append(measurement)
    assert done == expected


def test_the_means_are_taken_and_begun_anew() -> None:
    feedback = Feedback(1)
    for cosine in (1.0, 0.0, math.nan, -0.5):
        feedback._add("cosine", "a", cosine)
    assert feedback.take()["cosine"] == {"a": pytest.approx(0.5 / 3)}
    assert feedback.take() == {"cosine": {}, "gain": {}}


def test_it_measures_every_few_steps_beginning_with_the_first() -> None:
    network = Alone([[1.0, 0.0]])
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    assert [step for step in range(1, 12) if Feedback(5).watch(network, optimizer, step)] == [1, 6, 11]


@pytest.mark.parametrize("every", [7, 10**9])
def test_every_evaluation_knows_both_signals_of_every_task_at_one_look_ahead_more(every: int) -> None:
    """Epochs of four steps, and feedback seldom enough to miss most of them."""
    calls: list[int] = []
    planted, network = plant(6), Bag(6)

    def look_ahead(network: nn.Module, number: int) -> float:
        calls.append(number)
        return planted.primary.evaluate(network)["loss"]

    run = Trainer(
        network, primary=planted.primary, optimizer=torch.optim.Adam(network.parameters(), lr=0.02),
        strategy=MultiTask(), auxiliaries=[planted.helpful, planted.harmful], epochs=6, seed=6,
        feedback=Feedback(every, look_ahead=look_ahead, look_ahead_every=100),
    ).fit()  # fmt: skip
    for evaluation in run.evaluations:
        assert evaluation.gains.keys() == evaluation.gradient_cosines.keys() == {"helpful", "harmful"}
    assert len(calls) == 6 * 3, "of each epoch one look-ahead: without a step, and with each task's"


@pytest.mark.parametrize(
    ("arguments", "name"), [({"every": 0}, "every"), ({"look_ahead_every": 0}, "look_ahead_every")]
)
def test_wrong_numbers_are_refused(arguments: dict[str, int], name: str) -> None:
    with pytest.raises(InputError, match=f"{name} must be a whole number of at least 1, found 0"):
        Feedback(**arguments)  # type: ignore[arg-type]


def test_it_needs_an_embedding() -> None:
    planted = plant(1)
    network = nn.Linear(2, 2)
    with pytest.raises(InputError, match=r"feedback needs the shared embedding as module\.embedding\.weight"):
        Trainer(
            network, primary=planted.primary, optimizer=torch.optim.SGD(network.parameters(), lr=0.1),
            strategy=SingleTask(), epochs=1, feedback=Feedback(),
        )  # fmt: skip


SEEDS, EPOCHS = range(20, 30), 14


def trained(
    planted: Planted,
    strategy: Strategy,
    seed: int,
    *,
    log: Path | None = None,
    look_ahead: bool = False,
    every: int = 1,
    look_ahead_every: int = 4,
    auxiliaries: Sequence[str] = ("helpful", "harmful"),
) -> tuple[Run, float]:
    torch.manual_seed(seed)
    network = Bag(seed)

    def validation_loss(network: nn.Module, number: int) -> float:
        return planted.primary.evaluate(network)["loss"]

    feedback = Feedback(every, look_ahead=validation_loss if look_ahead else None, look_ahead_every=look_ahead_every)
    run = Trainer(
        network,
        primary=planted.primary,
        # The decay keeps the primary from learning its few texts by heart, after which nothing helps it any more.
        optimizer=torch.optim.AdamW(network.parameters(), lr=0.05, weight_decay=1),
        strategy=strategy,
        auxiliaries=[task for task in (planted.helpful, planted.harmful) if task.name in auxiliaries],
        epochs=EPOCHS,
        seed=seed,
        feedback=feedback,
        callbacks=[MetricsLog(log)] if log else [],
    ).fit()
    with torch.no_grad():
        accuracy = (network(planted.test[0], "primary").argmax(dim=1) == planted.test[1]).float().mean().item()
    return run, accuracy


@cache
def accuracy_of_fixed(seed: int, *auxiliaries: str) -> float:
    """Accuracy with these tasks on all the time."""
    return trained(plant(seed), MultiTask(), seed, every=10**9, auxiliaries=auxiliaries)[1]


def mean_accuracy(*auxiliaries: str) -> float:
    return sum(accuracy_of_fixed(seed, *auxiliaries) for seed in SEEDS) / len(SEEDS)


def test_the_planted_tasks_do_what_they_are_called_though_each_has_its_own_head() -> None:
    single = mean_accuracy()
    assert mean_accuracy("helpful") > single + 0.05
    assert mean_accuracy("harmful") < single - 0.05
    assert single < mean_accuracy("helpful", "harmful") < mean_accuracy("helpful") - 0.03


ADAPTIVE = {
    "switch": lambda: AdaptiveSwitch(patience=100),
    "diminish": lambda: AdaptiveDiminish(0.2, negligible=0.1),
    "switch by gain": lambda: AdaptiveSwitch(patience=100, signal="gain"),
    "diminish by gain": lambda: AdaptiveDiminish(0.2, signal="gain"),
}


@pytest.mark.parametrize("name", ADAPTIVE)
def test_a_contradicting_task_is_off_early_and_a_helpful_one_stays(name: str) -> None:
    """On planted data, ten seeds (others than those that the data and the defaults were chosen on).

    In fourteen epochs at its default decay rate, a diminishing task is gone unless it helps all the time, so it is 0.2.
    """
    adaptive, off = [], []
    for seed in SEEDS:
        run, accuracy = trained(plant(seed), ADAPTIVE[name](), seed, look_ahead="gain" in name)
        adaptive.append(accuracy)
        assert [each.task for each in run.transitions] == ["harmful"], f"seed {seed}"
        off.append(run.transitions[0].epoch)
        assert run.evaluations[-1].weights["helpful"] > (0.1 if "gain" not in name else NEGLIGIBLE)
    mean = sum(adaptive) / len(SEEDS)
    assert sum(off) / len(SEEDS) <= EPOCHS / 2
    assert mean >= mean_accuracy() + 0.05
    assert mean > mean_accuracy("helpful", "harmful")


def test_every_decision_is_logged_with_its_cause_and_numbers(tmp_path: Path) -> None:
    run, _ = trained(plant(3), ADAPTIVE["switch"](), 3, log=tmp_path / "metrics.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    logged = [each for each in lines if each["event"] == "decision"]
    assert [each["task"] for each in logged] == [each.task for each in run.decisions] == ["harmful"]
    assert logged[0]["numbers"]["smoothed cosine"] < 0
    assert "cosine with the primary task was too low" in logged[0]["cause"]
    assert Run.from_dict(run.as_dict()) == run


def test_measuring_changes_nothing() -> None:
    planted = plant(5)
    often, never = (
        trained(planted, MultiTask(), 5, every=every, look_ahead=every == 1, look_ahead_every=1)[0]
        for every in (1, 10**9)
    )
    assert [each.validation for each in often.evaluations] == [each.validation for each in never.evaluations]
    assert often.evaluations[-1].gradient_cosines.keys() == {"helpful", "harmful"}
    assert often.evaluations[-1].gains.keys() == {"helpful", "harmful"}


class Push:
    """A kernel task that moves all words along a fixed direction, with or against what the primary's head reads."""

    def __init__(self, name: str, network: Bag, sign: float) -> None:
        self.name, self.network, self.sign = name, network, sign

    def update(self, table: Tensor, *, weight: float, epoch_slice: EpochSlice) -> float:
        head = self.network.heads["primary"]
        assert isinstance(head, nn.Linear)
        step = ((head.weight[1] - head.weight[0]) * self.network.shared.weight[0]).detach()
        lean = torch.where(SIDE_OF_WORD == 1, 1.0, -1.0)
        table += 0.01 * weight * self.sign * lean[:, None] * step
        return 0.0

    def state_dict(self) -> dict[str, Tensor]:
        return {}

    def load_state_dict(self, state: object) -> None:
        pass


@pytest.mark.parametrize("beside", [False, True])
def test_kernel_tasks_are_measured_by_their_displacement(beside: bool) -> None:
    planted, network = plant(2), Bag(2)
    run = Trainer(
        network, primary=planted.primary, optimizer=torch.optim.Adam(network.parameters(), lr=0.01),
        strategy=MultiTask(), auxiliaries=[Push("with", network, 1), Push("against", network, -1)],
        epochs=2, seed=2, feedback=Feedback(1), parallel_context=beside,
    ).fit()  # fmt: skip
    for evaluation in run.evaluations:
        assert evaluation.gradient_cosines["with"] > 0.2
        assert evaluation.gradient_cosines["against"] == pytest.approx(-evaluation.gradient_cosines["with"], abs=1e-3)


def test_a_strategy_of_a_fixed_course_takes_no_notice() -> None:
    run, _ = trained(plant(4), Diminish(0.3), 4)
    assert run.decisions == []
