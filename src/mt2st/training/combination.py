"""Combines the tasks' gradients as a `CombiningStrategy` does, instead of adding them.

The `Combiner` collects the gradients in the trainer's step and replaces them by the strategy's. With other strategies
none of this runs: torch adds up the gradients, as in eq. 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mt2st.strategy import CombiningStrategy
from mt2st.training.modules import embedding_weight

Gradients = dict[str, Tensor]
"""A gradient by the parameter's name."""


class Combiner:
    """Collects a step's gradients task by task and replaces them by those that the strategy combines.

    *Shared* is a parameter that two tasks or more have had a gradient on in a step so far. All others (the heads) keep
    the weighted gradient of their own task.

    A kernel task has no gradient in torch: it has moved the table already, many small steps at a time. As in
    `mt2st.training.Feedback`, its displacement of the table turned round counts as its gradient. As this has another
    unit (the kernel's own learning rate is in it), it is taken as long as the primary's gradient on the table, times
    the task's weight; the direction alone decides PCGrad, the cosine and Bloop. The length matters to MGDA and CAGrad:
    where one kernel task of weight 1 is the only auxiliary, both gradients are as long as each other, and MGDA is
    multi-task training (as with gradients normalised to length 1, an option of its authors), CAGrad the same with
    longer steps. Other weights or further tasks make them differ.

    What the strategy leaves of it is turned back into a displacement, and replaces the kernel's own; the optimizer
    sees the gradients of the other tasks only.

    ``tasks`` are the names of all, the primary's first.
    """

    def __init__(self, strategy: CombiningStrategy, module: nn.Module, tasks: Sequence[str]) -> None:
        self.strategy, self._module, self._tasks = strategy, module, list(tasks)
        self.shared: set[str] = set()
        self._gradients: dict[str, Gradients] = {}
        self._displacements: dict[str, tuple[Tensor, float]] = {}
        self._before: Tensor | None = None

    def watched(self, task: str, job: Callable[[], float], weight: float) -> Callable[[], float]:
        """Return the job of a kernel task, wrapped to record its displacement of the table. Jobs run in turn."""
        table = embedding_weight(self._module, "a combination of gradients")

        def watched() -> float:
            start = table.detach().clone()
            if self._before is None:
                self._before = start
            loss = job()
            self._displacements[task] = table.detach() - start, weight
            return loss

        return watched

    def take(self, task: str) -> None:
        """Take away the gradients that a task's backward pass has left on the parameters."""
        gradients: Gradients = {}
        for name, parameter in self._module.named_parameters():
            if parameter.grad is not None:
                gradients[name], parameter.grad = parameter.grad, None
        self._gradients[task] = gradients

    @torch.no_grad()
    def finish(self) -> None:
        """Give the parameters their gradients, and the table its kernels' displacements, as combined.

        Call it when all tasks of the step have been taken and all kernels are at rest.
        """
        table = embedding_weight(self._module, "a combination of gradients") if self._displacements else None
        parameters = dict(self._module.named_parameters())
        scales = self._take_displacements(table, parameters)
        of_tasks = {task: self._gradients[task] for task in self._tasks if task in self._gradients}
        touched = [name for gradients in of_tasks.values() for name in gradients]
        self.shared.update(name for name in touched if touched.count(name) > 1)
        layout = {name: each for name, each in parameters.items() if name in self.shared and name in touched}
        if layout:
            self._combine(of_tasks, layout)
        for task, gradients in of_tasks.items():
            for name, gradient in gradients.items():
                parameter = parameters[name]
                if task in scales and parameter is table:
                    parameter.sub_(gradient / scales[task])
                else:
                    parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
        self._gradients, self._displacements, self._before = {}, {}, None

    def _take_displacements(
        self, table: nn.Parameter | None, parameters: Mapping[str, nn.Parameter]
    ) -> dict[str, float]:
        """Turn displacements into gradients and the table back to where it was; return what each was multiplied by."""
        if table is None or self._before is None:
            return {}
        name = next(name for name, each in parameters.items() if each is table)
        of_primary = self._gradients.get(self._tasks[0], {}).get(name)
        length = float(of_primary.norm()) if of_primary is not None else 0.0
        scales = {}
        for task, (displacement, weight) in self._displacements.items():
            own = float(displacement.norm())
            scales[task] = weight * length / own if length > 0 and own > 0 else 1.0
            self._gradients[task] = {name: -scales[task] * displacement}
        table.copy_(self._before)
        return scales

    def _combine(self, of_tasks: Mapping[str, Gradients], layout: Mapping[str, nn.Parameter]) -> None:
        """Replace the gradients on the shared parameters."""
        vectors = {
            task: torch.cat([gradients.get(name, torch.zeros_like(each)).flatten() for name, each in layout.items()])
            for task, gradients in of_tasks.items()
        }
        vectors = {task: each for task, each in vectors.items() if each.norm() > 0}
        tasks = list(vectors)
        if len(tasks) < 2 or tasks[0] != self._tasks[0]:
            return
        sizes = [each.numel() for each in layout.values()]
        for task, vector in zip(tasks, self.strategy.combine(list(vectors.values()), tasks), strict=True):
            for (name, each), part in zip(layout.items(), torch.split(vector, sizes), strict=True):
                of_tasks[task][name] = part.view_as(each)

    def state_dict(self) -> dict[str, Any]:
        """Return plain values. The strategy has a state of its own."""
        return {"shared": sorted(self.shared)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict`."""
        self.shared = set(state["shared"])
