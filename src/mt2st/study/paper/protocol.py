"""How the paper's experiments are run: the data's parts, the models, the strategies' schedules, and the runs.

`SOUND`, the default: mini-batches, the epoch chosen on 250 validation reviews, thousands of unseen reviews for the
test. `REFERENCE`: the settings of the published code: 25 epochs, each one step on all 750 reviews, 250 reviews for the
test and none to choose by, vectors trained on the 750. `QUICK`: a taste of the sound one, with a smaller network.

Of the published code the reference protocol does not repeat: its auxiliary losses without a gradient, test words in the
vocabulary, a frozen embedding with another learning rate in the rows called 'original', and its squaring of alpha (eq
11 is followed: ``alpha ** t`` with its 0.95).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from mt2st.errors import InputError, listed
from mt2st.models import ModelSettings
from mt2st.models.groups import GLOVE
from mt2st.strategy import Diminish, MultiTask, SingleTask, Strategy, Switch
from mt2st.study.data import StudyData
from mt2st.study.grid import Cell, Grid, Method
from mt2st.text import LabelledText

SAMPLE, HELD_OUT = 1000, 250
"""Reviews that the paper samples, and how many of them are not learned from."""
SAMPLE_STATE, SPLIT_STATE = 24, 42
"""The published code's random states."""
MOST_TESTED = 4000
UPDATE_WEIGHT = 0.1
"""Weight of a task on words in the sound protocol. The paper has 1, at which two of them do harm
(docs/explanation/auxiliary-tasks.md#weight-1)."""


@dataclass(frozen=True)
class Protocol:
    """How the experiments are run.

    Attributes:
        name: what the command line calls it.
        settings: of the models, by name: ``{"context__window": 15}``.
        switch_at: first epoch of the single-task phase of Switch.
        diminish: makes the Diminish strategy of a weight.
        weight: of an auxiliary task on words, at the start.
        chooses: whether 250 reviews of the sample choose the epoch, and others are the test; else these 250 are the
            test, and the epoch is that of the best accuracy on what was learned from.
        most_tested: reviews in the test part at most.
        embeddings: of the tables, by the paper's names; empty: all.
    """

    name: str
    settings: dict[str, Any]
    switch_at: int
    diminish: Callable[[float], Strategy]
    weight: float
    chooses: bool = True
    most_tested: int = MOST_TESTED
    embeddings: tuple[str, ...] = field(default=())

    def strategies(self) -> dict[str, Strategy]:
        """Return the strategies by their names in the study."""
        return {
            "single-task": SingleTask(),
            "multi-task": MultiTask(self.weight),
            "diminish": self.diminish(self.weight),
            "switch": Switch(self.switch_at, weight=self.weight),
        }

    def data(self, reviews: LabelledText, *, sample: int = SAMPLE_STATE) -> StudyData:
        """Cut all reviews into the parts of the study; ``sample`` is the random state of the sample of 1,000."""
        least = SAMPLE + HELD_OUT if self.chooses else SAMPLE
        if len(reviews) < least:
            raise InputError(
                f"{reviews.source}: the {self.name} protocol needs {least:,} labelled texts or more, found "
                f"{len(reviews):,}"
            )
        # pandas, which the published code samples with, takes the head of a permutation by the same generator.
        chosen = np.random.RandomState(sample).choice(len(reviews), size=SAMPLE, replace=False)
        train, held_out = train_test_split(chosen, test_size=HELD_OUT, random_state=SPLIT_STATE)
        if not self.chooses:
            learned = _select(reviews, train)
            return StudyData(learned, learned, _select(reviews, held_out))
        others = np.setdiff1d(np.arange(len(reviews)), chosen)
        if len(others) > self.most_tested:
            others = np.random.RandomState(sample).permutation(others)
        test = others[: self.most_tested]
        unlabelled = tuple(reviews.texts[index] for index in np.concatenate([held_out, test]))
        # A partial can be given to other processes.
        return StudyData(
            _select(reviews, train), _select(reviews, held_out), _select(reviews, test), partial(tuple, unlabelled)
        )


def _select(reviews: LabelledText, indices: Iterable[int]) -> LabelledText:
    return reviews.select(int(index) for index in indices)


ALL: dict[str, Any] = {
    "encoder__name": "bilstm",
    "encoder__hidden_size": 256,
    "encoder__linear": False,
    "optimisation__monitor": "metric",
    "text__max_length": 100,
    "optimisation__convergence": "never",
}
SOUND = Protocol(
    name="sound",
    settings={
        **ALL,
        "optimisation__epochs": 6,
        "text__min_count": 5,
        "optimisation__embedding_learning_rate": 5e-4,
        "context__window": 15,
        "context__sample": 1e-4,
        "embedding__init_epochs": 10,
    },
    switch_at=4,
    diminish=lambda weight: Diminish(0.7, initial=weight, negligible=0.05 * weight),
    weight=UPDATE_WEIGHT,
)
QUICK = Protocol(
    name="quick",
    settings={
        **SOUND.settings,
        "encoder__hidden_size": 32,
        "text__max_length": 64,
        "optimisation__epochs": 4,
        "embedding__init_epochs": 8,
    },
    switch_at=3,
    diminish=lambda weight: Diminish(1.0, initial=weight, negligible=0.05 * weight),
    weight=UPDATE_WEIGHT,
    most_tested=1000,
    embeddings=("CBOW", "SkipGram"),
)
REFERENCE = Protocol(
    name="reference",
    settings={
        **ALL,
        "optimisation__epochs": 25,
        "optimisation__batch_size": SAMPLE - HELD_OUT,
        "optimisation__learning_rate": 1e-3,
        "optimisation__embedding_learning_rate": 1e-3,
        "optimisation__weight_decay": 0.0,
        "encoder__dropout": 0.0,
        "optimisation__average": 0.0,
        "encoder__standardise": False,
        "text__truncation": "end",
        "text__min_count": 1,
    },
    switch_at=16,
    diminish=lambda weight: Diminish(-math.log(0.95), initial=weight, negligible=0.0),  # eq 11
    weight=1.0,
    chooses=False,
)

EMBEDDINGS = {
    "CBOW": "cbow",
    "SkipGram": "skipgram",
    "CBOWFastText": "cbow-fasttext",
    "SkipGramFastText": "skipgram-fasttext",
    "GloveTwitter": "glove",
}
"""The paper's embeddings, and where ours start. Its GloVe vectors were trained on tweets; without these ours are
trained on the same text as the others."""
UPDATES = {
    "update0": "semantic-syntactic",
    "update1": "misalignment",
    "update2": "analogy",
    "update3": "spearman",
}
"""The paper's auxiliary tasks."""
GLOVE_LONGER, GLOVE_FASTER = 5, 4
"""How many times as many epochs GloVe's vectors train as the others, and how many times as high the embedding's
learning rate is in the classifiers then (docs/explanation/auxiliary-tasks.md#glove-settings)."""
GLOVE_WINDOW, GLOVE_X_MAX = 60, 30.0
NEEDED_FILES = {"update1": ("agree",), "update3": ("similarity",)}
"""What an update cannot do without: names of settings."""
TIME_SETTINGS: dict[str, Any] = {
    "auxiliaries": ("context",),
    "embedding__init": "random",
    "optimisation__evaluations_per_epoch": 8,
    "context__method": "cbow",
    "context__window": 10,
}
WORDS_READ, MOST_PASSES = 6_400_000, 80
"""Words that the context task reads before the transition, whatever the text, and over how many passes at most."""
STEPS = 47
"""Of an epoch: 750 texts in batches of 16."""
RISE = 2 * STEPS
"""Steps over which the rates rise again after the transition."""


def time_methods(words: int) -> dict[str, Method]:
    """Return the methods of the study of time, for a text of so many words (docs/results/time.md tells why so).

    The context task runs in the first four steps under Diminish and in the first five under Switch; then the linear
    probe fits the head. The first evaluation comes after the sixth step. Multi-task training keeps the context task.
    """
    before = STEPS * min(MOST_PASSES, WORDS_READ / max(1, words))  # passes of an epoch that would read it in one step
    then = {"transition__probe_head": 0.01, "transition__rate": "rewarm", "optimisation__warmup_steps": RISE}
    return {
        "single-task": Method(SingleTask()),
        "multi-task": Method(MultiTask(0.25), {"context__alpha": 0.2, "context__passes": 20.0, "context__block": 16}),
        "diminish": Method(
            Diminish(0.12, curvature=2.0, unit="step"),
            {
                "context__alpha": 0.14,
                "context__min_alpha": 0.14,
                "context__passes": before / 4,
                "context__block": 16,
                **then,
            },
        ),
        "switch": Method(
            Switch(6, unit="step"),
            {"context__alpha": 0.1, "context__passes": before / 5, "context__block": 32, **then},
        ),
    }


def possible_updates(files: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the updates whose data there are, by the names of settings, such as ``agree`` and ``similarity``.

    Example:
        >>> possible_updates({"similarity": ["judged.txt"]})
        ['update0', 'update2', 'update3']
    """
    return [update for update in UPDATES if all(files.get(name) for name in NEEDED_FILES.get(update, ()))]


def table_cells(
    protocol: Protocol,
    *,
    seeds: Sequence[int],
    files: Mapping[str, Sequence[str]] | None = None,
    embeddings: Sequence[str] = (),
    glove: str | None = None,
    vector_size: int | None = None,
) -> list[Cell]:
    """Return the runs of Tables I to III: each embedding with each update in each mode, and 'original' once.

    The embedding starts from vectors of its kind, trained on the text; then the primary task and the update train it.

    Args:
        protocol: how.
        seeds: a run of each for each.
        files: of the word pairs and questions, by the names of the settings.
        embeddings: the paper's names of those to run; none given: the protocol's.
        glove: a file of GloVe vectors, or ``gensim:glove-twitter-100``, in place of vectors trained here.
        vector_size: dimensions of the vectors of ``glove``; None: as many as the others have.
    """
    files = files or {}
    names = embeddings or protocol.embeddings or tuple(EMBEDDINGS)
    unknown = [name for name in names if name not in EMBEDDINGS]
    if unknown:
        raise InputError(f"the paper has no embedding '{unknown[0]}'; it has {listed(list(EMBEDDINGS))}")
    starts = EMBEDDINGS | ({"GloveTwitter": glove} if glove else {})
    updates = possible_updates(files)
    given: dict[str, Any] = {f"auxiliary_data__{name}": tuple(paths) for name, paths in files.items() if paths}
    settings = ModelSettings().updated(
        **protocol.settings, auxiliaries=tuple(UPDATES[each] for each in updates), **given
    )
    grid = Grid(
        protocol.strategies(),
        settings,
        seeds,
        embeddings=[starts[name] for name in names],
        auxiliaries=[(UPDATES[each],) for each in updates],
    )
    cells = grid.cells()
    if protocol.chooses:  # the published settings stay as they are
        cells = [_suited_to_glove(cell) if cell.settings.embedding.init == GLOVE else cell for cell in cells]
    if vector_size is not None:
        size = {"embedding__vector_size": vector_size}
        cells = [
            replace(cell, settings=cell.settings.updated(**size)) if cell.settings.embedding.init == glove else cell
            for cell in cells
        ]
    return cells


def _suited_to_glove(cell: Cell) -> Cell:
    given = cell.settings
    rate = GLOVE_FASTER * given.learning_rates["embedding"]
    settings = given.updated(
        embedding__init_epochs=GLOVE_LONGER * given.embedding.init_epochs,
        optimisation__embedding_learning_rate=rate,
        context__glove_sample=given.context.sample,
        context__window=GLOVE_WINDOW,
        context__x_max=GLOVE_X_MAX,
    )
    return replace(cell, settings=settings)


def time_cells(protocol: Protocol, data: StudyData, *, seeds: Sequence[int]) -> list[Cell]:
    """Return the runs that the claims about time are measured on: the four strategies with the context task.

    All start from random vectors, so that whoever learns from the unlabelled text does so within the time measured.
    """
    words = sum(len(text.split()) for text in chain(data.train.texts, data.unlabelled()))
    settings = ModelSettings().updated(**(protocol.settings | TIME_SETTINGS))
    return Grid(time_methods(words), settings, seeds).cells()
