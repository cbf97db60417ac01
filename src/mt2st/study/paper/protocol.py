"""How the paper's experiments are run: the data's parts, the model's settings and the strategies' schedules.

`SOUND`, the default: mini-batches, the epoch chosen on 250 validation reviews, thousands of unseen reviews for the
test. `REFERENCE`: the settings of the published code: 25 epochs, each one step on all 750 reviews, 250 reviews for the
test and none to choose by, vectors trained on the 750. `QUICK`: a taste of the sound one, with a smaller network.

Of the published code the reference protocol does not repeat: its auxiliary losses without a gradient, test words in the
vocabulary, a frozen embedding with another learning rate in the rows called 'original', and its squaring of alpha (eq
11 is followed: ``alpha ** t`` with its 0.95).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from mt2st.errors import InputError
from mt2st.strategy import Diminish, MultiTask, SingleTask, Strategy, Switch
from mt2st.study.data import StudyData
from mt2st.text import LabelledText

SAMPLE, HELD_OUT = 1000, 250
"""Reviews that the paper samples, and how many of them are not learned from."""
SAMPLE_STATE, SPLIT_STATE = 24, 42
"""The published code's random states."""
MOST_TESTED = 4000
PROTOCOL = "protocol"
"""Under which name a study's description (`Study.about`) has the protocol's."""
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

    def data(self, reviews: LabelledText, *, sample: int = SAMPLE_STATE, inductive: bool = False) -> StudyData:
        """Cut all reviews into the parts of the study.

        ``sample`` is the random state of the sample of 1,000; the paper's is 24. With ``inductive``, the texts of the
        test reviews are kept out of the unlabelled text that vectors are trained on.

        Raises:
            InputError: when there are too few reviews.
        """
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
        test, rest = others[: self.most_tested], others[self.most_tested :][:MOST_TESTED]
        without_labels = np.concatenate([held_out, rest] if inductive else [held_out, test])
        unlabelled = tuple(reviews.texts[index] for index in without_labels)
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
