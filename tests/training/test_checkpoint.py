from __future__ import annotations

import dataclasses
import functools
import json
import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.following import Following, StopAfter
from torch import Tensor, nn

from mt2st.embedding.kernels import KERNELS
from mt2st.errors import InputError
from mt2st.network import Network, build_encoder
from mt2st.strategy import Observation, SingleTask, Strategy, Switch
from mt2st.tasks import ClassificationTask, ContextTask, Texts
from mt2st.tasks.classification import Labelled, classification_head
from mt2st.training import CheckConvergence, Trainer

VOCABULARY, SIZE = 20, 6
IDENTITY = {"settings": {"seed": 1, "layers": (1, 2)}, "data": {"documents": 40}}


def labelled(n_texts: int, seed: int) -> Labelled:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 12, n_texts)
    ids = rng.integers(1, VOCABULARY, lengths.sum()).astype(np.int32)
    return Labelled(Texts(ids, np.concatenate([[0], np.cumsum(lengths)])), rng.integers(0, 2, n_texts))


def make_trainer(strategy: Strategy | None = None, size: int = SIZE) -> Trainer:
    """A run with everything that has a state: dropout, AdamW, both forms of auxiliaries, a best so far."""
    torch.manual_seed(2)
    encoder = build_encoder("bilstm", vector_size=size, hidden_size=4, pooling="attention")
    heads = {name: classification_head(encoder.pooled_size, 2) for name in ("label", "topic")}
    network = Network(nn.Embedding(VOCABULARY, size, padding_idx=0), encoder, heads, dropout=0.4, word_dropout=0.1)
    texts = labelled(40, 0).texts
    counts = np.bincount(texts.ids, minlength=VOCABULARY)
    counts[:2] = 0
    return Trainer(
        network,
        primary=ClassificationTask("label", labelled(40, 0), 2, validation=labelled(15, 1), batch_size=6),
        optimizer=torch.optim.AdamW(network.parameters(), lr=0.02, weight_decay=0.1),
        strategy=strategy or Switch(at=4, weight=0.5),
        auxiliaries=[
            ClassificationTask("topic", labelled(25, 2), 2, batch_size=6),
            ContextTask(texts, KERNELS["skipgram"](counts), size),
        ],
        epochs=5,
        evaluations_per_epoch=2,
        early_stopping=CheckConvergence(tolerance=1e-9),
    )


def course(trainer: Trainer) -> list[dict[str, Any]]:
    """The evaluations of a run without their times, which never repeat."""
    return [dataclasses.asdict(dataclasses.replace(each, train_seconds=0.0)) for each in trainer.run.evaluations]


@functools.cache
def finished() -> tuple[Trainer, dict[str, Tensor]]:
    trainer = make_trainer()
    torch.manual_seed(9)
    trainer.fit()
    return trainer, trainer.module.state_dict()


def interrupted(step: int) -> Trainer:
    trainer = make_trainer()
    trainer.callbacks.append(StopAfter(step))
    torch.manual_seed(9)
    assert trainer.fit().stopped == "interrupted"
    return trainer


@pytest.mark.parametrize("step", [1, 4, 7, 10, 18, 21, 22, 25, 35])
def test_an_interrupted_run_goes_on_as_if_it_had_not_been(step: int, tmp_path: Path) -> None:
    whole, expected = finished()
    before = interrupted(step)
    seconds = before.progress.train_seconds
    before.save(tmp_path / "at", identity=IDENTITY)
    torch.manual_seed(12345)
    after = make_trainer()
    after.load(tmp_path / "at", identity=IDENTITY)
    run = after.fit()
    for name, value in after.module.state_dict().items():
        assert torch.equal(value, expected[name]), name
    assert course(after) == course(whole)
    assert run.transitions == whole.run.transitions
    assert (run.best, run.stopped) == (whole.run.best, "epochs")
    assert run.train_seconds > seconds or not run.evaluations[-1].step > step
    kernels = [trainer.kernels[0].state_dict()["outputs"] for trainer in (after, whole)]
    assert torch.equal(*kernels)


def test_a_run_may_be_interrupted_again_and_again(tmp_path: Path) -> None:
    whole, expected = finished()
    interrupted(3).save(tmp_path / "at", identity=IDENTITY)
    for step in (8, 14, 26):
        trainer = make_trainer()
        trainer.load(tmp_path / "at", identity=IDENTITY)
        trainer.callbacks.append(StopAfter(step))
        assert trainer.fit().stopped == "interrupted"
        trainer.save(tmp_path / "at", identity=IDENTITY)
    last = make_trainer()
    last.load(tmp_path / "at", identity=IDENTITY)
    last.fit()
    assert course(last) == course(whole)
    assert all(torch.equal(value, expected[name]) for name, value in last.module.state_dict().items())


class EveryOther(Strategy):
    """A user's own strategy."""

    def weight_of(self, task: str, t: int) -> float:
        return float(t % 2)


def test_a_run_with_a_users_own_strategy_goes_on_too(tmp_path: Path) -> None:
    trainer = make_trainer(EveryOther())
    trainer.callbacks.append(StopAfter(3))
    trainer.fit()
    trainer.save(tmp_path / "at", identity=IDENTITY)
    after = make_trainer(EveryOther())
    after.load(tmp_path / "at", identity=IDENTITY)
    assert after.fit().stopped == "epochs"


def test_a_run_that_converged_in_the_step_it_was_stopped_is_complete() -> None:
    trainer = make_trainer(SingleTask())  # with a transition to come, a small gradient says nothing
    trainer.early_stopping = CheckConvergence(tolerance=1e9, patience=1)
    trainer.callbacks.append(Following(on_evaluation=lambda _: trainer.stop()))
    assert trainer.fit().stopped == "converged"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    interrupted(10).save(tmp_path / "at", identity=IDENTITY)
    return tmp_path / "at"


def test_nothing_in_it_needs_more_than_tensors_and_plain_values(checkpoint: Path) -> None:
    files = sorted(path.name for path in checkpoint.iterdir())
    assert files == ["best.safetensors", "manifest.json", "model.safetensors", "progress.json", "state.pt"]
    state = torch.load(checkpoint / "state.pt", weights_only=True)
    assert state.keys() == {"parts", "random"}
    assert state["parts"].keys() > {"optimizer", "strategy"}
    with zipfile.ZipFile(checkpoint / "state.pt") as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("data.pkl"))
        imports = {
            argument for operation, argument, _ in pickletools.genops(archive.read(name)) if operation.name == "GLOBAL"
        }
    assert imports <= {
        "collections OrderedDict",
        "torch._utils _rebuild_tensor_v2",
        "torch FloatStorage",
        "torch ByteStorage",
    }


def test_it_is_not_unpickled_but_by_the_safe_loader(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, modes = torch.load, []

    def load(*arguments: Any, **options: Any) -> Any:
        modes.append(options.get("weights_only"))
        return real(*arguments, **options)

    monkeypatch.setattr(torch, "load", load)
    make_trainer().load(checkpoint, identity=IDENTITY)
    assert modes == [True]


@pytest.mark.parametrize("name", ["model.safetensors", "best.safetensors", "state.pt", "progress.json"])
@pytest.mark.parametrize("damage", ["truncated", "one bit", "missing"])
def test_a_damaged_file_is_named(name: str, damage: str, checkpoint: Path) -> None:
    path = checkpoint / name
    content = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"{name}.* delete"):
        make_trainer().load(checkpoint, identity=IDENTITY)


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "{}", '{"files": 3, "identity": {}}', '{"files": {}}', "\xff"])
def test_a_manifest_of_something_else_is_named(content: str, checkpoint: Path) -> None:
    (checkpoint / "manifest.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=r"manifest.json is not the manifest of a checkpoint .* another"):
        make_trainer().load(checkpoint, identity=IDENTITY)


@pytest.mark.parametrize("manifest", [None, '{"files": {"notes.txt": "0"}, "identity": {}}'])
def test_only_a_checkpoint_is_replaced_by_a_checkpoint(manifest: str | None, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    if manifest:
        (tmp_path / "manifest.json").write_text(manifest)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match=f"choose another folder; .* not to {tmp_path}"):
        make_trainer().save(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_checkpoint_is_written_to_an_empty_folder(tmp_path: Path) -> None:
    make_trainer().save(tmp_path)
    make_trainer().load(tmp_path)


def test_a_folder_that_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match=r"manifest.json is not the manifest of a checkpoint"):
        make_trainer().load(tmp_path, identity=IDENTITY)


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        (
            IDENTITY | {"data": {"documents": 41}},
            r"the data have changed \(data.documents was 40 there and is 41 now\)",
        ),
        (IDENTITY | {"settings": {"seed": 2, "layers": (1, 2)}}, "settings.seed was 1 there and is 2 now"),
        (
            IDENTITY | {"settings": {"seed": 1, "layers": (1, 2), "new": None}},
            "settings.new was unknown there and is None now",  # a checkpoint of an earlier version
        ),
        (IDENTITY | {"strategy": "x"}, "strategy was None there and is 'x' now"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(identity: dict[str, Any], message: str, checkpoint: Path) -> None:
    trainer = make_trainer()
    before = {name: value.clone() for name, value in trainer.module.state_dict().items()}
    with pytest.raises(InputError, match=f"is of another run: {message}"):
        trainer.load(checkpoint, identity=identity)
    assert all(torch.equal(value, before[name]) for name, value in trainer.module.state_dict().items())


def test_what_was_chosen_differently_explains_other_data_and_is_no_matter_with_the_same(tmp_path: Path) -> None:
    chosen = {"DATA": "a.csv", "--split-seed": 0, "--unlabelled": ("b.txt",)}
    make_trainer().save(tmp_path / "at", identity=IDENTITY | {"origin": chosen})
    others = chosen | {"DATA": "./a.csv", "--split-seed": 3}
    make_trainer().load(tmp_path / "at", identity=IDENTITY | {"origin": others})
    now = IDENTITY | {"data": {"documents": 41}}
    message = "another run: DATA was 'a.csv' there and is './a.csv' now, --split-seed was 0 there and is 3 now; use"
    with pytest.raises(InputError, match=message):
        make_trainer().load(tmp_path / "at", identity=now | {"origin": others})
    for origin in (chosen, {}):
        with pytest.raises(InputError, match=r"the data have changed \(data.documents was 40"):
            make_trainer().load(tmp_path / "at", identity=now | {"origin": origin})


def test_defaults_are_compared(checkpoint: Path) -> None:
    now = IDENTITY | {"resolved": {"learning_rate": 0.1}}
    interrupted(10).save(checkpoint, identity=now)
    changed = IDENTITY | {"resolved": {"learning_rate": 0.2}}
    with pytest.raises(InputError, match="of another run: resolved.learning_rate was 0.1 there and is 0.2 now"):
        make_trainer().load(checkpoint, identity=changed)


def test_the_checkpoint_of_another_network_is_refused(checkpoint: Path) -> None:
    with pytest.raises(InputError, match="cannot be read .*size mismatch"):
        make_trainer(size=SIZE + 1).load(checkpoint, identity=IDENTITY)


def test_a_failure_while_writing_leaves_the_checkpoint_before_as_it_was(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in checkpoint.iterdir()}

    def fail(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(InputError, match="No space left on device"):
        interrupted(20).save(checkpoint, identity=IDENTITY)
    assert {path.name: path.read_bytes() for path in checkpoint.iterdir()} == before
    assert [path.name for path in checkpoint.parent.iterdir()] == ["at"]


def test_a_new_checkpoint_takes_the_place_of_the_one_before(checkpoint: Path) -> None:
    interrupted(20).save(checkpoint, identity=IDENTITY)
    assert json.loads((checkpoint / "progress.json").read_text())["progress"]["step"] == 20
    assert [path.name for path in checkpoint.parent.iterdir()] == ["at"]


class Counting(Strategy):
    """A user's own strategy, which keeps what NumPy gives it."""

    learned = ("seen", "mean")

    def __init__(self, value: Any, *, auxiliaries: list[str] | None = None) -> None:
        self.value, self.seen, self.mean = value, {"count": np.int64(0)}, np.zeros(2)
        super().__init__(auxiliaries)

    def weight_of(self, task: str, t: int) -> float:
        return np.float32(self.value) * (self.seen["count"] < 7)  # type: ignore[no-any-return]

    def after_evaluation(self, observation: Observation) -> None:
        self.seen["count"] += np.int64(1)
        self.mean = np.asarray(self.mean) + np.array([1.0, 2.0])


def test_numbers_of_numpy_in_a_state_are_read_again(tmp_path: Path) -> None:
    whole = make_trainer(Counting(np.float32(0.5)))
    torch.manual_seed(9)
    whole.fit()
    before = make_trainer(Counting(np.float32(0.5)))
    before.callbacks.append(StopAfter(18))
    before.optimizer.param_groups[0]["lr"] = np.float64(0.02)
    torch.manual_seed(9)
    before.fit()
    before.save(tmp_path / "at", identity={"rows": np.int64(3)})
    after = make_trainer(Counting(np.float32(0.5)))
    after.load(tmp_path / "at", identity={"rows": 3})
    assert isinstance(after.strategy, Counting)
    assert (after.strategy.seen, list(after.strategy.mean)) == ({"count": 5}, [5.0, 10.0])
    after.fit()
    for name, value in whole.module.state_dict().items():
        assert torch.equal(after.module.state_dict()[name], value), name


def test_a_state_that_could_not_be_read_again_is_refused_and_the_checkpoint_before_stays(checkpoint: Path) -> None:
    before = {path.name: path.read_bytes() for path in checkpoint.iterdir()}
    trainer = interrupted(20)
    trainer.optimizer.param_groups[0]["where"] = Path("here")
    with pytest.raises(InputError, match="cannot be saved: the state of .* must be tensors and plain values"):
        trainer.save(checkpoint, identity=IDENTITY)
    assert {path.name: path.read_bytes() for path in checkpoint.iterdir()} == before


class Tied(nn.Module):
    """One matrix in two places, and a part of it in a third."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first, self.second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
        self.second.weight = self.first.weight
        self.register_buffer("part", self.first.weight.data[1:])


def test_tied_weights_are_saved_and_are_still_tied_after(tmp_path: Path) -> None:
    class Halves:
        name, n_batches = "halves", 3

        def batches(self, *, epoch: int, seed: int) -> Iterator[Tensor]:
            generator = torch.Generator().manual_seed(10 * seed + epoch)
            yield from torch.randn(3, 8, 4, generator=generator)

        def loss(self, module: Tied, batch: Tensor) -> Tensor:
            return (module.second(module.first(batch).tanh()) - batch / 2).square().mean()

        def evaluate(self, module: Tied) -> dict[str, float]:
            return {"loss": float(self.loss(module, torch.eye(4)))}

    def trainer() -> Trainer:
        module = Tied()
        optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
        return Trainer(module, primary=Halves(), optimizer=optimizer, strategy=SingleTask(), epochs=4)

    whole, before, after = trainer(), trainer(), trainer()
    whole.fit()
    before.callbacks.append(StopAfter(7))
    before.fit()
    before.save(tmp_path / "at")
    after.load(tmp_path / "at")
    after.fit()
    assert after.module.first.weight is after.module.second.weight
    assert torch.equal(after.module.first.weight, whole.module.first.weight)
    assert torch.equal(after.module.part, whole.module.part)
