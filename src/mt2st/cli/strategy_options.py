"""The model's settings and the strategies on the command line, for the commands that train."""

from __future__ import annotations

import inspect
import re
import sys
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, make_dataclass
from functools import partial, reduce
from importlib import import_module
from operator import or_
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

import tyro
from tyro.constructors import PrimitiveConstructorSpec, PrimitiveTypeInfo

from mt2st._settings import Seed
from mt2st.cli.options import ABOVE_0, PREFIXED, parse, plain_members
from mt2st.errors import InputError, listed, suggestion
from mt2st.models.groups import (
    AUTO,
    OTHERS,
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
from mt2st.strategy import Option, Strategy, known_strategies

ValueT = TypeVar("ValueT")


def parse_named(words: Sequence[str], read: Callable[[str], ValueT], called: str) -> ValueT | dict[str, ValueT]:
    """Return the value of an option's words. The one without a name is that of all others.

    ``read`` makes a value of a word, or raises ValueError; messages call the value as it is ``called``.

    Raises:
        ValueError: no word, one that cannot be read, or a name or the bare value twice. tyro shows the message.

    Example:
        >>> parse_named(["4"], int, "whole number"), parse_named(["4", "analogy=2"], int, "whole number")
        (4, {'others': 4, 'analogy': 2})
    """
    if not words:
        raise ValueError(f"give a {called}, or NAME={called.split()[-1].upper()} for one or more names")
    values: dict[str, ValueT] = {}
    for word in words:
        name, equals, value = word.rpartition("=")
        name = name if equals else OTHERS
        if name in values:
            raise ValueError(f"'{word}' gives a second {called} for {name}")
        try:
            values[name] = read(value)
        except ValueError:
            raise ValueError(f"'{word}' is neither a {called} nor NAME={called.split()[-1].upper()}") from None
    return values[OTHERS] if set(values) == {OTHERS} else values


def named_values(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """Return how tyro reads an option whose type is a union of a value and a dictionary of such values."""
    members = plain_members(info.type)
    if not any(get_origin(member) in (dict, Mapping) for member in members):
        return None
    read, called, metavar = _reader(members)
    return PrimitiveConstructorSpec(
        nargs="*",
        metavar=f"{metavar}|NAME={metavar} ...",
        instance_from_str=lambda words: parse_named(words, read, called),
        is_instance=lambda value: value is None or isinstance(value, int | float | str | Mapping),
        str_from_instance=_words,
    )


def _reader(members: Sequence[Any]) -> tuple[Callable[[str], Any], str, str]:
    """Return a function that reads a value of the union, the value's name in messages, and its name in the help."""
    plain = [member for member in members if get_origin(member) not in (dict, Mapping)]
    choices = [choice for member in plain for choice in get_args(member)]
    if str in plain or choices:  # the settings refuse a word that is no known choice
        return _number_or_word, "choice", "{" + ",".join([*choices, "NUMBER"]) + "}" if choices else "CHOICE"
    return (float, "number", "NUMBER") if float in plain else (int, "whole number", "NUMBER")


def _number_or_word(word: str) -> str | float:
    try:
        return float(word)
    except ValueError:
        return word


def _words(value: Any) -> list[str]:
    if value is None:
        return ["none"]
    named = value if isinstance(value, Mapping) else {OTHERS: value}
    texts = {name: f"{each:g}" if isinstance(each, int | float) else str(each) for name, each in named.items()}
    return [text if name == OTHERS else f"{name}={text}" for name, text in texts.items()]


def of_tasks(
    option: str, value: ValueT | Mapping[str, ValueT], auxiliaries: Iterable[str], default: ValueT
) -> ValueT | dict[str, ValueT]:
    """Return a strategy's parameter from an option's value: one value, or one for each of the auxiliary tasks.

    Tasks that are not named get the value for the others, or the default.
    """
    if not isinstance(value, Mapping):
        return value
    names = tuple(auxiliaries)
    for task in value:
        if task not in (*names, OTHERS):
            raise InputError(
                f"{option} names '{task}', which is not among the auxiliary tasks of this run: "
                f"{listed(names) or 'none'}.{suggestion(task, names)}"
            )
    others = value.get(OTHERS, default)
    return {task: value.get(task, others) for task in names}


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
    checkpoint_minutes: Annotated[float, ABOVE_0] = 5.0
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
        return 60 * self.checkpoint_minutes


ALL_STRATEGIES = tuple(name for name, each in known_strategies().items() if each.__module__.startswith("mt2st."))
"""The strategies of this package."""
StrategyName = Annotated[str, tyro.conf.arg(metavar="{" + ",".join(ALL_STRATEGIES) + ",MODULE:CLASS}")]
OptionsT = TypeVar("OptionsT")


@dataclass(frozen=True)
class StrategyOptions:
    """Base of the strategies' options. `strategy_options` adds a field for each option that a strategy declares."""

    def build(self, name: str, auxiliaries: Sequence[str]) -> Strategy:
        """Return the strategy of a name, for a run with these auxiliary tasks.

        Options that differ from their defaults set the strategy's settings. It has its own defaults for the others.
        """
        known = known_strategies()
        if name not in known:
            raise InputError(
                f"unknown strategy '{name}'.{suggestion(name, known)} Known: {listed(known)}. A strategy of your own "
                "is named by module and class: mypackage.mine:Mine"
            )
        chosen, defaults = known[name], _settings_of(known[name])
        unchanged = {each.name: each.default for each in fields(self)}
        settings: dict[str, Any] = {}
        given: dict[str, str] = {}
        for option in options_of(chosen):
            value = getattr(self, _field(option))
            if value == unchanged[_field(option)]:
                continue
            if option.setting in given:
                raise InputError(f"{option.flag} is in place of {given[option.setting]}: give one of them")
            given[option.setting] = option.flag
            if isinstance(value, Mapping) and not any(map(_is_mapping, plain_members(defaults[option.setting][0]))):
                raise InputError(f"{option.flag}: {name} has one value for all auxiliary tasks at once")
            value = option.convert(value) if option.convert else value
            settings[option.setting] = of_tasks(option.flag, value, auxiliaries, defaults[option.setting][1])
        try:
            return chosen(**settings)
        except InputError as error:
            text = str(error).removeprefix(f"{chosen.__name__}: ")
            setting = re.match(r"\w*", text)[0]  # type: ignore[index]  # it always matches
            raise InputError(given.get(setting, setting) + text[len(setting) :]) from None
        except TypeError as error:
            raise InputError(f"the strategy '{name}' cannot be made of options: {error}") from error


def strategy_options(strategies: Iterable[type[Strategy]] = ()) -> Any:
    """Return the options of the package's strategies and of further ones: a `StrategyOptions` with a field a flag.

    Example:
        >>> options = strategy_options()(switch_at=3)
        >>> options.build("switch", ["context"])
        Switch(at=3)
    """
    known = known_strategies()
    found: dict[str, tuple[Any, Any, list[str], str]] = {}
    for strategy in dict.fromkeys((*(known[name] for name in ALL_STRATEGIES), *strategies)):
        for option in options_of(strategy):
            kind, default = _settings_of(strategy)[option.setting]
            kind = _kind(kind, default) | None if option.convert else _kind(kind, default)
            default = None if option.convert else default
            name = _field(option)
            old = found.get(name, (kind, default, [], option.help))
            if old[1] != default:
                raise InputError(
                    f"the strategy '{strategy.name}' has the option {option.flag} of {listed(old[2])} with another "
                    f"default ({default!r} for {old[1]!r}): give the option another flag"
                )
            found[name] = (old[0] | kind if old[0] != kind else kind, default, [*old[2], strategy.name], old[3])
    made = [
        (name, kind, field(default=default, metadata={"help": f"{_in_brief(names)}: {text}"}))
        for name, (kind, default, names, text) in found.items()
    ]
    return make_dataclass("StrategyOptions", made, bases=(StrategyOptions,), frozen=True)


def _in_brief(readers: Sequence[str]) -> str:
    others = [name for name in ALL_STRATEGIES if name not in readers]
    return f"all but {', '.join(others)}" if len(others) < len(readers) else ", ".join(readers)


def with_strategies(options: type[OptionsT], arguments: Sequence[str]) -> type[OptionsT]:
    """Return a command's options with those of all strategies in the field ``schedule``.

    They are the package's, and those that the command's words or the file of ``--config`` name by module and class.
    """
    group = strategy_options([strategy_of(word) for word in _named(arguments)])
    made: type[OptionsT] = make_dataclass(
        options.__name__, [("schedule", group, field(default_factory=group))], bases=(options,), frozen=True
    )
    return made


def parse_with_strategies(
    options: type[OptionsT], arguments: Sequence[str], *, program: str, description: str, common: Collection[str]
) -> OptionsT:
    """Return a command's options as `parse` does, with those of all strategies (`with_strategies`)."""
    kind = with_strategies(options, arguments)
    problems = partial(strategy_problems, kind)
    return parse(kind, arguments, program=program, description=description, common=common, further=problems)


def strategy_problems(options: type[Any], values: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the section ``schedule`` of a file for the strategies that it names."""
    (group,) = (cast("type[StrategyOptions]", each.type) for each in fields(options) if each.name == "schedule")
    schedule = values.get("schedule")
    names = values.get("strategies", values.get("strategy", getattr(options, "strategy", None)))
    if not isinstance(schedule, Mapping) or not isinstance(names, str | list):
        return  # of another type, which is said as such
    listed_tasks = values.get("auxiliaries")
    tasks = [*(listed_tasks if isinstance(listed_tasks, list) else ())]
    tasks += [task for each in schedule.values() if isinstance(each, dict) for task in each]
    given = {each.name: schedule[each.name] for each in fields(group) if each.name in schedule}
    for name in [names] if isinstance(names, str) else names:
        try:
            group(**given).build(name_of(name), tasks)
        except InputError as error:
            yield re.sub(r"^--([\w-]+)", lambda flag: f"schedule.{flag[1].replace('-', '_')}", str(error))
        except (TypeError, ValueError, AttributeError):
            continue


def strategy_of(word: str) -> type[Strategy]:
    """Import the strategy that ``module:Class`` names. The working directory counts as a place of modules."""
    module, _, name = word.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        found = getattr(import_module(module), name, None)
    except ImportError as error:
        raise InputError(f"--strategy {word}: cannot import the module {module}: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise InputError(f"--strategy {word}: the module {module} has no subclass of Strategy named '{name}'")
    return found


def name_of(word: str) -> str:
    """Return a strategy's name, of itself or of ``module:Class``."""
    return strategy_of(word).name if ":" in word else word


def options_of(strategy: type[Strategy]) -> tuple[Option, ...]:
    """Return the options of a strategy: those that it declares, or one for each setting of a plain type."""
    if strategy.options is not None:
        return strategy.options
    return tuple(
        Option(name, f"--{strategy.name}-{name.replace('_', '-')}", f"Setting {name} of {strategy.__name__}.")
        for name, (kind, default) in _settings_of(strategy).items()
        if _kind(kind, default) is not None
    )


def readers_of_options(chosen: Iterable[str] = ()) -> dict[str, tuple[str, ...]]:
    """Return, by its flag, which of the package's strategies and of the chosen ones read each option."""
    readers: dict[str, tuple[str, ...]] = {}
    for name in dict.fromkeys((*ALL_STRATEGIES, *chosen)):
        for option in options_of(known_strategies()[name]):
            readers[option.flag] = (*readers.get(option.flag, ()), name)
    return readers


def _settings_of(strategy: type[Strategy]) -> dict[str, tuple[Any, Any]]:
    """Return the annotated type and the default of each setting."""
    kinds = get_type_hints(strategy.__init__)
    parameters = inspect.signature(strategy.__init__).parameters
    return {name: (kinds.get(name), parameters[name].default) for name in strategy.setting_names()}


def _kind(kind: Any, default: Any) -> Any:
    """Return the type of an option, from a setting's type, else from its default; None if neither is plain."""
    members = [
        dict.__class_getitem__((str, get_args(each)[1])) if _is_mapping(each) else each for each in plain_members(kind)
    ]
    plain = (bool, int, float, str, type(None))
    if not all(each in plain or get_origin(each) in (dict, Literal) for each in members):
        members = []
    if not members and isinstance(default, bool | int | float | str):
        members = [type(default)]
    return reduce(or_, members) if members else None


def _is_mapping(kind: Any) -> bool:
    return get_origin(kind) in (dict, Mapping)


def _field(option: Option) -> str:
    return option.flag.removeprefix("--").replace("-", "_")


def _named(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the words that name a strategy by module and class, on the command line and in the file of ``--config``."""
    words = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--") else [word])]
    flag = ""
    for word in words:
        if word.startswith("--"):
            flag = word
        elif flag in ("--strategy", "--strategies") and ":" in word:
            yield word
        elif flag == "--config":
            try:
                values = tomllib.loads(Path(word).read_text(encoding="utf-8"))
            except (OSError, ValueError, RecursionError):
                continue  # what is wrong with the file is said where it is read
            several = values.get("strategies")
            chosen = [values.get("strategy"), *(several if isinstance(several, list) else ())]
            yield from (each for each in chosen if isinstance(each, str) and ":" in each)
