"""The identity of a run: what must be the same to go on from a checkpoint, or to count a finished run as this one.

A setting that is not given is stored as None, and a constant of this version resolves it. These resolved values are
compared, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from mt2st._checkpoint import ORIGIN
from mt2st.models.assembly import CONTEXT_COOCCURRENCES, CONTEXT_WORDS, MOST_PASSES
from mt2st.models.groups import GLOVE, TEXT_DEFAULTS
from mt2st.models.problem_types import Rows
from mt2st.models.settings import ModelSettings
from mt2st.strategy import Strategy
from mt2st.tasks import LabelledTask
from mt2st.tasks.context import least_rate
from mt2st.text import Corpus, MultiLabelledText, TaggedText
from mt2st.training import Trainer
from mt2st.training.checkpoint import RESOLVED


def resolved(settings: ModelSettings) -> dict[str, Any]:
    """Return the settings whose defaults depend on others, by dotted path, as given or by default.

    The number of passes of the context task depends on the text too: its value is what decides it.

    Example:
        >>> resolved(ModelSettings().updated(encoder__name="mean"))["optimisation.learning_rate"]
        0.005
        >>> resolved(ModelSettings())["context.passes"]
        {'words': 3500000, 'at_most': 15.0}
    """
    rates, ngrams, glove = settings.learning_rates, settings.embedding.ngrams, settings.context.method == GLOVE
    filled = settings.with_defaults(of_words=False).flat()  # the settings of a tagger have its defaults by now
    work = {"cooccurrences": CONTEXT_COOCCURRENCES} if glove else {"words": CONTEXT_WORDS}
    return {
        "optimisation.learning_rate": rates["encoder"],
        "optimisation.head_learning_rate": rates["heads"],
        "optimisation.embedding_learning_rate": rates["embedding"],
        "optimisation.feedback_every": settings.feedback_interval,
        **{path: filled[path] for path in (each.replace("__", ".") for each in TEXT_DEFAULTS)},
        "context.alpha": settings.alpha,
        "context.min_alpha": None if glove else least_rate(settings.alpha, settings.context.min_alpha),
        "context.passes": settings.context.passes or {**work, "at_most": MOST_PASSES},
        "embedding.min_n": ngrams.min_n,
        "embedding.max_n": ngrams.max_n,
        "embedding.bucket": ngrams.bucket,
    }


def run_identity(
    settings: ModelSettings,
    strategy: Strategy,
    trainer: Trainer,
    corpus: Corpus,
    *,
    auxiliary: Any,
    origin: Mapping[str, Any] | None,
    parts: Mapping[str, Rows | None],
) -> dict[str, Any]:
    """Return the identity of a run as plain values.

    ``auxiliary`` is a plain value that tells the data of auxiliary tasks on words from others; of the labelled data
    in ``parts`` no word may differ.
    """
    assert isinstance(trainer.primary, LabelledTask)
    held_out = trainer.primary.validation
    labelled = [each.task for each in trainer.streams if isinstance(each.task, LabelledTask)]
    weights = getattr(trainer.primary.train, "weights", None)
    flat = settings.flat()
    del flat["optimisation.on_divergence"]  # may change: a training that has diverged goes on by it
    identity: dict[str, Any] = {
        "settings": flat,
        RESOLVED: resolved(settings),
        "strategy": strategy.state_dict(),
        "data": {
            "documents": len(corpus),
            "tokens": corpus.n_tokens,
            "vocabulary": crc32("\n".join(corpus.vocabulary.tokens).encode(errors="surrogatepass")),
            "text": _checksum(corpus.ids),
            "auxiliary": auxiliary,
            "labels": _checksum(trainer.primary.train.targets),
            "weights (sample_weight, class_weight)": None if weights is None else _checksum(weights),
            "validation": [_checksum(held_out.texts.ids), _checksum(held_out.targets)] if held_out else None,
            "auxiliary tasks": list(trainer.strategy.auxiliaries),
            "auxiliary labels": {task.name: _checksum(task.train.targets) for task in labelled},
            **{name: row_hash({name: rows}).hexdigest()[:16] for name, rows in parts.items() if rows is not None},
        },
        ORIGIN: dict(origin or {}),
    }
    plain: dict[str, Any] = json.loads(json.dumps(identity))
    return plain


def _checksum(values: NDArray[Any]) -> int:
    return crc32(np.ascontiguousarray(values).data)


def row_hash(parts: Mapping[str, Rows | None]) -> hashlib._Hash:
    """Return the hash of all texts and labels of parts of labelled data, with their names."""
    digest = hashlib.sha256()
    for name, part in parts.items():
        for fields_of_row in _rows(part) if part is not None else ():
            add_to_hash(digest, name, *fields_of_row)
    return digest


def add_to_hash(digest: hashlib._Hash, *texts: str) -> None:
    """Add texts to a hash."""
    for text in texts:  # each with its length, so that no two rows make the same bytes
        content = text.encode("utf-8", "surrogatepass")
        digest.update(b"%d:%s" % (len(content), content))


def _rows(part: Rows) -> Iterator[tuple[str, ...]]:
    """Yield the labels and the text of each row, so that no two different parts yield the same."""
    if isinstance(part, TaggedText):
        for words, tags in zip(part.sentences, part.tags, strict=True):
            yield from zip(tags, words, strict=True)
            yield ("",)
    elif isinstance(part, MultiLabelledText):
        for text, labels in zip(part.texts, part.labels, strict=True):
            yield (str(len(labels)), *labels, text)
    else:
        yield from zip(part.labels, part.texts, strict=True)
