"""What must be the same for a run to go on from a checkpoint: its settings, its strategy and its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from mt2st.models.resolved import resolved
from mt2st.models.settings import ModelSettings
from mt2st.strategy import Strategy
from mt2st.tasks import LabelledTask
from mt2st.text import Corpus
from mt2st.training import Trainer
from mt2st.training.checkpoint import ORIGIN, RESOLVED


def run_identity(
    settings: ModelSettings,
    strategy: Strategy,
    trainer: Trainer,
    corpus: Corpus,
    *,
    auxiliary: Any,
    origin: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the identity of a run as plain values.

    Args:
        settings: the model's.
        strategy: how the auxiliary tasks fade out or go off.
        trainer: knows the labelled data.
        corpus: all training text, encoded.
        auxiliary: a plain value that tells the data of auxiliary tasks on words from others.
        origin: as for `TrainedModel.fit_rows`.
    """
    assert isinstance(trainer.primary, LabelledTask)
    held_out = trainer.primary.validation
    labelled = [each.task for each in trainer.streams if isinstance(each.task, LabelledTask)]
    return {
        "settings": settings.flat(),
        RESOLVED: resolved(settings),
        "strategy": strategy.state_dict(),
        "data": {
            "documents": len(corpus),
            "tokens": corpus.n_tokens,
            "vocabulary": crc32("\n".join(corpus.vocabulary.tokens).encode(errors="surrogatepass")),
            "text": _checksum(corpus.ids),
            "auxiliary": auxiliary,
            "labels": _checksum(trainer.primary.train.targets),
            "validation": [_checksum(held_out.texts.ids), _checksum(held_out.targets)] if held_out else None,
            "auxiliary labels": {task.name: _checksum(task.train.targets) for task in labelled},
        },
        ORIGIN: dict(origin or {}),
    }


def _checksum(values: NDArray[Any]) -> int:
    return crc32(np.ascontiguousarray(values).data)
