"""Options of a command: help, command line, and a TOML file of defaults, all from one dataclass."""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache, partial, reduce
from itertools import takewhile
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from mt2st._field_docs import field_docs
from mt2st.errors import InputError, listed, suggestion

if TYPE_CHECKING:
    from tyro.constructors import ConstructorRegistry

OptionsT = TypeVar("OptionsT")
OneT = TypeVar("OneT")
TwoT = TypeVar("TwoT")


class Rule(NamedTuple):
    """Annotates an option: whether a value can be used, and the rule in words that follow the option's name."""

    holds: Callable[[Any], bool]
    text: str


AT_LEAST_1 = Rule(lambda number: number >= 1, "must be at least 1")
ABOVE_0 = Rule(lambda minutes: 0 < minutes < float("inf"), "must be above 0")
MINUTES = Rule(ABOVE_0.holds, "must be minutes above 0")
PREFIXED = "prefixed"
"""Annotates a group whose name is part of its options' names: ``--context.window``."""

OTHERWISE = "otherwise"
OTHER_NAMES: dict[str, dict[str, str]] = {
    "--lr": {
        "--learning-rate": "sets that of encoder and heads",
        "--embedding-learning-rate": "sets that of the embedding",
        "--alpha": "sets the learning rate",
    },
    "--dim": {
        "--vector-size": "sets the dimensions of the embedding",
        "--hidden-size": "sets those of the encoder",
    },
    "--batch": {"--batch-size": "sets the texts in a batch"},
    "--dataset": {"": "the data is the first argument, without an option"},
    "--model": {"": "a model's folder is an argument without an option", "--encoder": "chooses the network"},
    "--name": {"--encoder": "chooses the network"},
    **{
        each: {
            "--device": "chooses where networks are trained: --device cuda",
            OTHERWISE: "this command computes on the processor; mt2st train and compare take --device",
        }
        for each in ("--device", "--gpu", "--gpus", "--cuda")
    },
    **{
        each: {"--jobs": "sets the runs at a time", "--threads": "sets the threads of a run"}
        for each in ("--workers", "--num-workers")
    },
}
"""What to say about options that people try, by the option of the command that does it; empty: for any command;
`OTHERWISE`: for a command that has none of these options."""


Further = Callable[[Mapping[str, Any]], Iterable[str]]
"""Returns what is wrong with the values of a file that their types do not tell."""


def _nothing_further(_: Mapping[str, Any]) -> Iterable[str]:
    return ()


def parse(
    options: type[OptionsT],
    arguments: Sequence[str],
    *,
    program: str,
    description: str,
    common: Collection[str] = (),
    further: Further = _nothing_further,
) -> OptionsT:
    """Return a command's options: the command line before the file of ``--config``, the file before the defaults.

    Prints the help and ends the program when asked to. When a word is wrong, tyro says so and ends it with code 2.

    Args:
        options: a dataclass. A field that is a dataclass is a group of options, and a section of the file.
        arguments: the words after the command's name.
        program: the command's name in the help.
        description: the first lines of the help.
        common: names of the fields that ``--help`` shows; ``--help-all`` shows all. Empty: both show all.
        further: what else is wrong with the values of the file, for its list of errors.
    """
    import tyro

    path, words = _without_config(arguments)
    shows_all = "--help-all" in words
    shows_common = bool(common) and not shows_all and bool({"--help", "-h"} & set(words))
    _check_words(words, options)
    more = ["--config FILE.toml gives defaults: a section for each group, a key for each option."]
    if shows_common:
        more.append(f"The most used options follow; {program} --help-all shows all {len(list(_options(options)))}.")
    shown = frozenset(
        (each.group, each.path[-1]) for each in _options(options) if each.flag[2:].replace("-", "_") in common
    )
    parsed: OptionsT = tyro.cli(
        options,
        args=["--help"] if shows_all else words,
        prog=program,
        description="\n\n".join([description, *more]),
        default=read_config(options, path, further) if path else tyro.MISSING_NONPROP,
        config=(tyro.conf.DisallowNone,),
        registry=_registry(options, shown if shows_common else None),
    )
    values = {each.flag: reduce(getattr, each.path, parsed) for each in _options(options)}
    if broken := list(_broken_rules(options, lambda option: values[option.flag], lambda option: option.flag)):
        raise InputError("\n".join(broken))
    return parsed


def _broken_rules(options: type, value_of: Callable[[Option], Any], name_of: Callable[[Option], str]) -> Iterator[str]:
    """Yield what is wrong with values by the rules of their options; those of another type are left out."""
    for option in _options(options):
        for rule in (note for note in _notes(option.kind) if isinstance(note, Rule)):
            with suppress(TypeError, ValueError):
                value = value_of(option)
                if value is not None and not rule.holds(value):
                    yield f"{name_of(option)} {rule.text}, found {value!r}"


def given(options: Any) -> dict[str, Any]:
    """Return the options that differ from their defaults, by their names on the command line."""
    found: dict[str, Any] = {}
    for option in _options(type(options)):
        value = options
        for name in option.path:
            group, value = value, getattr(value, name)
        (field,) = (each for each in fields(group) if each.name == option.path[-1])
        if value != _default(field, None):
            found[option.flag] = value
    return found


def read_config(options: type[OptionsT], path: Path, further: Further = _nothing_further) -> OptionsT:
    """Return options with the values of a TOML file; required ones that it lacks are left to the command line."""
    from pydantic import TypeAdapter, ValidationError

    try:
        values = tomllib.loads(path.read_bytes().decode("utf-8-sig"))  # editors of Windows write a byte order mark
    except OSError as error:
        raise InputError(f"--config {path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is one too
        raise InputError(f"--config {path}: is not TOML: {error}") from error
    try:
        # As JSON, strictly: true is no number and "3" neither, but a list may become a tuple and a text a path.
        read = TypeAdapter(_schema(options)).validate_json(json.dumps(values, default=str))
        problems = []
    except ValidationError as error:
        problems = [_problem(options, each) for each in error.errors()]
    except RecursionError as error:
        raise InputError(f"--config {path}: its values are nested too deep") from error
    in_file = partial(_in_file, values)
    problems += [*_broken_rules(options, in_file, lambda option: ".".join(option.path)), *further(values)]
    if problems:
        raise InputError("\n".join(f"{path}: {problem}" for problem in dict.fromkeys(problems)))
    filled: OptionsT = _filled(options, read)
    return filled


def _schema(options: type) -> Any:
    """Return a dictionary type with an optional, validated key for each option, and one for each group."""
    from pydantic import BeforeValidator, ConfigDict
    from typing_extensions import TypedDict

    kinds: dict[str, Any] = {}
    for name, kind in _hints(options).items():
        if is_dataclass(_bare(kind)):
            kinds[name] = _schema(_bare(kind))
        else:  # a number is taken for a text where the command line would take it: test = 0.2
            kinds[name] = Annotated[kind, BeforeValidator(_as_text)] if _bare(kind) is str else kind
    schema = TypedDict(options.__name__, kinds, total=False)  # type: ignore[misc]  # made at run time
    schema.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[attr-defined]
    return schema


def _in_file(values: Mapping[str, Any], option: Option) -> Any:
    """Return what a file gives for an option; None for nothing."""
    found: Any = values
    for name in option.path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _filled(options: Any, values: Mapping[str, Any]) -> Any:
    from tyro import MISSING_NONPROP

    arguments = dict(values)
    for name, kind in _hints(options).items():
        if is_dataclass(_bare(kind)):
            arguments[name] = _filled(_bare(kind), values.get(name, {}))
    for field in fields(options):
        if field.name not in arguments and field.default is MISSING and field.default_factory is MISSING:
            arguments[field.name] = MISSING_NONPROP
    return options(**arguments)


def _problem(options: type, error: Mapping[str, Any]) -> str:
    """Return what is wrong at a key, from an error of pydantic."""
    keys: list[str] = []
    group: Any = options
    for part in error["loc"]:
        if is_dataclass(group) or isinstance(part, int):  # other parts are the members of a union
            keys.append(str(part))
        group = _bare(_hints(group).get(str(part)))
    place, found = ".".join(keys), f"found {error['input']!r}"
    if error["type"] == "extra_forbidden":
        return f"{place}: unknown key, {found}.{_hint(options, keys)}"
    if is_dataclass(group):
        return f"{place}: must be a section [{place}], {found}"
    return f"{place}: {error['msg']}, {found}"


def _hint(options: type, keys: Sequence[str]) -> str:
    """Return where an unknown key would be right, or the nearest key of its section."""
    known: dict[str, list[str]] = {"": []}
    for name, kind in _hints(options).items():
        if is_dataclass(_bare(kind)):
            known[name] = list(_hints(_bare(kind)))
        else:
            known[""].append(name)
    for section, names in known.items():
        if keys[-1] in names:
            return f" It belongs into the section [{section}]." if section else " It belongs above the first section."
    return suggestion(keys[-1], known[keys[0]] if len(keys) > 1 else [*known[""], *known])


def _check_words(words: Sequence[str], options: type) -> None:
    """Answer words that people try and that tyro cannot explain."""
    kinds = {each.flag: _bare(each.kind) for each in _options(options)}
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in OTHER_NAMES and name not in kinds:
            answers = [f"{flag} {text}".strip() for flag, text in OTHER_NAMES[name].items() if flag in ("", *kinds)]
            if not answers and OTHERWISE in OTHER_NAMES[name]:
                answers = [OTHER_NAMES[name][OTHERWISE]]
            if answers:
                raise InputError(f"there is no option {name}: {', '.join(answers)}")
        if name not in kinds:
            continue
        values = [value] if equals else list(takewhile(lambda each: not each.startswith("--"), words[at + 1 :]))
        kind = kinds[name]
        if any(get_origin(each) is dict for each in plain_members(kind)) and any("," in value for value in values):
            raise InputError(f"{name} takes one value, or one for each name with spaces between: {name} 4 analogy=2")
        if get_origin(kind) is tuple:
            for value in values:
                if "," in value and not Path(value).exists():
                    raise InputError(f"{name} takes its values separated by spaces: {name} {value.replace(',', ' ')}")
            kind = get_args(kind)[0]
        else:
            values = values[:1]
        for value in values:
            if problem := _misfit(kind, value):
                raise InputError(f"{name} {problem}")


def _misfit(kind: Any, word: str) -> str:
    """Return why a word is no number or choice of an option's type; nothing where it is, or where tyro can say it."""
    members = [member for member in plain_members(kind) if member is not NoneType]
    choices = [choice for member in members if get_origin(member) is Literal for choice in get_args(member)]
    if choices and all(get_origin(member) is Literal for member in members):
        near = suggestion(word, choices)
        return "" if word in choices else f"is one of {listed(choices)}, found '{word}'.{near}".removesuffix(".")
    if set(members) not in ({int}, {float}):
        return ""
    try:
        members[0](word)
    except ValueError:
        default = "; leave the option out for its default" if word.lower() == "none" else ""
        return f"takes {'a whole number' if members[0] is int else 'a number'}, found '{word}'{default}"
    return ""


def plain_members(kind: Any) -> tuple[Any, ...]:
    """Return the types that a union is made of, without what annotates them; of any other type, itself."""
    if get_origin(kind) is Annotated:
        return plain_members(get_args(kind)[0])
    if get_origin(kind) not in (Union, UnionType):
        return (kind,)
    return tuple(each for member in get_args(kind) for each in plain_members(member))


def all_or_errors(one: Callable[[], OneT], two: Callable[[], TwoT]) -> tuple[OneT, TwoT]:
    """Return what two functions return, or raise the errors of both as one `InputError`."""
    found: list[Any] = []
    problems = []
    for each in (one, two):
        try:
            found.append(each())
        except InputError as error:
            problems.append(str(error))
    if problems:
        raise InputError("\n".join(problems))
    return found[0], found[1]


@contextmanager
def named_by_flags(options: type, others: Mapping[str, str] = MappingProxyType({})) -> Iterator[None]:
    """Name options in errors as on the command line: ``--epochs`` for the setting ``optimisation.epochs``.

    Args:
        options: the command's dataclass.
        others: options that set a setting in place of the one of its name, by the setting's dotted path, or its name.
    """
    try:
        yield
    except InputError as error:
        every = list(_options(options))
        flags = {".".join(each.path): each.flag for each in every} | dict(others)
        paths = "|".join(re.escape(path) for path in flags if "." in path)
        text = re.sub(rf"(?<![\w.-])({paths})(?!\w)", lambda found: flags.get(found[0], found[0]), str(error))
        # A setting's name alone, without its group, is one where a message begins with it, or gives its value.
        names = {each.path[-1]: flags[".".join(each.path)] for each in every} | dict(others)
        every_name = "|".join(map(re.escape, names))
        alone = rf"(?m)^(?:{every_name})(?=: | should | must | names )|(?<![\w./'\"-])(?:{every_name})(?= = )"
        error.args = (re.sub(alone, lambda found: names[found[0]], text),)
        raise


class Option(NamedTuple):
    """An option: its name on the command line, its type, and the fields that lead to it."""

    flag: str
    kind: Any
    path: tuple[str, ...]
    group: type


def _options(options: type, path: tuple[str, ...] = (), prefix: str = "") -> Iterator[Option]:
    """Yield each option of a dataclass, those of its groups too."""
    for name, kind in _hints(options).items():
        shown = next((each.name for each in _notes(kind) if getattr(each, "name", None)), name).replace("_", "-")
        if is_dataclass(_bare(kind)):
            inner = f"{prefix}{shown}." if PREFIXED in _notes(kind) else prefix
            yield from _options(_bare(kind), (*path, name), inner)
        else:
            yield Option(f"--{prefix}{shown}", kind, (*path, name), options)


def _registry(options: type, common: frozenset[tuple[type, str]] | None) -> ConstructorRegistry:
    """Return the rules by which tyro makes options of our dataclasses.

    ``common`` are the classes and names of the optional fields to show; None shows all.
    """
    import tyro
    from tyro.constructors import ConstructorRegistry, StructConstructorSpec, StructFieldSpec, StructTypeInfo

    registry = ConstructorRegistry()
    if any(get_origin(member) is dict for each in _options(options) for member in plain_members(each.kind)):
        from mt2st.cli.strategy_options import named_values  # the model's settings, which not every command has

        registry.primitive_rule(named_values)

    @registry.struct_rule
    def group(info: StructTypeInfo) -> StructConstructorSpec | None:
        if not is_dataclass(info.type):
            return None
        kinds, docs = _hints(info.type), field_docs(info.type)
        specs = []
        # The command's own options come first in the help, those that it shares with others after them.
        shared = {name: depth for depth, base in enumerate(info.type.__mro__) for name in inspect.get_annotations(base)}
        for field in sorted(fields(info.type), key=lambda field: shared[field.name]):
            kind, default = kinds[field.name], _default(field, info.default)
            if is_dataclass(_bare(kind)) and PREFIXED not in _notes(kind):
                kind = Annotated[kind, tyro.conf.OmitArgPrefixes]
            elif common is not None and (info.type, field.name) not in common and not is_dataclass(_bare(kind)):
                kind = Annotated[kind, tyro.conf.Suppress] if default is not tyro.MISSING_NONPROP else kind
            if default is None or default == ():  # its help says what happens then
                kind = Annotated[kind, tyro.conf.arg(help_behavior_hint="")]
            specs.append(StructFieldSpec(field.name, kind, default, docs.get(field.name)))
        return StructConstructorSpec(info.type, tuple(specs))

    return registry


def _default(field: Field[Any], group: Any) -> Any:
    from tyro import MISSING_NONPROP

    if hasattr(group, field.name) and is_dataclass(group):
        return getattr(group, field.name)
    if field.default is not MISSING:
        return field.default
    return MISSING_NONPROP if field.default_factory is MISSING else field.default_factory()


@cache
def _hints(options: Any) -> dict[str, Any]:
    """Return the types of a dataclass's fields, with what annotates them; nothing for what is no dataclass."""
    if not is_dataclass(options):
        return {}
    hints = get_type_hints(options, include_extras=True)
    return {field.name: hints[field.name] for field in fields(options)}


def _notes(kind: Any) -> tuple[Any, ...]:
    """Return what annotates a type."""
    return get_args(kind)[1:] if get_origin(kind) is Annotated else ()


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _without_config(arguments: Sequence[str]) -> tuple[Path | None, list[str]]:
    rest: list[str] = []
    path: Path | None = None
    words: Iterator[str] = iter(arguments)
    for word in words:
        if word == "--config":
            value = next(words, None)
            if value is None:
                raise InputError("--config needs the path of a TOML file")
            path = Path(value)
        elif word.startswith("--config="):
            path = Path(word.removeprefix("--config="))
        else:
            rest.append(word)
    return path, rest
