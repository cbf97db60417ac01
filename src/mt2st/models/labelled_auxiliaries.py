"""Further labelled data whose tasks share the model's encoder, each with a head of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from torch import nn

from mt2st.errors import InputError
from mt2st.models.problem_types import Prepared, ProblemType, problem_type_of, truncation_of
from mt2st.models.settings import AuxiliaryName, ModelSettings
from mt2st.strategy import PRIMARY_TASK
from mt2st.tasks import LabelledTask, Texts
from mt2st.text import (
    LabelledText,
    MultiLabelledText,
    TaggedText,
    Tokeniser,
    read_labelled,
    read_tagged,
)

Rows = LabelledText | MultiLabelledText | TaggedText
"""The name of the primary task, and of its head."""


@dataclass(frozen=True)
class LabelledAuxiliary:
    """Labelled data for one auxiliary task, prepared.

    Attributes:
        name: of the task and its head.
        problem_type: of the data.
        classes: its labels or tags.
        prepared: its documents.
    """

    name: str
    problem_type: ProblemType[Any]
    classes: tuple[str, ...]
    prepared: Prepared

    def task(self, settings: ModelSettings, texts: Texts) -> LabelledTask[Any, Any]:
        """Return the task on the data's documents, encoded."""
        return self.problem_type.task(
            self.name,
            self.prepared.encoded(texts),
            self.classes,
            validation=None,
            batch_size=settings.optimisation.batch_size,
            max_length=settings.text.max_length,
        )


def labelled_auxiliaries(
    settings: ModelSettings, given: Mapping[str, Rows], tokeniser: Tokeniser
) -> list[LabelledAuxiliary]:
    """Return the labelled data of the auxiliary tasks: what is given and what the settings name.

    Args:
        settings: the model's.
        given: data by the name of its task.
        tokeniser: cuts their texts.

    Raises:
        InputError: a name that is taken or cannot name a head, or data that nothing can be learnt from.
    """
    prepared = []
    for name, rows in _named(settings, given):
        if not name.isidentifier() or hasattr(nn.ModuleDict, name) or name in (PRIMARY_TASK, "context"):
            raise InputError(
                f"an auxiliary task cannot be called '{name}': give a name of letters, digits and underscores other "
                f"than '{PRIMARY_TASK}' and 'context'"
            )
        problem_type = problem_type_of(rows)
        problem_type.check(rows)
        classes = problem_type.classes(rows)
        documents = problem_type.prepare(rows, classes, tokeniser, truncation=truncation_of(settings))
        prepared.append(LabelledAuxiliary(name, problem_type, classes, documents))
    return prepared


def _named(settings: ModelSettings, given: Mapping[str, Rows]) -> Iterator[tuple[str, Rows]]:
    for name, rows in given.items():
        if name in get_args(AuxiliaryName):
            raise InputError(f"auxiliary_data: the name '{name}' belongs to a setting; choose another")
        if not isinstance(rows, Rows):
            raise InputError(
                f"auxiliary_data: '{name}' must be a LabelledText, MultiLabelledText or TaggedText, found {rows!r:.60}"
            )
        yield name, rows
    yield from named_in(settings)


def named_in(settings: ModelSettings) -> Iterator[tuple[str, Rows]]:
    """Read the labelled data that the auxiliary tasks of settings name, and yield them by the names of their tasks.

    Raises:
        InputError: data that cannot be read.
    """
    if "tagging" in settings.auxiliaries:
        assert settings.auxiliary_data.tagging is not None
        yield "tagging", read_tagged(settings.auxiliary_data.tagging, tag=settings.auxiliary_data.tagging_column)
    if "classification" in settings.auxiliaries:
        assert settings.auxiliary_data.classification is not None
        yield (
            "classification",
            read_labelled(
                settings.auxiliary_data.classification,
                text=settings.auxiliary_data.classification_text,
                label=settings.auxiliary_data.classification_label,
            ),
        )
