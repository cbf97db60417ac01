"""Several processes train what one would."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.processes import Team
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from mt2st.embedding.kernels import KERNELS
from mt2st.errors import DivergedError, InputError, LostProcessError
from mt2st.network.network import Standardise
from mt2st.strategy import AdaptiveSwitch, Strategy, Switch, known_strategies
from mt2st.tasks import ContextTask, Texts
from mt2st.training import (
    Callback,
    CheckpointEvery,
    DataLoaderTask,
    DimensionFreezing,
    Feedback,
    MetricsLog,
    Trainer,
    TransitionActions,
)
from mt2st.training import processes as training_processes
from mt2st.training.processes import Alone, current

WORDS, SIZE, TEXTS, LENGTH = 60, 6, 23, 5


@pytest.fixture(scope="module")
def pair() -> Iterator[Team]:
    team = Team(2)
    yield team
    team.end()


class Net(nn.Module):
    """A shared embedding, layers with statistics of their batch, and a head a task; nothing random."""

    def __init__(self, words: int = WORDS) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.embedding = nn.Embedding(words, SIZE)
        self.standardise = Standardise(SIZE)
        self.heads = nn.ModuleDict({name: nn.Linear(SIZE, 2) for name in ("primary", "other")})
        self.double()

    def forward(self, task: str, ids: Tensor) -> Tensor:
        scores: Tensor = self.heads[task](self.standardise(self.embedding(ids).mean(dim=1)))
        return scores


def task(name: str, *, texts: int = TEXTS, batch_size: int = 5, words: int = WORDS) -> DataLoaderTask:
    made = torch.Generator().manual_seed(len(name))
    ids = torch.randint(words, (texts, LENGTH), generator=made)
    data = TensorDataset(ids, (ids.sum(dim=1) + len(name)) % 2)

    def loss(module: nn.Module, batch: Any) -> Tensor:
        return functional.cross_entropy(module(name, batch[0]), batch[1])

    return DataLoaderTask(name, DataLoader(data, batch_size=batch_size, shuffle=True), loss, DataLoader(data, texts))


def trainer(strategy: Strategy | None = None, **arguments: Any) -> Trainer:
    words = arguments.pop("words", WORDS)
    net = Net(words)
    if not arguments.pop("statistics", True):  # which are taken part by part, where parts are computed in turn
        net.standardise = nn.Identity()
    sizes = {name: arguments.pop(name) for name in ("texts", "batch_size") if name in arguments}
    return Trainer(
        net,
        primary=task("primary", words=words, **sizes),
        auxiliaries=arguments.pop("auxiliaries", [task("other", words=words, **sizes)]),
        optimizer=torch.optim.AdamW(
            [
                {"params": net.embedding.parameters(), "weight_decay": 0.0},
                {"params": [*net.standardise.parameters(), *net.heads.parameters()]},
            ],
            lr=0.02,
        ),
        strategy=strategy or Switch(at=2),
        **{"epochs": 3, **arguments},
    )


CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "large table": {"words": 3000},
    "parts": {"accumulate": 2, "statistics": False},
    "clipped and averaged": {"clip_norm": 0.05, "average": 0.9},
    "frozen": {"transition": "fisher"},
    "steered": {"strategy": "adaptive"},
    "combined": {"strategy": "gradient-cosine"},
}


def trained(case: str) -> dict[str, Any]:
    """Train, and return the parameters and the course."""
    arguments = dict(CASES[case])
    if arguments.get("transition"):
        arguments["transition"] = TransitionActions(freezing=DimensionFreezing(0.5, every=1))
    strategy: Any = arguments.pop("strategy", Switch(at=2))
    if strategy == "adaptive":
        strategy, arguments["feedback"] = AdaptiveSwitch(), Feedback(2)
    elif isinstance(strategy, str):
        strategy = known_strategies()[strategy]()
    made = trainer(strategy, **arguments)
    run = made.fit()
    untouched = all(each.grad is None for each in made.module.get_submodule("heads.other").parameters())
    return {
        "parameters": {name: value.clone() for name, value in made.module.state_dict().items()},
        "evaluations": [
            replace(each, train_seconds=0.0, gradient_cosines=rounded(each.gradient_cosines))
            for each in run.evaluations
        ],
        "frozen": run.kept_frozen,
        "decisions": len(run.decisions),
        "head has no gradient": untouched,
    }


def rounded(values: Any) -> dict[str, float]:
    return {name: round(value, 6) for name, value in values.items()}


@pytest.mark.parametrize("case", CASES)
def test_two_processes_train_what_one_does_across_the_switch(pair: Team, case: str) -> None:
    one, results = trained(case), pair.run(trained, case)
    assert not any(isinstance(each, Exception) for each in results), results
    first, second = results
    for name, value in first["parameters"].items():
        assert torch.equal(value, second["parameters"][name]), "to the bit alike in both"
        torch.testing.assert_close(value, one["parameters"][name], atol=1e-8, rtol=1e-8)
    for mine, theirs in zip(one["evaluations"], first["evaluations"], strict=True):
        assert theirs.losses == pytest.approx(mine.losses, rel=1e-8)
        assert theirs.validation == pytest.approx(mine.validation, rel=1e-8)
        assert theirs.gradient_norm == pytest.approx(mine.gradient_norm, rel=1e-7, nan_ok=True)
        assert theirs.gradient_cosines == pytest.approx(mine.gradient_cosines, abs=1e-6)
        assert theirs.weights == mine.weights
    assert first["frozen"] == second["frozen"] == one["frozen"]
    assert first["decisions"] == one["decisions"]
    assert first["head has no gradient"] == one["head has no gradient"] == (case != "steered" and case != "combined")
    assert any(each.weights["other"] == 0 for each in one["evaluations"]) or case in ("steered", "combined")


def few() -> dict[str, Tensor]:
    made = trainer(texts=5, batch_size=1, statistics=False)
    made.fit()
    return {name: value.clone() for name, value in made.module.state_dict().items()}


def test_more_processes_than_texts_in_a_batch(pair: Team) -> None:
    expected = few()
    for found in pair.run(few):
        assert not isinstance(found, Exception), found
        for name, value in found.items():
            torch.testing.assert_close(value, expected[name], atol=1e-8, rtol=1e-8)


def test_accumulated_parts_are_one_batch() -> None:
    whole, parts = trainer(statistics=False), trainer(accumulate=3, statistics=False)
    for made in (whole, parts):
        made.fit()
    for one, other in zip(whole.module.parameters(), parts.module.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-8, rtol=1e-8)
    with pytest.raises(InputError, match="accumulate must be a whole number of at least 1, found 0"):
        trainer(accumulate=0)


class Told(Callback):
    def __init__(self) -> None:
        self.kinds: list[str] = []

    def before_fit(self, trainer: Any) -> None:
        self.kinds.append("before")

    def on_step_end(self, trainer: Any) -> None:
        self.kinds.append("step")

    def on_evaluation(self, trainer: Any, evaluation: Any) -> None:
        self.kinds.append("evaluation")

    def on_event(self, trainer: Any, kind: str, values: Any) -> None:
        self.kinds.append(kind)

    def on_fit_end(self, trainer: Any) -> None:
        self.kinds.append("after")


def with_files(folder: Path, stop_at: int | None, ask: int, **arguments: Any) -> dict[str, Any]:
    """Train with files in a folder for each process, maybe until a process asks to stop."""
    rank = current().rank
    own, told = folder / str(rank), Told()
    own.mkdir(exist_ok=True)
    made = trainer(
        callbacks=[told, MetricsLog(own / "log.jsonl"), CheckpointEvery(own / "checkpoint", resume=True)], **arguments
    )
    if stop_at is not None and rank == ask:  # as a signal would, in this process alone
        step = made._step

        def stepping(*given: Any) -> None:
            step(*given)
            if made.progress.step == stop_at:
                made.stop()

        made._step = stepping  # type: ignore[method-assign]
    run = made.fit()
    return {
        "files": sorted(path.name for path in own.iterdir()),
        "told": told.kinds,
        "steps": made.progress.step,
        "stopped": run.stopped,
        "parameters": {name: value.clone() for name, value in made.module.state_dict().items()},
    }


def test_the_first_process_alone_writes_and_tells(pair: Team, tmp_path: Path) -> None:
    first, second = pair.run(with_files, tmp_path, None, 0)
    assert first["files"] == ["checkpoint", "log.jsonl"]
    assert second["files"] == []
    assert second["told"] == []
    assert first["told"].count("evaluation") == 3
    assert {"before", "step", "transition", "end", "after"} <= set(first["told"])


@pytest.mark.parametrize("ask", [0, 1])
@pytest.mark.parametrize("again", [1, 2])
def test_a_training_stops_in_all_processes_and_goes_on_in_another_number(
    pair: Team, tmp_path: Path, ask: int, again: int
) -> None:
    stopped = pair.run(with_files, tmp_path, 8, ask)
    assert [each["stopped"] for each in stopped] == ["interrupted"] * 2
    assert [each["steps"] for each in stopped] == [8, 8]
    found = pair.run(with_files, tmp_path, None, 0) if again == 2 else [with_files(tmp_path, None, 0)]
    whole = with_files(tmp_path / "whole", None, 0) if (tmp_path / "whole").mkdir() is None else {}
    for each in found:
        assert (each["steps"], each["stopped"]) == (15, "epochs")
        for name, value in each["parameters"].items():
            torch.testing.assert_close(value, whole["parameters"][name], atol=1e-8, rtol=1e-8)


def test_what_one_process_began_two_finish(pair: Team, tmp_path: Path) -> None:
    assert with_files(tmp_path, 4, 0)["steps"] == 4
    (tmp_path / "whole").mkdir()
    whole = with_files(tmp_path / "whole", None, 0)
    for each in pair.run(with_files, tmp_path, None, 0):
        assert each["steps"] == 15
        for name, value in each["parameters"].items():
            torch.testing.assert_close(value, whole["parameters"][name], atol=1e-8, rtol=1e-8)


def diverging(rank: int) -> None:
    made = trainer()
    loss = made.primary.loss

    def broken(module: nn.Module, batch: Any) -> Tensor:
        found = loss(module, batch)
        return found * float("nan") if made.progress.step == 4 and made.processes.rank == rank else found

    made.primary.loss = broken  # type: ignore[method-assign]
    made.fit()


@pytest.mark.parametrize("rank", [0, 1])
def test_a_loss_that_is_not_finite_in_one_process_ends_all_with_the_same_error(pair: Team, rank: int) -> None:
    results = pair.run(diverging, rank)
    assert [type(each) for each in results] == [DivergedError] * 2
    assert str(results[0]) == str(results[1])
    assert "the loss of 'primary' is nan in step 4" in str(results[0])


def context() -> tuple[ContextTask, Any]:
    rng = np.random.default_rng(0)
    topics = rng.integers(0, 2, 400)
    ids = (2 + 29 * topics[:, None] + rng.integers(0, 29, (400, 20))).astype(np.int32).ravel()
    kernel = KERNELS["skipgram"](np.bincount(ids, minlength=WORDS), window=3, sample=0)
    return ContextTask(Texts(ids, np.arange(401) * 20), kernel, SIZE, name="context"), ids


def with_context(strategy: Strategy, failing: bool = False) -> dict[str, Any]:
    made_task, ids = context()
    made = trainer(strategy, auxiliaries=[made_task])
    made.module.float()
    made.optimizer.param_groups[0]["lr"] = 0.001
    words: list[int] = []
    update = made_task.kernel.update

    def counting(*arguments: Any, **named: Any) -> Any:
        words.append(int(arguments[3][-1] - arguments[3][0]))
        if failing and made.processes.rank == 1:
            raise DivergedError("this process's text is too much for it")
        return update(*arguments, **named)

    made_task.kernel.update = counting  # type: ignore[method-assign]
    run = made.fit()
    units = functional.normalize(made.module.embedding.weight[2:].detach(), dim=1)  # type: ignore[union-attr, index]
    cosines, alike = units @ units.T, torch.arange(58)[:, None] // 29 == torch.arange(58) // 29
    return {
        "parameters": {name: value.clone() for name, value in made.module.state_dict().items()},
        "outputs": made_task.outputs.copy(),
        "words": sum(words),
        "all": len(ids),
        "losses": [each.losses.get("context") for each in run.evaluations],
        "apart": float(cosines[alike].mean() - cosines[~alike].mean()),
    }


def test_kernel_tasks_share_the_text_and_their_tables_are_averaged(pair: Team) -> None:
    first, second = pair.run(with_context, Switch(at=3))
    alone = with_context(Switch(at=3))
    for name, value in first["parameters"].items():
        assert torch.equal(value, second["parameters"][name])
    assert np.array_equal(first["outputs"], second["outputs"])
    assert alone["words"] == 2 * alone["all"]
    assert first["words"] + second["words"] == alone["words"]
    assert first["words"] == pytest.approx(alone["words"] / 2, rel=0.1)
    assert first["losses"] == second["losses"]
    assert first["losses"][:2] == pytest.approx(alone["losses"][:2], rel=0.05)
    assert first["apart"] == pytest.approx(alone["apart"], abs=0.15)
    assert first["apart"] > 0.3


def frozen_with_context(relevance: Any, at: int | None) -> dict[str, Any]:
    """Freeze while a kernel moves the table (``at``) or once it is off; the processes' tables differ in between."""
    freezing = DimensionFreezing(0.5, relevance=relevance, at=at, every=1, over=1 if at is None else 2)
    made = trainer(Switch(at=3), auxiliaries=[context()[0]], transition=TransitionActions(freezing=freezing))
    made.module.float()
    run = made.fit()
    return {"freezes": run.freezes, "kept": freezing.state_dict()["kept"], "dimensions": len(freezing.frozen)}


@pytest.mark.parametrize("relevance", ["saliency", "fisher"])
@pytest.mark.parametrize("at", [None, 1])
def test_all_processes_freeze_the_same_entries_while_kernels_move_the_table(
    pair: Team, relevance: str, at: int | None
) -> None:
    first, second = pair.run(frozen_with_context, relevance, at)
    assert not isinstance(first, Exception), first
    assert first["dimensions"] == SIZE // 2
    assert first["freezes"] == second["freezes"]
    assert torch.equal(first["kept"], second["kept"])


def test_numbers_are_summed_on_a_device_that_the_group_reaches(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[str] = []

    def doubled(values: Tensor, operation: Any) -> None:
        used.append(values.device.type)

    monkeypatch.setattr(torch.distributed, "get_backend_config", lambda: "meta:nccl")
    monkeypatch.setattr(torch.distributed, "all_reduce", doubled)
    monkeypatch.setattr(Tensor, "copy_", lambda values, _: values.mul_(2))  # a meta tensor has no values
    values = torch.tensor([1.0, 2.0])
    training_processes._add_up(values)
    assert used == ["meta"]
    assert values.tolist() == [2.0, 4.0]


def test_a_kernel_that_diverges_in_one_process_ends_all(pair: Team) -> None:
    results = pair.run(with_context, Switch(at=3), True)
    assert [type(each) for each in results] == [DivergedError] * 2
    assert str(results[0]) == str(results[1])
    assert "the loss of 'context' is inf in step 1" in str(results[0])


def combining() -> None:
    trainer(known_strategies()["gradient-cosine"](), auxiliaries=[context()[0]])


def test_gradients_are_not_combined_with_what_kernels_do_in_several_processes(pair: Team) -> None:
    for error in pair.run(combining):
        assert isinstance(error, InputError)
        assert "which each process sees for itself: train in one process" in str(error)
    combining()


def slow_training() -> None:
    made = trainer(epochs=100_000)
    made.fit()


def test_the_end_of_one_process_ends_the_other_soon_with_a_message() -> None:
    team = Team(2)
    try:
        assert team.run(trained, "plain")
        team.send(slow_training)
        time.sleep(1)
        started = time.monotonic()
        os.kill(team.processes[1].pid, signal.SIGKILL)
        error = team.receive(0)
        assert time.monotonic() - started < 20
        assert isinstance(error, LostProcessError)
        assert "another process of this training has ended or does not answer, so this one ends too" in str(error)
    finally:
        team.end()


def test_without_a_group_a_process_is_alone() -> None:
    found = current()
    assert (type(found), found.rank, found.count) == (Alone, 0, 1)
    assert found.sums([1.0, 2.0]) == [1.0, 2.0]
    assert found.of_first(lambda: "a") == "a"
    with training_processes.connected() as also:
        assert type(also) is Alone
