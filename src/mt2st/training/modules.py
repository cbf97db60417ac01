"""What the trainer does with a user's module and its gradients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mt2st.errors import InputError


@contextmanager
def evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode, without gradients, for a block; each submodule gets its own mode back."""
    modes = [(each, each.training) for each in module.modules()]
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for each, mode in modes:
            each.training = mode


def check_optimised(module: nn.Module, optimizer: Optimizer) -> None:
    """Raise if an optimizer would move no parameter of a module, as one made of another module's parameters does."""
    optimised = {id(each) for group in optimizer.param_groups for each in group["params"]}
    trainable = [each for each in module.parameters() if each.requires_grad]
    if trainable and optimised.isdisjoint(map(id, trainable)):
        raise InputError(
            f"the optimizer has none of the parameters of {type(module).__name__}, so nothing would be trained: "
            "make it of module.parameters() of the same module"
        )


def checked_loss(loss: Any, task: str) -> Tensor:
    """Return a task's loss, from which the backward pass can start."""
    must = f"the loss of the task '{task}' must be"
    if not isinstance(loss, Tensor):
        raise InputError(f"{must} a tensor of torch, found {loss!r}: return the loss itself, without .item()")
    if loss.numel() != 1:
        raise InputError(f"{must} one number, found shape {list(loss.shape)}: return its mean over the batch")
    if not loss.requires_grad:
        raise InputError(
            f"{must} connected to the module's parameters, found one without a gradient: compute it from the module's "
            "outputs, without .detach() and torch.no_grad()"
        )
    return loss


def embedding_weight(module: nn.Module, user: str) -> nn.Parameter:
    """Return the weight of the embedding that the tasks share, ``[vocabulary, vector_size]``."""
    weight = getattr(getattr(module, "embedding", None), "weight", None)
    if not isinstance(weight, nn.Parameter):
        raise InputError(
            f"{user} needs the shared embedding as module.embedding.weight, which {type(module).__name__} does not have"
        )
    return weight


def rows_with_gradient(gradient: Tensor) -> Tensor:
    """Return the numbers ``[n]`` of the rows of a gradient ``[vocabulary, vector_size]`` that are not zero.

    The norms of the rows are the fastest way. Rows so small that their squares vanish count as zero.
    """
    norms: Tensor = torch.linalg.vector_norm(gradient, dim=1)
    return norms.nonzero().squeeze(1)


def gradient_norm(parameters: Iterable[nn.Parameter]) -> float:
    """Return the 2-norm of all gradients together; a parameter without gradient counts as zero."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    return float(nn.utils.get_total_norm(gradients)) if gradients else 0.0
