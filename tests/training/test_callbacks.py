# callbacks and strategies take what they are given
from __future__ import annotations

import json
import math
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.following import StopAfter
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from mt2st import _checkpoint, _files
from mt2st.errors import InputError, NotKeptWarning, NotWrittenError
from mt2st.strategy import Observation, Strategy, Switch
from mt2st.training import (
    Callback,
    CheckpointEvery,
    DataLoaderTask,
    EarlyStopping,
    Evaluation,
    MetricsLog,
    Trainer,
)
from mt2st.training.callbacks import EVENTS, finite
from mt2st.training.checkpoint import write_checkpoint


def make_trainer(*callbacks: Callback, epochs: int = 4, **options: Any) -> Trainer:
    torch.manual_seed(2)
    module = nn.ModuleDict({name: nn.Linear(3, 1) for name in ("a", "b")})
    points = torch.randn(32, 3, generator=torch.Generator().manual_seed(1))

    def task(name: str, column: int) -> DataLoaderTask:
        def loss(module: nn.Module, batch: list[Tensor]) -> Tensor:
            return nn.functional.mse_loss(module.get_submodule(name)(batch[0]), batch[1])

        data = TensorDataset(points, points[:, column : column + 1])
        return DataLoaderTask(name, DataLoader(data, batch_size=8, shuffle=True), loss, DataLoader(data, batch_size=32))

    settings: dict[str, Any] = {"strategy": Switch(at=3)} | options
    return Trainer(
        module,
        primary=task("a", 0),
        auxiliaries=[task("b", 1)],
        optimizer=torch.optim.Adam(module.parameters(), lr=0.05),
        epochs=epochs,
        callbacks=callbacks,
        **settings,
    )


class Everything(Callback):
    def __init__(self) -> None:
        self.calls: list[str] = []

    def before_fit(self, trainer: Trainer) -> None:
        self.calls.append("before")

    def on_fit_start(self, trainer: Trainer) -> None:
        self.calls.append("start")

    def on_step_end(self, trainer: Trainer) -> None:
        self.calls.append(f"step {trainer.progress.step}")

    def on_evaluation(self, trainer: Trainer, evaluation: Evaluation) -> None:
        self.calls.append(f"evaluation {evaluation.epoch}")

    def on_event(self, trainer: Trainer, kind: str, values: Mapping[str, Any]) -> None:
        assert kind in EVENTS
        self.calls.append(f"{kind} {values['step']}")

    def on_fit_end(self, trainer: Trainer) -> None:
        self.calls.append(trainer.run.stopped)


def test_calls_come_in_the_order_of_the_training() -> None:
    everything = Everything()
    make_trainer(everything, epochs=3).fit()
    assert everything.calls == [
        "before", "start", *(f"step {step}" for step in (1, 2, 3, 4)), "evaluation 1",
        *(f"step {step}" for step in (5, 6, 7, 8)), "evaluation 2",
        "transition 9", *(f"step {step}" for step in (9, 10, 11, 12)), "evaluation 3", "end 12",
        "epochs",
    ]  # fmt: skip


@pytest.mark.parametrize("failing", ["before_fit", "on_fit_start", "on_step_end"])
def test_the_end_is_reported_after_an_error_too(failing: str) -> None:
    class Failing(Callback):
        pass

    def fail(self: Callback, trainer: Trainer) -> None:
        raise KeyboardInterrupt

    setattr(Failing, failing, fail)
    everything = Everything()
    with pytest.raises(KeyboardInterrupt):
        make_trainer(everything, Failing()).fit()
    assert everything.calls[0] == "before"
    assert everything.calls[-1] == "epochs"


def records(path: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [{key: value for key, value in each.items() if key != "train_seconds"} for each in found]


@pytest.mark.parametrize("step", [1, 4, 8, 9, 14])
def test_the_log_of_a_training_that_goes_on_is_that_of_one_without_a_break(step: int, tmp_path: Path) -> None:
    make_trainer(MetricsLog(tmp_path / "whole.jsonl")).fit()
    log, checkpoint = tmp_path / "log.jsonl", tmp_path / "checkpoint"

    class SaveAt(Callback):  # the training is killed some steps after its checkpoint, with more in its log
        def on_step_end(self, trainer: Trainer) -> None:
            if trainer.progress.step == step:
                trainer.save(checkpoint)

    make_trainer(SaveAt(), StopAfter(step + 5), MetricsLog(log)).fit()
    with log.open("a", encoding="utf-8") as file:
        file.write('{"event": "evalu')
    make_trainer(CheckpointEvery(checkpoint, resume=True), MetricsLog(log)).fit()
    assert records(log) == records(tmp_path / "whole.jsonl")


def test_a_log_keeps_the_runs_before(tmp_path: Path) -> None:
    make_trainer(MetricsLog(tmp_path / "whole.jsonl")).fit()
    log, whole = tmp_path / "log.jsonl", records(tmp_path / "whole.jsonl")
    make_trainer(MetricsLog(log)).fit()
    make_trainer(StopAfter(5), MetricsLog(log)).fit()
    with log.open("a", encoding="utf-8") as file:
        file.write('{"event": "evalu')
    make_trainer(StopAfter(14), CheckpointEvery(tmp_path / "at"), MetricsLog(log)).fit()
    assert records(log) == [*whole, whole[0], *(each for each in whole if each["step"] <= 14)]
    make_trainer(CheckpointEvery(tmp_path / "at", resume=True), MetricsLog(log)).fit()
    assert records(log) == [*whole, whole[0], *whole]


@pytest.mark.parametrize("content", ["a,b\n1,2\n", '{"event": "click", "step": 3}\n', "notes", "\n"])
def test_a_file_that_is_no_log_is_refused_before_the_training(content: str, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(content, encoding="utf-8")
    everything = Everything()
    with pytest.raises(InputError, match=r"data.csv is no log of a training: .* choose another file"):
        make_trainer(everything, MetricsLog(path)).fit()
    assert everything.calls == ["before", "epochs"]
    assert path.read_text(encoding="utf-8") == content


def test_an_empty_file_is_a_log_to_begin(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").touch()
    make_trainer(MetricsLog(tmp_path / "log.jsonl")).fit()
    assert records(tmp_path / "log.jsonl")


def test_a_training_that_goes_on_starts_where_its_checkpoint_ends(tmp_path: Path) -> None:
    class Start(Callback):
        def on_fit_start(self, trainer: Trainer) -> None:
            starts.append(trainer.progress.step)

    starts: list[int] = []
    make_trainer(Start(), StopAfter(6), CheckpointEvery(tmp_path / "at")).fit()
    make_trainer(Start(), CheckpointEvery(tmp_path / "at", resume=True)).fit()
    assert starts == [0, 6]


class OffOnceMeasured(Strategy):
    """Ends the auxiliary tasks after the second evaluation."""

    off_is_final = False
    learned = ("count",)

    def __init__(self, *, auxiliaries: list[str] | None = None) -> None:
        self.count = 0
        super().__init__(auxiliaries)

    def weight_of(self, task: str, t: int) -> float:
        return float(self.count < 2)

    def after_evaluation(self, observation: Observation) -> None:
        self.count += 1
        self._decide("b", "off", "measured", {"count": np.float32(self.count)}, observation)  # type: ignore[dict-item]


@pytest.mark.parametrize("average", [None, 0.9])
@pytest.mark.parametrize("evaluation", [1, 2, 4])
def test_a_checkpoint_of_an_evaluation_goes_on_as_if_nothing_had_been(
    evaluation: int, average: float | None, tmp_path: Path
) -> None:
    class SaveAt(Callback):
        def on_evaluation(self, trainer: Trainer, found: Evaluation) -> None:
            if len(trainer.run.evaluations) == evaluation:
                trainer.save(tmp_path / "at")

    def trainer(*callbacks: Callback) -> Trainer:
        stopping = EarlyStopping(patience=1, minimum_gain=1e9)  # ends after the second evaluation, or the fourth
        stopping.earliest = max(2, evaluation)
        return make_trainer(*callbacks, epochs=6, strategy=OffOnceMeasured(), average=average, early_stopping=stopping)

    whole = trainer(MetricsLog(tmp_path / "whole.jsonl"), SaveAt())
    expected = whole.fit()
    (tmp_path / "log.jsonl").write_bytes((tmp_path / "whole.jsonl").read_bytes())
    after = trainer(CheckpointEvery(tmp_path / "at", resume=True), MetricsLog(tmp_path / "log.jsonl"))
    run = after.fit()
    assert (run.stopped, run.best, run.decisions) == (expected.stopped, expected.best, expected.decisions)
    assert [each.losses for each in run.evaluations] == [each.losses for each in expected.evaluations]
    assert records(tmp_path / "log.jsonl") == records(tmp_path / "whole.jsonl")
    for name, value in whole.module.state_dict().items():
        assert torch.equal(after.module.state_dict()[name], value), name


def test_checkpoints_come_by_time_and_when_a_training_is_interrupted(tmp_path: Path) -> None:
    saved: list[int] = []

    class Noting(Trainer):
        def save(self, folder: Any, *, identity: Mapping[str, Any] | None = None) -> None:
            saved.append(self.progress.step)
            super().save(folder, identity=identity)

    def trained(*callbacks: Callback) -> str:
        trainer = make_trainer(*callbacks)
        trainer.__class__ = Noting
        return trainer.fit().stopped

    assert trained(CheckpointEvery(tmp_path / "a", seconds=0.0)) == "epochs"
    assert saved == list(range(1, 17))
    saved.clear()
    assert trained(CheckpointEvery(tmp_path / "b"), StopAfter(6)) == "interrupted"
    assert saved == [4, 6]  # the end of the first epoch, and the interruption


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_of_other_files_is_refused_before_the_training(*, resume: bool, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    everything = Everything()
    with pytest.raises(InputError, match="choose another folder"):
        make_trainer(everything, CheckpointEvery(tmp_path, resume=resume)).fit()
    assert everything.calls == ["before", "epochs"]
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_empty_folder_is_one_to_begin_in(tmp_path: Path) -> None:
    make_trainer(CheckpointEvery(tmp_path, resume=True), StopAfter(2)).fit()
    assert (tmp_path / "manifest.json").is_file()


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path) -> None:
    make_trainer(CheckpointEvery(tmp_path / "at", identity={"data": {"rows": 3}}), StopAfter(2)).fit()
    again = CheckpointEvery(tmp_path / "at", identity={"data": {"rows": 4}}, resume=True)
    with pytest.raises(InputError, match="is of another run: .*rows was 3 there and is 4 now"):
        make_trainer(again).fit()


def test_numbers_that_json_lacks_become_none() -> None:
    assert finite({"a": math.nan, "b": {"c": math.inf, "d": 1.0}}) == {"a": None, "b": {"c": None, "d": 1.0}}


# A strategy of somebody else


class Wave(Strategy):
    """Full weight in odd steps, half of it in even ones, none after the loss of the primary has halved."""

    needs_losses = True
    off_is_final = False

    def __init__(self, weight: float = 0.8, *, auxiliaries: list[str] | None = None) -> None:
        self.weight = weight
        self.first: float | None = None
        self.halved = False
        super().__init__(auxiliaries, unit="step")

    def weight_of(self, task: str, t: int) -> float:
        return 0.0 if self.halved else self.weight * (1.0 if t % 2 else 0.5)

    def after_step(self, losses: Mapping[str, float], primary_loss: float) -> None:
        self.first = self.first or primary_loss
        self.halved |= primary_loss < self.first / 2

    def learned_state(self) -> dict[str, Any]:
        return {"first": self.first, "halved": self.halved}

    def load_learned_state(self, state: Mapping[str, Any]) -> None:
        self.first, self.halved = state["first"], state["halved"]


@pytest.mark.parametrize("step", [3, 9])
def test_a_users_own_strategy_goes_on_from_a_checkpoint(step: int, tmp_path: Path) -> None:
    whole = make_trainer(strategy=Wave())
    expected = whole.fit()
    first = make_trainer(StopAfter(step), strategy=Wave())
    first.fit()
    first.save(tmp_path / "at")
    second = make_trainer(strategy="wave")  # by the name under which the class is registered
    second.load(tmp_path / "at")
    assert isinstance(second.strategy, Wave)
    run = second.fit()
    assert expected.transition_step is not None
    assert run.transition_step == expected.transition_step
    for name, value in whole.module.state_dict().items():
        assert torch.equal(second.module.state_dict()[name], value), name


def test_the_checkpoint_of_another_strategy_is_refused(tmp_path: Path) -> None:
    first = make_trainer(StopAfter(3), strategy=Wave())
    first.fit()
    first.save(tmp_path / "at")
    with pytest.raises(InputError, match="this strategy is 'switch', the state is that of 'wave'"):
        make_trainer().load(tmp_path / "at")


def test_checkpoints_at_the_ends_of_epochs_are_few_enough_to_cost_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[int] = []
    clock = iter(range(10**6))
    monkeypatch.setattr(_checkpoint.time, "monotonic", lambda: float(next(clock)))  # each look at it takes a second
    trainer = make_trainer(saving := CheckpointEvery(tmp_path / "at", seconds=1e9), epochs=100)
    monkeypatch.setattr(saving, "save", lambda trainer: saved.append(trainer.progress.epoch))
    trainer.fit()
    assert saved[0] == 1
    assert all(after - before >= 50 // 4 for before, after in pairwise(saved))  # 4 steps, and looks, an epoch
    assert len(saved) > 5


def test_a_full_disk_ends_no_training(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no disk that is always full")

    class NoRoom(Trainer):
        def save(self, folder: Any, *, identity: Mapping[str, Any] | None = None) -> None:
            if folder == tmp_path / "at":
                raise NotWrittenError("no room")
            super().save(folder, identity=identity)

    log = MetricsLog(full)
    saving = CheckpointEvery(tmp_path / "at", seconds=0.0, fallback=tmp_path / "elsewhere")
    trainer = make_trainer(saving, log, StopAfter(6))
    trainer.__class__ = NoRoom
    with pytest.warns(NotKeptWarning) as warned:
        assert trainer.fit().stopped == "interrupted"
    assert sum("its records are kept in memory" in str(each.message) for each in warned) == 1
    log.path = tmp_path / "log.jsonl"
    trainer.callbacks = [log]
    assert trainer.fit().stopped == "epochs"
    records = [json.loads(line) for line in log.path.read_text(encoding="utf-8").splitlines()]
    assert [each["epoch"] for each in records if each["event"] == "evaluation"] == [1, 2, 3, 4]
    resumed = make_trainer(CheckpointEvery(tmp_path / "elsewhere", resume=True))
    assert resumed.fit().steps == 16
    trainer = make_trainer(CheckpointEvery(tmp_path / "at"), StopAfter(6))
    trainer.__class__ = NoRoom
    with pytest.warns(NotKeptWarning), pytest.raises(NotWrittenError, match="no room"):
        trainer.fit()


def test_a_checkpoint_is_not_begun_where_there_is_no_room_for_it(small_disk: Path) -> None:
    trainer = make_trainer(CheckpointEvery(small_disk / "at"))
    trainer.module["c"] = nn.Linear(1000, 1000)  # 4 MB
    with pytest.raises(NotWrittenError, match="No space left on device: 32.0 MB are needed"):
        trainer.fit()
    assert not trainer.run.evaluations


@pytest.mark.parametrize("part", ["module", "random"])
@pytest.mark.parametrize("foreseen", [True, False])
def test_whoever_writes_a_checkpoint_to_a_full_disk_keeps_the_one_before(
    foreseen: bool, part: str, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not foreseen:  # the errors are those of the libraries that write
        monkeypatch.setattr(_files, "check_space", lambda *_: None)
    trainer = make_trainer(epochs=1)
    trainer.save(small_disk / "at", identity={})
    before = {path.name: path.read_bytes() for path in (small_disk / "at").iterdir()}
    for size in (100, 200, 300, 400, 500, 700):  # thousand parameters: from those that fit to those that do not
        large = torch.zeros(size, 1000)
        state = trainer.state_dict() | {part: {"large": large} if part == "module" else large}
        try:
            write_checkpoint(small_disk / "at", state, {})
        except NotWrittenError as error:
            assert "No space left on device" in str(error)  # noqa: PT017  # either outcome is right
            assert {path.name: path.read_bytes() for path in (small_disk / "at").iterdir()} == before
        else:
            before = {path.name: path.read_bytes() for path in (small_disk / "at").iterdir()}
            fitted = size
        assert [path.name for path in small_disk.iterdir()] == ["at"]
    assert 100 <= fitted < 500
