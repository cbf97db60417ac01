"""What the trainer does with a user's module and its gradients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

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


def embedding_weight(module: nn.Module, user: str) -> nn.Parameter:
    """Return the weight of the embedding that the tasks share, ``[vocabulary, vector_size]``.

    Raises:
        InputError: the module has none; names who needs it.
    """
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
