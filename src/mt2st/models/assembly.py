"""The parts of a training, as settings ask for them: network, optimizer, transition, convergence, context task."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, PolynomialLR

from mt2st.embedding.memory import MEGABYTE, WORD_BYTES, Footprint, check_available, megabytes, ngram_bytes
from mt2st.embedding.subwords import KnownSubwords
from mt2st.errors import InputError
from mt2st.models.groups import ENCODERS, GLOVE, PARAMETER_GROUPS, by_group
from mt2st.models.linear_probe import LinearProbe
from mt2st.models.problem_types import ProblemType
from mt2st.models.settings import ModelSettings
from mt2st.network import Network, Spelling, SubwordEmbedding, build_encoder
from mt2st.network.network import TaskLayer, activate_task_layers
from mt2st.strategy import PRIMARY_TASK
from mt2st.tasks import ClassificationTask, ContextTask, GloveTask, LabelledTask, MultiLabelTask, Texts
from mt2st.text import Corpus, Vocabulary
from mt2st.training import (
    CheckConvergence,
    DimensionFreezing,
    EarlyStopping,
    LearningRateSchedule,
    TransitionActions,
)
from mt2st.training.learning_rate import AtTransition
from mt2st.training.loop import HALVE

if TYPE_CHECKING:
    from mt2st.embedding.glove.counting import CountingReport

CONTEXT_WORDS = 3_500_000
"""Words of the context task in an epoch, if the settings do not say how many passes: some seconds of work, whatever the
size of the corpus. On the IMDB samples that this was chosen on, about as many as the embedding needed."""
CONTEXT_COOCCURRENCES = 10_000_000
"""Co-occurrences of GloVe in an epoch, likewise: about as many seconds."""
MOST_PASSES = 15.0
"""More passes over a small corpus teach little that is new."""


def check_memory(
    settings: ModelSettings,
    vocabulary: Vocabulary,
    subwords: KnownSubwords | None,
    heads: Mapping[str, tuple[ProblemType[Any], int]],
) -> Footprint:
    """Return the memory that a training takes at most, before anything is made."""
    tokens, size = vocabulary.tokens, settings.embedding.vector_size
    rows = len(tokens) if subwords is None else subwords.rows.table_rows
    parameters = 4 * sum(math.prod(shape) for shape in shapes_of(settings, rows, heads).values())
    table = 4 * rows * size
    # Gradient, AdamW's two moments, the best parameters, and the running average if there is one.
    copies = 4 + bool(settings.optimisation.average)
    outputs = ("context" in settings.auxiliaries) * 4 * len(tokens) * size
    if settings.optimisation.on_divergence == HALVE:  # the state to go back to, in which the best need not be again
        copies, outputs = 2 * copies - 1, 2 * outputs
    footprint = Footprint(
        tables=table + outputs,
        vocabulary=WORD_BYTES * len(tokens),
        ngrams=ngram_bytes(tokens, subwords.settings) if subwords is not None else 0,
        network=max(0, parameters - table),
        optimizer=copies * max(parameters, table),
    )
    check_available(
        footprint.total,
        f"training a model of {len(tokens):,} words and {size:,} dimensions",
        f"{footprint.parts}; lower vector_size, hidden_size or max_vocabulary, or raise min_count",
    )
    return footprint


def shapes_of(
    settings: ModelSettings, n_rows: int, heads: Mapping[str, tuple[ProblemType[Any], int]]
) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a network's parameters, without their memory; with a user's encoder, the embedding's."""
    with torch.device("meta"):
        embedding = nn.Embedding(n_rows, settings.embedding.vector_size)
        if settings.encoder.name not in ENCODERS:  # whose constructor may need numbers
            return {"embedding.weight": tuple(embedding.weight.shape)}
        network = new_network(settings, embedding, heads)
    return {name: tuple(value.shape) for name, value in network.named_parameters()}


def new_network(
    settings: ModelSettings,
    embedding: nn.Embedding | SubwordEmbedding,
    heads: Mapping[str, tuple[ProblemType[Any], int]],
) -> Network:
    """Return a new network on an embedding, with a head for each task's problem type and number of classes."""
    problem, _ = heads[PRIMARY_TASK]
    settings = settings.with_defaults(of_words=not problem.of_texts)
    assert settings.encoder.hidden_size is not None
    assert settings.encoder.dropout is not None
    assert settings.encoder.word_dropout is not None
    spelling = _new_spelling(embedding) if settings.encoder.spelling else None
    encoder = build_encoder(
        settings.encoder.built,
        vector_size=settings.embedding.vector_size + (spelling.size if spelling is not None else 0),
        hidden_size=settings.encoder.hidden_size,
        pooling=settings.encoder.pooling,
    )
    modules: dict[str, nn.Module] = {
        name: problem.head(encoder, n_classes) for name, (problem, n_classes) in heads.items()
    }
    if settings.transition.task_layer:  # made last, so that all else starts as without it
        head = cast("nn.Linear", modules[PRIMARY_TASK])
        modules[PRIMARY_TASK] = nn.Sequential(TaskLayer(head.in_features), head)
    return Network(
        embedding,
        encoder,
        modules,
        dropout=settings.encoder.dropout,
        word_dropout=settings.encoder.word_dropout,
        standardise=settings.encoder.standardise,
        spelling=spelling,
    )


def _new_spelling(embedding: nn.Embedding | SubwordEmbedding) -> Spelling:
    if isinstance(embedding, SubwordEmbedding):
        return Spelling(embedding.subwords.rows.n_words)
    return Spelling(embedding.num_embeddings)


def new_optimizer(settings: ModelSettings, network: Network) -> torch.optim.AdamW:
    """Return AdamW with a group each for the embedding (without weight decay), the encoder and the heads."""
    rates = settings.learning_rates
    encoder = [network.encoder] if network.spelling is None else [network.spelling, network.encoder]
    modules = ([network.embedding], encoder, [network.heads])
    return torch.optim.AdamW(
        [
            {
                "name": group,
                "params": [parameter for module in group_modules for parameter in module.parameters()],
                "lr": rates[group],
                "weight_decay": 0.0 if group == "embedding" else settings.optimisation.weight_decay,
            }
            for group, group_modules in zip(PARAMETER_GROUPS, modules, strict=True)
        ],
        fused=True,  # one pass over the memory of a large table in place of eight
    )


def new_transition(settings: ModelSettings, primary: LabelledTask[Any, Any]) -> TransitionActions:
    """Return what the transition sets off; of what no setting asks for, nothing."""
    return TransitionActions(
        rates=_new_rates(settings),
        freezing=_new_freezing(settings),
        activate=activate_task_layers if settings.transition.task_layer else None,
        probe=_new_probe(settings, primary),
        keep_after=settings.transition.task_layer,
    )


def new_convergence(settings: ModelSettings) -> CheckConvergence | EarlyStopping | None:
    """Return what ends a run before its last epoch."""
    optimisation = settings.optimisation
    if optimisation.convergence == "never":
        return None
    if optimisation.convergence == "validation-loss":
        return EarlyStopping(optimisation.patience, optimisation.minimum_gain, earliest=optimisation.earliest_end)
    return CheckConvergence(optimisation.tolerance, optimisation.patience)


def new_decay(settings: ModelSettings, optimizer: Optimizer, n_steps: int) -> LRScheduler | None:
    """Return the linear decay of the learning rates over ``n_steps``, if there is to be one."""
    return PolynomialLR(optimizer, total_iters=n_steps) if settings.optimisation.linear_decay else None


def _new_rates(settings: ModelSettings) -> LearningRateSchedule | None:
    optimisation = settings.optimisation
    warmup = by_group(optimisation.warmup_steps, 0)
    at_transition: dict[str, AtTransition] = by_group(settings.transition.rate, "keep")
    if not settings.changes_rates:
        return None
    return LearningRateSchedule(
        warmup=warmup,
        patience=optimisation.plateau_patience,
        reduce=by_group(optimisation.plateau_factor, 1.0),
        at_transition=at_transition,
    )


def _new_probe(settings: ModelSettings, primary: LabelledTask[Any, Any]) -> LinearProbe | None:
    transition = settings.transition
    if transition.probe_head is None:
        return None
    assert isinstance(primary, ClassificationTask | MultiLabelTask), "a tagger is refused before"
    return LinearProbe(primary, transition.probe_head, most_texts=transition.probe_texts, seed=settings.seed)


def _new_freezing(settings: ModelSettings) -> DimensionFreezing | None:
    transition = settings.transition
    if transition.freeze_fraction is None and transition.freeze_threshold is None:
        return None
    return DimensionFreezing(
        transition.freeze_fraction,
        threshold=transition.freeze_threshold,
        relevance=transition.freeze_relevance,
        which=transition.freeze_which,
        at=transition.freeze_from,
        over=transition.freeze_over,
    )


def context_task(
    settings: ModelSettings,
    corpus: Corpus,
    *,
    subwords: KnownSubwords | None,
    scratch: Path,
    on_counting: Callable[[CountingReport], None] | None = None,
) -> ContextTask | GloveTask:
    """Return the context task that the settings ask for, compiled.

    The folder ``scratch`` is for GloVe's co-occurrences, and must outlive the task.
    """
    if settings.context.method == GLOVE:
        task: ContextTask | GloveTask = _glove(settings, corpus, scratch, on_counting)
    else:
        task = _kernel(settings, corpus, subwords)
    task.compile()
    return task


def _kernel(settings: ModelSettings, corpus: Corpus, subwords: KnownSubwords | None) -> ContextTask:
    from mt2st.embedding.kernels import KERNELS  # numba loads only when something is trained

    kernel = KERNELS[settings.context.method](
        corpus.vocabulary.counts,
        subwords=subwords.rows if subwords is not None else None,
        window=settings.window,
        negative=settings.context.negative,
        sample=settings.context.sample,
        seed=settings.seed,
        block=settings.context.block,
    )
    return ContextTask(
        Texts.of(corpus),
        kernel,
        settings.embedding.vector_size,
        alpha=settings.alpha,
        min_alpha=settings.context.min_alpha,
        passes=_passes(settings, CONTEXT_WORDS, corpus.n_tokens),
    )


def _glove(
    settings: ModelSettings, corpus: Corpus, scratch: Path, on_counting: Callable[[CountingReport], None] | None
) -> GloveTask:
    """Count the co-occurrences, once, and return the task on them."""
    from mt2st.embedding.glove.counting import count_cooccurrences, counting_memory

    vocabulary = corpus.vocabulary
    memory = int(settings.context.memory * MEGABYTE)
    counting = counting_memory(corpus.n_tokens, len(vocabulary), settings.window, memory)
    check_available(
        Footprint.of_glove(len(vocabulary), settings.embedding.vector_size, counting).total,
        f"GloVe's task on {len(vocabulary):,} vectors of {settings.embedding.vector_size:,} dimensions",
        f"{megabytes(counting)} of it are for the co-occurrences (context_memory); lower that, vector_size, or the "
        "number of words by min_count",
    )
    begin = time.perf_counter()
    cooccurrences = count_cooccurrences(
        corpus.ids,
        corpus.offsets,
        vocabulary.counts,
        folder=scratch,
        window=settings.window,
        sample=settings.context.glove_sample,
        seed=settings.seed,
        memory=memory,
        report=on_counting,
    )
    seconds = time.perf_counter() - begin
    if not len(cooccurrences):
        raise InputError(
            "context_method 'glove' finds no two words of the vocabulary in one text: there is nothing to learn from. "
            "Longer texts, or a lower min_count, would do"
        )
    return GloveTask(
        cooccurrences,
        settings.embedding.vector_size,
        learning_rate=settings.alpha,
        x_max=settings.context.x_max,
        passes=_passes(settings, CONTEXT_COOCCURRENCES, cooccurrences.directed),
        memory=memory,
        seed=settings.seed,
        seconds_before=seconds,
    )


def _passes(settings: ModelSettings, wanted: int, of_one_pass: int) -> float:
    """Return the passes in an epoch: those of the settings, or as many as make the work that is wanted."""
    return settings.context.passes or min(MOST_PASSES, wanted / max(1, of_one_pass))
