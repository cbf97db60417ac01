"""A training in TensorBoard, MLflow and Weights & Biases: each is written offline and read back."""

from __future__ import annotations

import json
import math
import struct
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.cli.conftest import FAST, write_reviews
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from mt2st import TextClassifier
from mt2st.cli.main import main
from mt2st.errors import MissingExtraError
from mt2st.integrations.mlflow import MlflowLog
from mt2st.integrations.tensorboard import TensorBoardLog
from mt2st.integrations.tracker import Tracker, Value
from mt2st.integrations.wandb import WandbLog
from mt2st.models import Optimisation, Text
from mt2st.strategy import Switch
from mt2st.training import Callback, DataLoaderTask, Run, Trainer


class Kept(Tracker):
    """A tracker in memory."""

    def __init__(self) -> None:
        self.parameters: dict[str, Value] = {}
        self.numbers: dict[int, dict[str, float]] = {}
        self.events: list[tuple[str, str, int]] = []

    def log_parameters(self, parameters: Mapping[str, Value]) -> None:
        self.parameters |= parameters

    def log_numbers(self, numbers: Mapping[str, float], step: int) -> None:
        self.numbers.setdefault(step, {}).update(numbers)

    def log_event(self, name: str, text: str, step: int) -> None:
        self.events.append((name, text, step))


def trainer(*callbacks: Callback) -> Trainer:
    """Return a training of three epochs of four steps, in whose last epoch the auxiliary task is off."""
    torch.manual_seed(2)
    module = nn.ModuleDict({name: nn.Linear(3, 1) for name in ("a", "b")})
    points = torch.randn(32, 3, generator=torch.Generator().manual_seed(1))

    def task(name: str, column: int) -> DataLoaderTask:
        def loss(module: nn.Module, batch: list[torch.Tensor]) -> torch.Tensor:
            return nn.functional.mse_loss(module.get_submodule(name)(batch[0]), batch[1])

        data = TensorDataset(points, points[:, column : column + 1])
        return DataLoaderTask(name, DataLoader(data, batch_size=8), loss, DataLoader(data, batch_size=32))

    return Trainer(
        module,
        primary=task("a", 0),
        auxiliaries=[task("b", 1)],
        optimizer=torch.optim.Adam(module.parameters(), lr=0.05),
        strategy=Switch(at=3),
        epochs=3,
        callbacks=callbacks,
    )


NAMES = {"loss/a", "loss/b", "weight/b", "learning_rate/0", "validation/loss", "gradient_norm", "train_seconds"}


def assert_tells(run: Run, numbers: Mapping[str, Mapping[int, float]]) -> None:
    """Check that the numbers, by name and step, are those of the run."""
    assert set(numbers) >= NAMES
    assert list(numbers["validation/loss"]) == [each.step for each in run.evaluations] == [4, 8, 12]
    for each in run.evaluations:
        assert numbers["validation/loss"][each.step] == pytest.approx(each.validation["loss"], rel=1e-6)
        assert numbers["weight/b"][each.step] == each.weights["b"]
        assert numbers["learning_rate/0"][each.step] == pytest.approx(0.05)
        for task, loss in each.losses.items():
            assert numbers[f"loss/{task}"][each.step] == pytest.approx(loss, rel=1e-6)
    assert 12 not in numbers["loss/b"], "a task that is off has no loss"


def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = trainer(TensorBoardLog(tmp_path)).fit()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    tags = events.Tags()
    assert_tells(run, {name: {each.step: each.value for each in events.Scalars(name)} for name in tags["scalars"]})

    def text(name: str) -> tuple[int, str]:
        (found,) = events.Tensors(f"{name}/text_summary")
        return found.step, found.tensor_proto.string_val[0].decode()

    assert text("event/transition/b") == (9, "task = b, epoch = 3, step = 9")
    assert "| strategy.at | 3 |" in text("parameters")[1].splitlines()


def test_the_command_line_logs_to_tensorboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.chdir(tmp_path)
    write_reviews(tmp_path / "reviews.csv", header=("text", "label"))
    assert main(["train", "reviews.csv", *FAST, "--test", "0.2", "--log-to", "tensorboard"]) == 0
    (folder,) = Path("runs").iterdir()
    events = EventAccumulator(str(folder))
    events.Reload()
    saved = TextClassifier.load("mt2st-run/model")
    assert [each.step for each in events.Scalars("loss/primary")] == [each.step for each in saved.run_.evaluations]
    told = events.Scalars("model/test/accuracy")[-1].value
    assert told == pytest.approx(json.loads(Path("mt2st-run/report.json").read_text())["metrics"]["test"]["accuracy"])


def test_mlflow_reads_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "runs").as_uri())
    with mlflow.start_run() as active:
        run = trainer(MlflowLog()).fit()
    client = mlflow.MlflowClient()
    found = client.get_run(active.info.run_id)
    numbers = {name: client.get_metric_history(active.info.run_id, name) for name in found.data.metrics}
    assert_tells(run, {name: {each.step: each.value for each in history} for name, history in numbers.items()})
    assert found.data.params["strategy"] == "switch"
    assert found.data.params["strategy.at"] == "3"
    assert found.data.tags["event/transition/b"] == "step 9: task = b, epoch = 3, step = 9"
    assert found.info.status == "FINISHED"


def test_wandb_reads_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    quick = wandb.Settings(x_disable_meta=True, x_disable_stats=True, x_save_requirements=False, console="off")
    with wandb.init(project="films", mode="offline", dir=tmp_path, settings=quick) as active:
        run = trainer(WandbLog()).fit()
        folder = Path(active.dir).parent
    wandb.teardown()  # its process has written the file then
    (file,) = folder.glob("*.wandb")
    records = list(wandb_records(file))
    numbers: dict[str, dict[int, float]] = {}
    for record in records:
        if record.WhichOneof("record_type") == "history":
            row = {(each.key or "/".join(each.nested_key)): json.loads(each.value_json) for each in record.history.item}
            for name, value in row.items():
                numbers.setdefault(name, {})[row["_step"]] = value
    assert_tells(run, numbers)
    told = "".join(str(record) for record in records)
    assert "step 9: task = b, epoch = 3, step = 9" in told
    assert "strategy.at" in told


def wandb_records(file: Path) -> Iterator[Any]:
    """Yield the records of a run's file: after 7 bytes of a header a log as LevelDB has it, in blocks of 32 KiB."""
    from wandb.proto import wandb_internal_pb2

    content, at, found = file.read_bytes(), 7, b""
    whole_or_first, whole_or_last = (1, 2), (1, 4)
    while at < len(content):
        if (left := 32768 - at % 32768) < 7:  # no room for a header: zeros
            at += left
            continue
        _, length, kind = struct.unpack_from("<IHB", content, at)
        piece = content[at + 7 : at + 7 + length]
        found = piece if kind in whole_or_first else found + piece
        if kind in whole_or_last:
            record = wandb_internal_pb2.Record()
            record.ParseFromString(found)
            yield record
        at += 7 + length


def test_a_resumed_training_reports_its_earlier_evaluations() -> None:
    first = trainer()
    first.fit()
    log = Kept()
    second = trainer(log)
    second.load_state_dict(first.state_dict())
    second.fit()
    assert list(log.numbers) == [4, 8, 12]


def test_the_numbers_of_an_estimator_end_with_those_of_the_whole_model() -> None:
    texts = ["a warm film", "a dull film", "warm and fine", "dull and long"] * 30
    labels = ["good", "bad"] * 60
    log = Kept()
    settings = {"text": Text(min_count=1), "optimisation": Optimisation(epochs=2)}
    model = TextClassifier("switch", encoder="mean", **settings).fit(texts, labels, callbacks=[log])
    assert log.parameters["settings.encoder.name"] == model.settings_.encoder.name == "mean"
    last = log.numbers[model.run_.steps]
    assert log.parameters["auxiliaries"] == "context", "a name is of one thing: MLflow refuses another value"
    assert last["model/validation/accuracy"] == model.metrics_["validation"]["accuracy"]
    assert all(math.isfinite(each) for name, each in last.items() if name.startswith("model/"))


def test_few_labels_have_no_course_but_a_result() -> None:
    texts = ["a warm film", "a dull film", "warm and fine", "dull and long"] * 5
    log = Kept()
    TextClassifier(text=Text(min_count=1)).fit(texts, ["good", "bad"] * 10, callbacks=[log])
    assert set(log.numbers) == {0}
    assert "model/validation/accuracy" in log.numbers[0]


@pytest.mark.parametrize(
    ("tracker", "library"), [(TensorBoardLog, "tensorboard"), (MlflowLog, "mlflow"), (WandbLog, "wandb")]
)
def test_a_missing_library_is_named(tracker: type[Tracker], library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtraError, match=rf"mt2st\[{library}\]"):
        tracker()
