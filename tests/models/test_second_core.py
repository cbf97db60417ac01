"""What a model's training has a second core for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from mt2st import TextClassifier
from mt2st.strategy import Switch
from mt2st.tasks import ContextTask, LabelledTask
from mt2st.training import Callback, SharedKernelTask, Trainer
from mt2st.training.device import torch_threads
from mt2st.training.kernel_thread import KernelThread

Films = tuple[list[str], list[str]]


class Keeping(Callback):
    def on_fit_start(self, trainer: Trainer) -> None:
        self.trainer, self.readers = trainer, set[str]()
        encoder = trainer.module.encoder
        assert isinstance(encoder, torch.nn.Module)
        encoder.register_forward_hook(lambda *_: self.readers.add(threading.current_thread().name))


def trained(films: Films, **given: Any) -> tuple[TextClassifier, Keeping]:
    model, listener = (
        TextClassifier(strategy=Switch(2)).set_params(
            encoder__name="mean",
            embedding__vector_size=8,
            optimisation__epochs=3,
            text__min_count=1,
            optimisation__convergence="never",
            transition__probe_head=0.1,
            **given,
        ),
        Keeping(),
    )
    model.fit(*films, validation=films, callbacks=[listener])
    return model, listener


@pytest.mark.parametrize(("beside", "cores", "uses"), [(True, 2, True), (True, 1, False), (False, 2, False)])
def test_the_context_task_and_a_second_reader_have_it_where_there_is_one(
    films: Films, monkeypatch: pytest.MonkeyPatch, *, beside: bool, cores: int, uses: bool
) -> None:
    monkeypatch.setattr("mt2st.models.fitting.usable_cores", lambda: cores)
    _, kept = trained(films, compute__parallel_context=beside, context__passes=1.0)
    trainer = kept.trainer
    assert trainer.parallel_context == uses
    assert isinstance(trainer.primary, LabelledTask)
    assert trainer.primary.eval_threads == (2 if uses else 1)


def test_a_second_reader_changes_no_result(films: Films, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mt2st.models.fitting.usable_cores", lambda: 2)
    monkeypatch.setattr("mt2st.tasks.batch.TOKENS_ON_CPU", 12)
    # Beside the step the context task writes without a lock, which no run repeats.
    monkeypatch.setattr("mt2st.training.trainer.KernelThread", lambda **_: KernelThread(parallel=False))
    (one, first), (two, second) = (
        trained(films, compute__parallel_context=beside, context__passes=1.0) for beside in (False, True)
    )
    assert one.network_ is not None
    assert two.network_ is not None
    assert first.readers == {"MainThread"}
    assert len(second.readers) > 1
    runs = first.trainer.run, second.trainer.run
    assert len(runs[0].probes) == len(runs[1].probes) == 1
    assert [each.validation for each in runs[0].evaluations] == [each.validation for each in runs[1].evaluations]
    for mine, other in zip(one.network_.parameters(), two.network_.parameters(), strict=True):
        assert torch.equal(mine, other)


@pytest.mark.parametrize("threads", [1, 2])
def test_measuring_has_the_threads_of_training_and_its_second_core(
    films: Films, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr("mt2st.models.fitting.usable_cores", lambda: 2)
    monkeypatch.setattr("mt2st.tasks.batch.TOKENS_ON_CPU", 12)
    model, kept = trained(films, compute__threads=threads)
    kept.readers.clear()
    of_torch: set[int] = set()
    assert model.network_ is not None
    model.network_.encoder.register_forward_hook(lambda *_: of_torch.add(torch.get_num_threads()))
    with torch_threads(3 - threads):
        model.evaluate(*films)
        assert torch.get_num_threads() == 3 - threads
    assert of_torch == {threads}
    assert ("MainThread" in kept.readers) == (threads == 2)


def test_the_context_task_comes_in_pieces_that_the_step_can_help_with(
    films: Films, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mt2st.models.fitting.usable_cores", lambda: 2)
    monkeypatch.setattr("mt2st.tasks.context.PIECE", 20)
    shared: list[int] = []

    def run_parallel(thread: KernelThread, pieces: Sequence[Callable[[], Any]]) -> list[Any]:
        shared.append(len(pieces))
        return of_thread(thread, pieces)

    of_thread = KernelThread.run_parallel
    monkeypatch.setattr(KernelThread, "run_parallel", run_parallel)
    operations = []
    for beside in (False, True):
        _, kept = trained(films, compute__parallel_context=beside, context__passes=2.0)
        (task,) = kept.trainer.kernels
        assert isinstance(task, ContextTask)
        assert isinstance(task, SharedKernelTask)
        operations.append(task.operations)
    assert max(shared) > 1
    assert shared[: len(shared) // 2] == shared[len(shared) // 2 :]
    # Which words meet depends on the seed alone, whoever reads a piece, and each piece is read once.
    assert operations[0] == operations[1] > 0
