"""All settings of a model, and their validation.

`ModelSettings.checked` is the one place that validates them: all errors at once, each with its dotted path and the
value found.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from mt2st._settings import Seed, plain_number, rule_of
from mt2st.embedding.formats.pretrained import is_pretrained
from mt2st.embedding.settings import SUBWORD_METHODS
from mt2st.embedding.subwords import KnownSubwords
from mt2st.errors import InputError, listed, suggestion
from mt2st.models.groups import (
    ALPHA,
    AUTO,
    DECAY_FACTOR,
    ENCODERS,
    GLOVE,
    LABELLED_AUXILIARIES,
    NGRAM_STARTS,
    PARAMETER_GROUPS,
    READERS,
    STARTS,
    TAG_DEFAULTS,
    TEXT_DEFAULTS,
    TEXT_WINDOW,
    AuxiliaryData,
    AuxiliaryName,
    Compute,
    Context,
    Embedding,
    Encoder,
    Group,
    Optimisation,
    Text,
    Transition,
    WordTasks,
    by_group,
    names_of_fields,
)
from mt2st.text import Vocabulary, check_exists

if TYPE_CHECKING:
    import torch

CPU = "cpu"


@dataclass(frozen=True, repr=False)
class ModelSettings(Group):
    """All settings of a model, in groups.

    Example:
        >>> ModelSettings(encoder=Encoder("mean")).updated(context__window=5).context.window
        5
        >>> ModelSettings(text=Text(max_length=0), context=Context(method="skip-gram")).checked()
        Traceback (most recent call last):
        mt2st.errors.InputError: text.max_length: should be greater than or equal to 1, found 0
        context.method: should be 'skipgram', 'cbow', 'skipgram-fasttext', 'cbow-fasttext' or 'glove', found 'skip-gram'. Did you mean 'skipgram'?
    """  # noqa: E501

    encoder: Encoder = field(default_factory=Encoder)
    text: Text = field(default_factory=Text)
    embedding: Embedding = field(default_factory=Embedding)
    context: Context = field(default_factory=Context)
    auxiliaries: tuple[AuxiliaryName, ...] = ("context",)
    """Auxiliary tasks: context (word context on all text), semantic-syntactic, misalignment, analogy, spearman; tagging
    and classification (on other labelled data)."""
    auxiliary_data: AuxiliaryData = field(default_factory=AuxiliaryData)
    word_tasks: WordTasks = field(default_factory=WordTasks)
    optimisation: Optimisation = field(default_factory=Optimisation)
    transition: Transition = field(default_factory=Transition)
    compute: Compute = field(default_factory=Compute)
    seed: Seed = 1
    """Seed of initial parameters, dropout and the order of all data."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoder", encoder_group(self.encoder))

    def checked(self, *, of_words: bool = False) -> Self:
        """Return the settings with plain Python values, after validation.

        Args:
            of_words: whether the labels are those of words (a tagger).

        Raises:
            InputError: naming every value that is wrong by itself, with its path; else everything that contradicts.
        """
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        if isinstance(self.auxiliaries, str):
            values["auxiliaries"] = (self.auxiliaries,)
        settings = _validated(type(self), values)
        if conflicts := list(_conflicts(settings, of_words=of_words)):
            raise InputError("\n".join(conflicts))
        return settings

    def check_files(self) -> None:
        """Raise if the embedding's first values, a file of labelled data or the device cannot be found.

        Raises:
            InputError: naming what was found and what would do.
        """
        init = self.embedding.init
        if init not in STARTS and not is_pretrained(init) and not Path(init).exists():
            raise InputError(
                f"embedding.init: '{init}' is no file and no known method.{suggestion(init, STARTS)} "
                f"Known: {listed(STARTS)}, the path of a file of word vectors, or gensim:NAME"
            )
        for name in LABELLED_AUXILIARIES:
            source = getattr(self.auxiliary_data, name)
            if name in self.auxiliaries and not str(source).startswith("hf:"):
                check_exists(source)
        if self.compute.device not in (AUTO, CPU):
            _ = self.device

    def updated(self, **values: Any) -> Self:
        """Return a copy with other values, by name; those of a group as ``group__name``.

        Raises:
            InputError: a name that does not exist.
        """
        changes: dict[str, Any] = {}
        for path, value in values.items():
            name, _, inner = path.partition("__")
            if name not in names_of_fields(type(self)):
                raise InputError(f"there is no setting '{name}'.{suggestion(name, names_of_fields(type(self)))}")
            if not inner:
                changes[name] = value
                continue
            group = changes.get(name, getattr(self, name))
            group = encoder_group(group) if name == "encoder" else group
            if inner not in names_of_fields(type(group)):
                raise InputError(f"{name} has no setting '{inner}'.{suggestion(inner, names_of_fields(type(group)))}")
            changes[name] = replace(group, **{inner: value})
        return replace(self, **changes)

    def without(self, names: Iterable[str]) -> Self:
        """Return a copy in which settings, by name as for `updated`, have their defaults.

        Example:
            >>> ModelSettings(text=Text(min_count=5)).without(["text__min_count"]).text.min_count
            2
        """
        usual, values = type(self)(), {}
        for name in names:
            group, _, inner = name.partition("__")
            value = getattr(usual, group)
            values[name] = getattr(value, inner) if inner else value
        return self.updated(**values)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values: a dictionary per group."""
        values: dict[str, Any] = _plain(asdict(self))
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the settings that `as_dict` described.

        Raises:
            InputError: a name or a value that cannot be used.
        """
        return _validated(cls, values)

    def flat(self) -> dict[str, Any]:
        """Return plain JSON values by dotted path: ``{"context.window": 5, ...}``.

        Example:
            >>> ModelSettings().flat()["encoder.name"]
            'auto'
        """
        values: dict[str, Any] = {}
        for name, value in self.as_dict().items():
            inner = isinstance(getattr(self, name), tuple | int)
            values |= {name: value} if inner else {f"{name}.{key}": each for key, each in value.items()}
        return values

    @property
    def changes(self) -> dict[str, Any]:
        """The values that differ from the defaults, by dotted path."""
        usual = type(self)().flat()
        return {path: value for path, value in self.flat().items() if value != usual[path]}

    @property
    def changes_rates(self) -> bool:
        """Whether a warm-up, a plateau or the transition changes the learning rates."""
        steps, rates = by_group(self.optimisation.warmup_steps, 0), by_group(self.transition.rate, "keep")
        plateau = self.optimisation.plateau_patience is not None
        return any(steps.values()) or plateau or set(rates.values()) != {"keep"}

    @property
    def window(self) -> int:
        """Largest distance between a word and its context: the one given, or the default for labels of texts."""
        return self.context.window or TEXT_WINDOW

    @property
    def alpha(self) -> float:
        """First learning rate of the context task: the one given, or the default."""
        return self.context.alpha or ALPHA

    @property
    def feedback_interval(self) -> int:
        """Steps between two measurements of the feedback loop: those given, or the encoder's default."""
        from mt2st.network import encoder_class  # loads torch

        return self.optimisation.feedback_every or encoder_class(self.encoder.built).feedback_every

    @property
    def device(self) -> torch.device:
        """Where networks are trained; auto is the CPU for a context task that is compiled for it alone.

        Raises:
            InputError: there is no such device.
        """
        from mt2st.training.device import device_named  # loads torch

        return device_named(CPU if self.compute.device == AUTO and self._needs_cpu else self.compute.device)

    @property
    def _needs_cpu(self) -> bool:
        return "context" in self.auxiliaries and self.context.method == GLOVE

    @property
    def has_ngrams(self) -> bool:
        """Whether the embedding makes words of their character n-grams."""
        return self.context.method in SUBWORD_METHODS

    def with_defaults(self, *, of_words: bool) -> Self:
        """Return the settings with the defaults that depend on the problem type.

        Args:
            of_words: whether the labels are those of words (a tagger).

        Example:
            >>> ModelSettings().with_defaults(of_words=True).encoder.spelling
            True
        """
        usual = (TAG_DEFAULTS if of_words else TEXT_DEFAULTS) | (
            {"optimisation__linear_decay": False} if self.changes_rates else {}
        )
        given = {path: getattr(getattr(self, group), name) for path in usual for group, name in [path.split("__")]}
        return self.updated(**{path: usual[path] for path, value in given.items() if value is None})

    def subwords_of(self, vocabulary: Vocabulary) -> KnownSubwords | None:
        """Return the n-grams of a vocabulary's words; None if words are made of none."""
        return KnownSubwords.of(vocabulary.tokens, self.embedding.ngrams) if self.has_ngrams else None

    @property
    def learning_rates(self) -> dict[str, float]:
        """The learning rates of embedding, encoder and heads: those given, or the encoder's defaults."""
        from mt2st.network import encoder_class  # loads torch

        given = self.optimisation
        factor = DECAY_FACTOR if given.linear_decay else 1.0
        network, embedding = (factor * rate for rate in encoder_class(self.encoder.built).learning_rates)
        network = given.learning_rate or network
        return {
            "embedding": given.embedding_learning_rate or embedding,
            "encoder": network,
            "heads": given.head_learning_rate or network,
        }


def encoder_group(given: Any) -> Any:
    """Return the settings of an encoder that is given by its name or its class."""
    if isinstance(given, str | type):
        return Encoder(cast("str", given))  # which replaces a class by its name
    if hasattr(given, "learning_rates") and hasattr(given, "build"):
        kind = type(given).__name__
        raise InputError(f"encoder: found an object of {kind}, but it is built for each model: give the class {kind}")
    return given


SettingsT = TypeVar("SettingsT", bound=ModelSettings)


def _conflicts(settings: ModelSettings, *, of_words: bool) -> Iterator[str]:
    """Yield what is wrong with settings that are each in their range, but do not go together."""
    yield from _unknown_encoder(settings.encoder)
    yield from _auxiliary_conflicts(settings)
    yield from _context_conflicts(settings)
    yield from _transition_conflicts(settings)
    yield from _device_conflicts(settings)
    if of_words and settings.encoder.linear:
        yield ("encoder.linear is on, but n-grams score whole texts, and a tagger's labels are of words: leave it out")
    if not of_words and settings.encoder.spelling:
        yield (
            "encoder.spelling is True, but only a tagger reads the spelling of its words, and the labels here are of "
            "texts: leave it out"
        )
    if of_words and settings.transition.probe_head is not None:
        yield (
            f"transition.probe_head is {settings.transition.probe_head!r}, but only heads for labels of whole texts "
            "can be fitted by a probe, and a tagger's labels are of words: leave it out"
        )


def _unknown_encoder(encoder: Encoder) -> Iterator[str]:
    if encoder.name not in ENCODERS:
        from mt2st.network import encoder_names  # loads torch, which the built-in names do not need

        known = encoder_names()
        if encoder.name not in known:
            near = suggestion(encoder.name, known)
            yield f"encoder.name: unknown encoder '{encoder.name}'.{near} Known: {listed(known)}"


def _device_conflicts(settings: ModelSettings) -> Iterator[str]:
    name = settings.compute.device
    if name in (AUTO, CPU):
        return
    from mt2st.training.device import check_name  # loads torch, which the usual names do not need

    try:
        check_name(name)
    except InputError as error:
        yield f"compute.{error}"
    if settings._needs_cpu:
        yield (
            f"compute.device is '{name}', but context.method '{GLOVE}' is compiled for the CPU alone: choose another "
            "method, or compute.device 'cpu'"
        )


def _auxiliary_conflicts(settings: ModelSettings) -> Iterator[str]:
    """Yield files that no chosen task reads, and tasks that lack theirs."""
    chosen: tuple[str, ...] = settings.auxiliaries
    data = settings.auxiliary_data
    for task in dict.fromkeys(chosen):
        if chosen.count(task) > 1:
            yield f"auxiliaries names '{task}' twice: name each task once"
    for name, readers in READERS.items():
        if getattr(data, name) and not set(readers) & set(chosen):
            yield (
                f"auxiliary_data.{name} names files, but no auxiliary task reads them: add {' or '.join(readers)} to "
                "auxiliaries"
            )
    for task, name in (("spearman", "similarity"), ("misalignment", "agree")):
        if task in chosen and not getattr(data, name):
            yield f"the auxiliary task '{task}' needs data: name at least one file by auxiliary_data.{name}"
    for task in LABELLED_AUXILIARIES:
        given = getattr(data, task) is not None
        if task in chosen and not given:
            yield f"the auxiliary task '{task}' needs auxiliary_data.{task}, a file of labelled data"
        if task not in chosen and given:
            yield f"auxiliary_data.{task} is given, but auxiliaries does not name '{task}': add it there"
    if not any(settings.word_tasks.analogy_coefficients):
        yield "word_tasks.analogy_coefficients: one of the three must be above 0"


def _context_conflicts(settings: ModelSettings) -> Iterator[str]:
    context, embedding = settings.context, settings.embedding
    given = [f"embedding.{name}" for name in ("min_n", "max_n", "bucket") if getattr(embedding, name) is not None]
    if given and not settings.has_ngrams and embedding.init not in SUBWORD_METHODS:
        yield (
            f"{listed(given)} cannot be given with context.method '{context.method}': it has no n-grams; choose one of "
            f"{listed(SUBWORD_METHODS)}"
        )
    shortest, longest = embedding.min_n or 3, embedding.max_n or 6
    if longest < shortest:
        yield f"embedding.max_n must be at least embedding.min_n = {shortest}, found {longest}"
    starts_without = embedding.init in STARTS and embedding.init not in NGRAM_STARTS
    if settings.has_ngrams and (starts_without or is_pretrained(embedding.init)):
        yield no_ngrams(settings)
    if context.method == GLOVE:
        if context.block is not None:
            yield (
                f"context.block ({context.block}) cannot be given with context.method '{GLOVE}', which learns from one "
                "co-occurrence at a time"
            )
        if context.min_alpha is not None:
            yield (
                f"context.min_alpha ({context.min_alpha}) cannot be given with context.method '{GLOVE}', whose rates "
                "decay by themselves"
            )
    elif context.min_alpha is not None and context.min_alpha > settings.alpha:
        yield f"context.min_alpha must be at most context.alpha, which is {settings.alpha}, found {context.min_alpha}"


def no_ngrams(settings: ModelSettings) -> str:
    """Return the message about first vectors that lack the n-grams of which the embedding is made."""
    method = settings.context.method
    return (
        f"embedding.init '{settings.embedding.init}' has no n-grams, of which context.method '{method}' makes words: "
        f"choose {listed(NGRAM_STARTS)}, or a folder that mt2st vectors train --method {method} wrote"
    )


def _transition_conflicts(settings: ModelSettings) -> Iterator[str]:
    transition = settings.transition
    if settings.optimisation.linear_decay and settings.changes_rates:
        yield (
            "optimisation.linear_decay is True, but warmup_steps, plateau_patience or transition.rate change the "
            "learning rates, too: leave one of them out"
        )
    steps, rates = by_group(settings.optimisation.warmup_steps, 0), by_group(transition.rate, "keep")
    for group in PARAMETER_GROUPS:
        if rates[group] == "rewarm" and not steps[group]:
            yield (
                f"transition.rate is 'rewarm' for {group}, but optimisation.warmup_steps is 0 there: give the number "
                "of steps of the warm-up"
            )
    fraction, threshold = transition.freeze_fraction, transition.freeze_threshold
    if fraction is not None and threshold is not None:
        yield (
            f"transition.freeze_fraction ({fraction!r}) and transition.freeze_threshold ({threshold!r}) both say how "
            "many dimensions to freeze: give one of them"
        )
    if threshold is not None and transition.freeze_over > 1:
        yield (
            f"transition.freeze_over is {transition.freeze_over}, but freeze_threshold freezes at once: give a "
            "freeze_fraction"
        )
    if transition.freeze_from is not None and transition.freeze_from > settings.optimisation.epochs:
        yield (
            f"transition.freeze_from is {transition.freeze_from}, but there are {settings.optimisation.epochs} epochs: "
            "nothing would be frozen"
        )
    if transition.probe_texts is not None and transition.probe_head is None:
        yield (
            f"transition.probe_texts is {transition.probe_texts}, but no head is probed: give probe_head, the "
            "inverse regularisation strength"
        )
    if fraction is None and threshold is None:
        for name in ("freeze_from", "freeze_over", "freeze_relevance", "freeze_which"):
            value = getattr(transition, name)
            if value != getattr(Transition, name):
                yield (
                    f"transition.{name} is {value!r}, but nothing is to be frozen: give freeze_fraction or "
                    "freeze_threshold"
                )


@cache
def _adapter(settings: Any) -> TypeAdapter[Any]:
    return TypeAdapter(settings)


_PLAIN = (str, int, float, Mapping, list, tuple, Group, PathLike, type(None))
"""What has a form in JSON."""


def _validated(settings: type[SettingsT], values: Mapping[str, Any]) -> SettingsT:
    """Return settings of plain Python values after checking every type and range."""
    try:
        # As JSON, strictly: "3" is no number, 1 is no truth value, a list is a tuple; no type takes what JSON lacks.
        content = json.dumps(_simple(values), default=lambda value: [[repr(value)]])
        return cast("SettingsT", _adapter(cast("Any", settings)).validate_json(content, strict=True))
    except ValidationError as error:
        raise InputError("\n".join(_problems_in(error, values))) from error


def _problems_in(error: ValidationError, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each value that is wrong: its dotted path, the rule, the value as given and a suggestion."""
    by_path: dict[tuple[str, ...], list[Any]] = {}
    for each in error.errors(include_url=False):
        path = tuple(str(part) for part in each["loc"][:2])
        by_path.setdefault(path, []).append(each)
    for path, found in by_path.items():
        # A value of a union is refused once per alternative: the one that it comes near to says why.
        each = max(found, key=lambda one: (not one["type"].endswith("_type"), len(one["loc"])))
        value, given = each["input"], values.get(path[0])
        if len(path) > 1 and isinstance(given, Group):
            given = getattr(given, path[1], None)
        if not isinstance(given, _PLAIN) or (isinstance(given, float) and given == value):  # 2.0, not 2
            value = given
        rule, near = rule_of(each)
        rule = rule.replace("a valid array", "a list").replace("an object", "a group of settings")
        if each["type"] == "unexpected_keyword_argument":
            group = getattr(ModelSettings(), path[0], None) if len(path) > 1 else None
            names = names_of_fields(type(group) if isinstance(group, Group) else ModelSettings)
            rule, near = "is no setting", suggestion(path[-1], names)
        named = ".".join(part for part in path if not part.isdecimal())  # a value of a list is that of the setting
        yield f"{named}: {rule}, found {value!r}.{near}".removesuffix(".")


def _simple(value: Any) -> Any:
    """Return plain Python values: numbers, text for paths, a dictionary for a group."""
    if isinstance(value, Mapping):
        return {key: _simple(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_simple(each) for each in value)
    if isinstance(value, PathLike):
        return fspath(value)
    if isinstance(value, Group):
        return {name: _simple(getattr(value, name)) for name in names_of_fields(type(value))}
    return plain_number(value)


def _plain(value: Any) -> Any:
    """Return JSON values: lists for tuples."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
