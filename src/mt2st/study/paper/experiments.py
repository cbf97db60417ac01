"""The runs of the paper's experiments, as cells of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from mt2st.errors import InputError, listed
from mt2st.models import ModelSettings
from mt2st.models.groups import GLOVE
from mt2st.strategy import Diminish, MultiTask, SingleTask, Switch
from mt2st.study.data import StudyData
from mt2st.study.grid import Cell, Grid, Method
from mt2st.study.paper.protocol import Protocol

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
"""GloVe's vectors train for five times as many epochs as the others (its authors train small ones for 50, Pennington et
al. 2014), and the embedding's learning rate in the classifiers is four times as high: from so little text GloVe learns
less, and the labels more. These settings and the next two were chosen by single-task training on other samples of the
reviews (docs/explanation/auxiliary-tasks.md#glove-settings)."""
GLOVE_WINDOW, GLOVE_X_MAX = 60, 30.0
"""Its window and ``x_max``: a word of a review tells of its whole tone, and a distant pair counts little, by
``1 / distance``; with so many pairs more of them have large counts."""
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
"""Words that the context task reads before the transition, whatever the text, and over how many passes at most. By
passes alone it would read a twentieth of that in a set of sentences, and the transition would come before it pays."""
STEPS = 47
"""Of an epoch: 750 texts in batches of 16."""
RISE = 2 * STEPS
"""Steps over which the rates rise again after the transition. Small ones keep what the head was fitted to; without full
ones the network stays where it was, on text whose contexts teach little."""


def time_methods(words: int) -> dict[str, Method]:
    """Return the methods of the study of time, for a text of so many words.

    The rule of words and the rise are the same for all data, chosen on three sets and looked at on two others
    (docs/results/time.md#other-data). The other values were chosen on other samples of the reviews than those
    reported, to reach single-task's best in the fewest seconds. The context task runs in the first four steps under
    Diminish and in the first five under Switch; then the linear probe fits the head. The first evaluation comes after
    the sixth step. Multi-task training keeps the context task.
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

    The embedding starts from vectors of its kind, trained on the text (GloVe's as `_suited_to_glove` has them); then
    the primary task and the update train it.

    Args:
        protocol: how.
        seeds: a run of each for each.
        files: of the word pairs and questions, by the names of the settings.
        embeddings: the paper's names of those to run; none given: the protocol's.
        glove: a file of GloVe vectors, or ``gensim:glove-twitter-100``, in place of vectors trained here.
        vector_size: dimensions of the vectors of ``glove``; None: as many as the others have, 100.

    Raises:
        InputError: an unknown embedding, or what `Grid.cells` refuses.
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

    All start from random vectors, so that whoever learns from the unlabelled text does so within the time that is
    measured. The validation part is measured eight times an epoch. Diminish and Switch count steps: the context task is
    there for the first four or five, and what the transition brings is part of their training time.
    """
    words = sum(len(text.split()) for text in chain(data.train.texts, data.unlabelled()))
    settings = ModelSettings().updated(**(protocol.settings | TIME_SETTINGS))
    return Grid(time_methods(words), settings, seeds).cells()
