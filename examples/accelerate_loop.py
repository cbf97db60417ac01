"""A training loop with Hugging Face Accelerate: auxiliary words help to learn classes, until Diminish has them go.

Run it by ``python examples/accelerate_loop.py``, or in several processes by ``accelerate launch`` or ``torchrun``.
"""

from __future__ import annotations

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, send_to_device
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from mt2st.strategy import Diminish, Strategy
from mt2st.training import Auxiliaries, AuxiliaryDataset


class TwoHeads(nn.Module):
    """Classes of items are the primary task; measurements of more items help."""

    def __init__(self) -> None:
        super().__init__()
        self.shared, self.classes, self.measurements = nn.Linear(8, 32), nn.Linear(32, 3), nn.Linear(32, 4)

    def forward(self, batches: dict[str, list[Tensor]]) -> dict[str, Tensor]:
        """Return the loss of each task that is on: one forward pass for all of them, as several processes need it."""
        return {task: LOSSES[task](self, batch) for task, batch in batches.items()}


def class_loss(module: TwoHeads, batch: list[Tensor]) -> Tensor:
    """Return the cross entropy of the classes."""
    items, classes = batch
    return nn.functional.cross_entropy(module.classes(module.shared(items).relu()), classes)


def measurement_loss(module: TwoHeads, batch: list[Tensor]) -> Tensor:
    """Return the squared error of the measurements."""
    items, measurements = batch
    return nn.functional.mse_loss(module.measurements(module.shared(items).relu()), measurements)


LOSSES = {"primary": class_loss, "measurements": measurement_loss}


def train(strategy: Strategy, *, batch_size: int = 8, accumulation: int = 2, epochs: int = 6) -> TwoHeads:
    """Return the trained module. ``batch_size`` is that of one process."""
    torch.manual_seed(0)
    items, classes, measured = torch.randn(64, 8), torch.randint(0, 3, (64,)), torch.randn(256, 12)
    more = AuxiliaryDataset(TensorDataset(measured[:, :8], measured[:, 8:]), None, measurement_loss)
    module = TwoHeads()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    loader = DataLoader(TensorDataset(items, classes), batch_size=batch_size)

    unused = DistributedDataParallelKwargs(find_unused_parameters=True)  # the head of a task that is off
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=accumulation, kwargs_handlers=[unused])
    model, optimizer, loader = accelerator.prepare(module, optimizer, loader)
    streams = {"measurements": more.stream("measurements", seed=1, batch_size=batch_size)}
    tasks, step = Auxiliaries(strategy, streams, streams), 1
    for epoch in range(1, epochs + 1):
        for batch in loader:
            tasks.begin_step(epoch=epoch, step=step)
            with accelerator.accumulate(model):
                losses = model({"primary": batch, **send_to_device(tasks.draw(), accelerator.device)})
                weights = {"primary": tasks.primary_weight, **tasks.weights}
                accelerator.backward(sum(weights[task] * loss for task, loss in losses.items()))
                optimizer.step()
                optimizer.zero_grad()
            for task, loss in losses.items():
                tasks.record(task, loss)
            if accelerator.sync_gradients:
                tasks.end_step()
                step += 1
        accelerator.print(f"epoch {epoch}", tasks.logged())
    return module


if __name__ == "__main__":
    train(Diminish(decay=0.8))
