"""Word context as a torch loss: the reference for the compiled form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mt2st.embedding.kernels import ContextKernel
from mt2st.network import Network
from mt2st.tasks.batch import Texts
from mt2st.tasks.context import document_runs, stream_of
from mt2st.training.task import EpochSlice
from tests.embedding.kernels.replay import PairBlock, sample_pairs


@dataclass(frozen=True)
class ContextBatch:
    """Pairs of an input vector and a word to predict, with noise words.

    Attributes:
        contexts: ``[C]`` rows of the input table.
        owners: ``[C]`` pair that each of them belongs to; a pair's input vector is the mean of its rows.
        centres: ``[P]`` rows of the output table: the words to predict.
        negatives: ``[P, N]`` rows of the output table: noise words of each pair.
        negative_weight: factor on each noise word's loss.
    """

    contexts: Tensor
    owners: Tensor
    centres: Tensor
    negatives: Tensor
    negative_weight: float

    @classmethod
    def of(cls, blocks: list[PairBlock]) -> ContextBatch:
        """Join blocks of pairs into one batch."""
        pairs = [len(block.centres) for block in blocks]
        owners = np.repeat(np.arange(sum(pairs)), np.concatenate([np.diff(block.context_offsets) for block in blocks]))
        negatives = np.concatenate([block.negatives for block in blocks])
        return cls(
            contexts=torch.from_numpy(np.concatenate([block.contexts for block in blocks])),
            owners=torch.from_numpy(owners),
            centres=torch.from_numpy(np.concatenate([block.centres for block in blocks])),
            negatives=torch.from_numpy(negatives),
            negative_weight=blocks[0].negative_weight,
        )

    def to(self, device: torch.device) -> ContextBatch:
        """Return the batch on a device."""
        return ContextBatch(
            self.contexts.to(device),
            self.owners.to(device),
            self.centres.to(device),
            self.negatives.to(device),
            self.negative_weight,
        )


def context_loss(inputs: Tensor, outputs: Tensor, batch: ContextBatch, *, undivided: bool = False) -> Tensor:
    r"""Return the summed negative-sampling loss of a batch's pairs.

    .. math:: -\sum_p \Bigl( \log\sigma(h_p \cdot o_{c_p}) + w \sum_n \log\sigma(-h_p \cdot o_n) \Bigr)

    with :math:`h_p` the mean of pair :math:`p`'s input rows (Mikolov et al. 2013).

    Args:
        inputs: ``[vocabulary, vector_size]`` the embedding, on any device.
        outputs: ``[vocabulary, vector_size]`` the output table, on the same.
        batch: the pairs, on any device: they are moved to that of the tables.
        undivided: give each input row of a pair the whole gradient of :math:`h_p`, as word2vec's CBOW and the compiled
            kernel do, instead of its share of the mean. The value is the same.
    """
    batch = batch.to(inputs.device)
    n_pairs = len(batch.centres)
    sizes = inputs.new_zeros(n_pairs).index_add(0, batch.owners, inputs.new_ones(len(batch.owners)))
    sums = inputs.new_zeros(n_pairs, inputs.shape[1]).index_add(0, batch.owners, inputs[batch.contexts])
    hidden = sums / sizes.unsqueeze(1)
    if undivided:
        hidden = hidden.detach() + sums - sums.detach()
    positive = functional.logsigmoid((hidden * outputs[batch.centres]).sum(dim=1))
    noise = functional.logsigmoid(-torch.einsum("ps,pns->pn", hidden, outputs[batch.negatives]))
    return -(positive.sum() + batch.negative_weight * noise.sum())


class AutogradContextTask:
    """`mt2st.tasks.context.ContextTask` with torch's gradient: slower, on any device, with any optimizer.

    It draws the same pairs as the compiled form, and the same noise words where ``alpha * weight`` is 0.025. (At other
    rates the compiled form shares noise words among more or fewer centres.) Its learning rate is the optimizer's. The
    network keeps the output table as this task's head.

    Args:
        texts: the unlabelled corpus.
        kernel: the context kernel whose pairs are drawn.
        name: name of the task and of its head.
        passes: passes over the corpus in one epoch of the primary task.
        parts: batches per epoch.
    """

    products_outside_layers = True

    def __init__(
        self, texts: Texts, kernel: ContextKernel, *, name: str = "context", passes: float = 1.0, parts: int = 1000
    ) -> None:
        self.name = name
        self.texts, self.kernel = texts, kernel
        self.passes, self.parts = passes, parts

    def head(self, vector_size: int) -> nn.Module:
        """Return a new output table of zeros, as in word2vec."""
        head = nn.Embedding(self.kernel.vocabulary_size, vector_size)
        nn.init.zeros_(head.weight)
        return head

    @property
    def n_batches(self) -> int:
        """Number of parts of an epoch; a part without a pair gives no batch."""
        return self.parts

    def batches(self, *, epoch: int, seed: int) -> Iterator[ContextBatch]:
        """Yield the pairs of an epoch's parts, as the compiled form would train on them."""
        for part in range(self.parts):
            epoch_slice = EpochSlice(epoch, part, self.parts, seed)
            blocks = [
                block
                for number, offsets in enumerate(document_runs(self.texts.offsets, epoch_slice, self.passes))
                for block in sample_pairs(self.kernel, self.texts.ids, offsets, stream=stream_of(epoch_slice, number))
                if len(block.centres)
            ]
            if blocks:
                yield ContextBatch.of(blocks)

    def loss(self, network: nn.Module, batch: ContextBatch) -> Tensor:
        """Return the mean loss of a pair."""
        assert isinstance(network, Network)
        outputs = network.heads[self.name].weight
        assert isinstance(outputs, Tensor)
        return context_loss(network.embedding.weight, outputs, batch, undivided=True) / len(batch.centres)

    def evaluate(self, network: nn.Module) -> dict[str, float]:  # the protocol's argument
        """Return nothing: the task has no validation part."""
        return {}
