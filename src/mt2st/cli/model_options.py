"""The settings of a model on the command line, for the commands that train."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Annotated

import tyro

from mt2st._settings import Seed
from mt2st.cli.options import PREFIXED, seconds_between
from mt2st.models.groups import (
    AUTO,
    AuxiliaryData,
    AuxiliaryName,
    Compute,
    Context,
    Embedding,
    Encoder,
    Optimisation,
    Text,
    Transition,
    WordTasks,
)
from mt2st.models.settings import ModelSettings


@dataclass(frozen=True)
class EncoderOptions(Encoder):
    """The shared layers between the word embedding and the heads."""

    name: Annotated[str, tyro.conf.arg(name="encoder")] = AUTO
    """Encoder: bilstm (the paper's), cnn or mean. By default, auto: bilstm for short texts, mean for long ones and for
    few labels."""


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """The groups of `ModelSettings` as options; each is a section of a TOML file too."""

    encoder: EncoderOptions = field(default_factory=EncoderOptions)
    text: Text = field(default_factory=Text)
    embedding: Embedding = field(default_factory=Embedding)
    context: Annotated[Context, PREFIXED] = field(default_factory=Context)
    auxiliaries: tuple[AuxiliaryName, ...] = ("context",)
    """Auxiliary tasks: context (word context on all text), semantic-syntactic, misalignment, analogy, spearman; tagging
    and classification (on other labelled data)."""
    auxiliary_data: Annotated[AuxiliaryData, PREFIXED] = field(default_factory=AuxiliaryData)
    word_tasks: Annotated[WordTasks, PREFIXED] = field(default_factory=WordTasks)
    optimisation: Optimisation = field(default_factory=Optimisation)
    transition: Annotated[Transition, PREFIXED] = field(default_factory=Transition)
    compute: Compute = field(default_factory=Compute)
    seed: Seed = 1
    """Seed of initial parameters, dropout and the order of all data."""
    checkpoint_minutes: float = 5.0
    """Minutes between two checkpoints: what is lost at most if the process is killed. Epochs that are long enough end
    with one too."""

    @property
    def model(self) -> ModelSettings:
        """The settings, not validated yet."""
        groups = {each.name: getattr(self, each.name) for each in fields(ModelSettings)}
        return ModelSettings(**{**groups, "encoder": Encoder(**asdict(self.encoder))})

    @property
    def checkpoint_seconds(self) -> float:
        """Seconds between two checkpoints."""
        return seconds_between(self.checkpoint_minutes)
