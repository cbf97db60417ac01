"""Word context on any device: the compiled kernels' update as products of matrices, several blocks at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mt2st.errors import InputError

if TYPE_CHECKING:
    from mt2st.embedding.kernels.context import ContextKernel

CENTRES, PULL = 1024, 64.0
"""Most centres of the blocks that are computed together, and the bound on their number times rate and window. More keep
a GPU busier, and overshoot: all blocks start from the same values, and a frequent word is in many of them
(docs/explanation/kernels.md#on-a-gpu)."""
LONGEST_STEP = 1.0
"""How far one place of a block moves a row at most, as in `mt2st.embedding.kernels.rows`."""


class Windows(NamedTuple):
    """The words of some documents that subsampling has kept, and their contexts.

    Attributes:
        words: ``[n]`` ids.
        first: ``[n]`` where the context of each begins, as a place in ``words``.
        last: ``[n]`` where it ends, exclusive; the word itself lies between and is no context.
        seen: ``[n]`` words before each, those included that were dropped.
    """

    words: Tensor
    first: Tensor
    last: Tensor
    seen: Tensor


class Blocks(NamedTuple):
    """``b`` blocks of ``c`` centres each (`mt2st.embedding.kernels.ContextKernel`).

    Attributes:
        centres: ``[b, c]`` word ids.
        span: ``[b, s]`` ids of the words from a window before the first centre to a window behind the last.
        near: ``[b, c, s]``: 1 where a word of the span is in a centre's context, else 0.
        noise: ``[b, m]`` ids of the noise words.
        alpha: ``[b, 1, 1]`` learning rates, the task's weight included.
        rows: number of rows that the words of the input vectors are made of; None where each has one.
    """

    centres: Tensor
    span: Tensor
    near: Tensor
    noise: Tensor
    alpha: Tensor
    rows: int | None = None


class BatchedContext:
    """Makes the update of a `ContextKernel` on tables of any device, in closed form and without autograd.

    A block is computed as there: scores by a product of two matrices, their gradients by two more, the steps of rows
    by `torch.Tensor.index_add_`. Some blocks are computed together and start from the same values. One block at a time
    is the kernel's update.

    Text, tables and random numbers stay on the device. The host reads how many words of a call were kept; if words are
    made of n-grams, also of how many rows. Within the steps it reads nothing.

    Args:
        kernel: gives the objective and the settings; nothing of it is run.
        ids: ``[n_tokens]`` token ids of the corpus, which are copied to the device.
        device: where the tables are.

    Raises:
        InputError: the kernel has frozen rows.
    """

    def __init__(self, kernel: ContextKernel, ids: NDArray[np.int32], device: torch.device) -> None:
        if kernel.frozen.size:
            raise InputError("rows can be frozen by the compiled kernels only: train the context task on the CPU")
        self.kernel, self._device = kernel, device
        no_words, no_documents = np.empty(0, dtype=np.int32), np.zeros(1, dtype=np.int64)
        walk = kernel.walk(no_words, no_documents, 0)
        plan = kernel.plan((0.0, 0.0), walk)
        self._ids = torch.from_numpy(np.array(ids)).to(device)
        most = float(np.iinfo(np.uint32).max)
        self._keep, self._accept = (
            torch.from_numpy(each / most).to(device, torch.float32) for each in (walk.keep, plan.accept)
        )
        self._alias = torch.from_numpy(plan.alias.astype(np.int64)).to(device)
        self._generator = torch.Generator(device)
        if kernel.subwords is not None:
            self._offsets = torch.from_numpy(kernel.subwords.offsets).to(device)
            self._rows = torch.from_numpy(kernel.subwords.rows.astype(np.int64)).to(device)

    def update(
        self,
        inputs: Tensor,
        outputs: Tensor,
        offsets: NDArray[np.int64],
        *,
        alpha: tuple[float, float],
        weight: float,
        stream: int,
    ) -> Tensor:
        """Train on documents of the corpus in place, as `ContextKernel.update` does.

        Returns:
            ``[loss, pairs]`` on the device: the summed loss, and the number of positive pairs.
        """
        seed = np.random.SeedSequence([self.kernel.seed % 2**64, stream % 2**64]).generate_state(1, np.uint64)
        self._generator.manual_seed(int(seed[0] >> np.uint64(1)))
        total = torch.zeros(2, device=self._device)
        for blocks in self._blocks(offsets, (alpha[0] * weight, alpha[1] * weight)):
            total += self.step(inputs, outputs, blocks)
        return total

    def _blocks(self, offsets: NDArray[np.int64], alpha: tuple[float, float]) -> list[Blocks]:
        """Draw the blocks of some documents."""
        kernel, windows = self.kernel, self._windows(offsets)
        n_kept, n_words = len(windows.words), max(1, int(offsets[-1] - offsets[0]))
        if not n_kept:
            return []
        size = max(kernel.block or 1, kernel.block_size(max(alpha)))
        pull = max(alpha) * (1 if kernel.takes_means else kernel.window)
        n_blocks, together = -(-n_kept // size), max(1, int(min(CENTRES, PULL / pull) if pull else CENTRES) // size)
        at = torch.arange(n_blocks, device=self._device)[:, None] * size
        noise = self._noise(n_blocks, kernel.noise + (size - 1) * kernel.noise_step)
        rates = alpha[0] + (alpha[1] - alpha[0]) * (windows.seen[at] / n_words)
        batches = []
        for first in range(0, n_blocks, together):
            part = slice(first, first + together)
            batches.append(self.laid_out(windows, at[part], size, noise[part], rates[part].unsqueeze(2)))
        if kernel.subwords is None:
            return batches
        sizes = self._offsets.diff()
        words = (each.span if kernel.takes_means else each.centres for each in batches)
        rows = torch.stack([sizes[each].sum() for each in words]).tolist()
        return [batch._replace(rows=count) for batch, count in zip(batches, rows, strict=True)]

    def laid_out(self, windows: Windows, at: Tensor, size: int, noise: Tensor, alpha: Tensor) -> Blocks:
        """Return the blocks of ``size`` centres that begin at the places ``at``, ``[b, 1]``."""
        words, last_place = windows.words, len(windows.words) - 1
        reach = self.kernel.window
        centres = at + torch.arange(size, device=at.device)
        span = at + torch.arange(-reach, size + reach, device=at.device)
        there, own = centres.clamp(max=last_place), span.unsqueeze(1)
        near = (own >= windows.first[there].unsqueeze(2)) & (own < windows.last[there].unsqueeze(2))
        near &= (own != centres.unsqueeze(2)) & (centres <= last_place).unsqueeze(2)
        return Blocks(words[there], words[span.clamp(0, last_place)], near, noise, alpha)

    def _windows(self, offsets: NDArray[np.int64]) -> Windows:
        """Subsample documents and draw the reach of each window, as the kernels do."""
        begin, end, device = int(offsets[0]), int(offsets[-1]), self._device
        ids = self._ids[begin:end].long()
        (seen,) = (torch.rand(len(ids), device=device, generator=self._generator) < self._keep[ids]).nonzero(
            as_tuple=True
        )
        ends = torch.from_numpy(offsets[1:] - begin).to(device)
        # Where the kept words of each document begin, and the document of each kept word.
        bounds = torch.searchsorted(seen, functional.pad(ends, (1, 0)))
        document = torch.searchsorted(ends, seen, right=True)
        place = torch.arange(len(seen), device=device)
        reach = torch.randint(1, self.kernel.window + 1, (len(seen),), device=device, generator=self._generator)
        first = torch.maximum(bounds[document], place - reach)
        last = torch.minimum(bounds[document + 1], place + reach + 1)
        return Windows(ids[seen], first, last, seen)

    def _noise(self, n_blocks: int, pool: int) -> Tensor:
        """Draw noise words from the kernel's alias table."""
        shape, device, generator = (n_blocks, pool), self._device, self._generator
        drawn = torch.randint(len(self._alias), shape, device=device, generator=generator)
        accepted = torch.rand(shape, device=device, generator=generator) < self._accept[drawn]
        return torch.where(accepted, drawn, self._alias[drawn])

    @torch.no_grad()
    def step(self, inputs: Tensor, outputs: Tensor, blocks: Blocks) -> Tensor:
        """Make the step of some blocks, all at the values that the tables have now; return loss and number of pairs.

        ``inputs`` is the embedding, ``outputs`` the table of output vectors, ``[vocabulary, vector_size]`` each.
        """
        kernel, near = self.kernel, blocks.near.to(inputs.dtype)
        n_centres, pool = blocks.centres.shape[1], blocks.noise.shape[1]
        run = torch.arange(pool, device=near.device) - kernel.noise_step * torch.arange(
            n_centres, device=near.device
        ).unsqueeze(1)
        meets = ((run >= 0) & (run < kernel.noise)).to(near.dtype)  # [c, m]: the noise words of each centre
        uses = near.sum(dim=2, keepdim=True)
        # The pairs' input vectors, the words to predict, and their weights: above 0 for a pair, below for noise.
        if kernel.takes_means:
            words = self._sums(inputs, blocks.span, blocks.rows)
            sizes = near @ self._sizes(blocks.span, near.dtype)
            hidden, targets = near @ words / sizes.clamp(min=1), blocks.centres
            has_context = (uses > 0).to(near.dtype)
            pairs, met = torch.eye(n_centres, device=near.device, dtype=near.dtype) * has_context, meets * has_context
        elif kernel.has_subwords:
            hidden = self._sums(inputs, blocks.centres, blocks.rows) / self._sizes(blocks.centres, near.dtype)
            targets, pairs, met = blocks.span, near, meets * uses
        else:
            hidden, targets, pairs = inputs[blocks.span], blocks.centres, near.transpose(1, 2)
            met = pairs @ meets
        weights = torch.cat([met * (-kernel.negative / kernel.noise), pairs], dim=2)
        targets = torch.cat([blocks.noise, targets], dim=1)
        out = outputs[targets]
        scores = (hidden @ out.transpose(1, 2)) * weights.sign()
        loss = (weights.abs() * functional.softplus(-scores)).sum()
        slopes = blocks.alpha * weights * torch.sigmoid(-scores)
        of_hidden, of_targets = slopes @ out, slopes.transpose(1, 2) @ hidden
        outputs.index_add_(0, targets.flatten(), _bounded(of_targets))
        if kernel.takes_means:  # every row of a mean takes the gradient undivided
            self._move(inputs, blocks.span, _bounded(near.transpose(1, 2) @ of_hidden), blocks.rows)
        else:
            words = blocks.centres if kernel.has_subwords else blocks.span
            self._move(inputs, words, _bounded(of_hidden), blocks.rows)
        return torch.stack([loss, pairs.sum()]).to(torch.float32)

    def _sizes(self, words: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the number of rows of each word, ``[b, n, 1]``."""
        if self.kernel.subwords is None:
            return torch.ones(*words.shape, 1, dtype=dtype, device=words.device)
        return (self._offsets[words + 1] - self._offsets[words]).unsqueeze(2).to(dtype)

    def _sums(self, inputs: Tensor, words: Tensor, n_rows: int | None) -> Tensor:
        """Return the sums of the rows of words ``[b, n]``, ``[b, n, vector_size]``."""
        if n_rows is None:
            return inputs[words]
        owners, rows = self._rows_of(words, n_rows)
        sums = inputs.new_zeros(words.numel(), inputs.shape[1]).index_add_(0, owners, inputs[rows])
        return sums.view(*words.shape, -1)

    def _move(self, inputs: Tensor, words: Tensor, steps: Tensor, n_rows: int | None) -> None:
        """Add a step ``[b * n, vector_size]`` of each word ``[b, n]`` to all of its rows."""
        if n_rows is None:
            inputs.index_add_(0, words.flatten(), steps)
        else:
            owners, rows = self._rows_of(words, n_rows)
            inputs.index_add_(0, rows, steps[owners])

    def _rows_of(self, words: Tensor, n_rows: int) -> tuple[Tensor, Tensor]:
        """Return all rows of words, one after the other, and the word that each belongs to: ``[n_rows]`` both."""
        starts = self._offsets[words.flatten()]
        sizes = self._offsets[words.flatten() + 1] - starts
        owners = torch.repeat_interleave(torch.arange(len(sizes), device=sizes.device), sizes, output_size=n_rows)
        before = sizes.cumsum(0) - sizes
        return owners, self._rows[torch.arange(n_rows, device=sizes.device) + (starts - before)[owners]]


def _bounded(steps: Tensor) -> Tensor:
    """Return steps ``[b, n, vector_size]`` as ``[b * n, vector_size]``, none longer than `LONGEST_STEP`."""
    steps = steps.flatten(0, 1)
    lengths: Tensor = torch.linalg.vector_norm(steps, dim=1, keepdim=True)
    return steps * (LONGEST_STEP / lengths).clamp(max=1.0)
