"""Parsing of a command's options, with defaults from a TOML file."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, get_type_hints, runtime_checkable

from mt2st.cli.usage import in_one_line
from mt2st.errors import InputError, suggestion

OptionsT = TypeVar("OptionsT")


@runtime_checkable
class Checked(Protocol):
    """A group of options that can tell what is wrong with each."""

    def problems(self) -> Iterator[str]:
        """Yield what is wrong with each option by itself."""
        ...


def parse(options: type[OptionsT], arguments: Sequence[str], *, program: str, description: str) -> OptionsT:
    """Return a command's options: the command line before the file of ``--config``, the file before the defaults.

    Prints the help and ends the program when asked to; when an option is wrong, says so in one line and ends it with 2.

    Args:
        options: a dataclass; nested dataclasses are groups of options, and sections of the file.
        arguments: the words behind the command's name.
        program: what the help calls it.
        description: the help's first lines.

    Raises:
        InputError: when the file cannot be used: all its errors at once, each with its dotted key.
    """
    import tyro

    from mt2st.cli.per_group import GROUPED

    path, rest = _without_config(arguments)
    default = read_config(options, path) if path else tyro.MISSING_NONPROP
    with in_one_line(program, _flags(options)):
        parsed: OptionsT = tyro.cli(
            options,
            args=rest,
            prog=program,
            description=f"{description}\n\n--config FILE.toml gives defaults: one key an option, one section a group.",
            default=default,
            config=(tyro.conf.OmitArgPrefixes,),
            registry=GROUPED,
        )
    return parsed


def read_config(options: type[OptionsT], path: Path) -> OptionsT:
    """Return options with the values of a TOML file; what neither it nor the class gives is left to the command line.

    Raises:
        InputError: when the file cannot be read, a key is unknown, a value has the wrong type or is out of the range
            that a `Checked` group knows of; all errors at once.
    """
    try:
        with path.open("rb") as file:
            values = tomllib.load(file)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}") from error
    problems: list[str] = []
    read = _read_section(options, values, "", problems, _sections(options))
    if problems:
        raise InputError("\n".join(f"{path}: {problem}" for problem in problems))
    return read


def say(text: str) -> None:
    """Print a line for the person, not for a program: to stderr."""
    print(text, file=sys.stderr, flush=True)


def _read_section(
    options: type[OptionsT],
    values: Mapping[str, Any],
    prefix: str,
    problems: list[str],
    sections: Mapping[str, Sequence[str]],
) -> OptionsT:
    from pydantic import ValidationError
    from tyro import MISSING_NONPROP

    types = get_type_hints(options)
    known = [field.name for field in fields(options)]  # type: ignore[arg-type]  # every options class is a dataclass
    problems += [
        f"{prefix}{key}: unknown key, found {value!r}.{_section_of(key, sections) or suggestion(key, known)}"
        for key, value in values.items()
        if key not in known
    ]
    # What the command line has still to give, and what is refused below.
    arguments: dict[str, Any] = {field.name: MISSING_NONPROP for field in fields(options) if _is_required(field)}  # type: ignore[arg-type]
    for field in fields(options):  # type: ignore[arg-type]
        name, kind = field.name, types[field.name]
        if is_dataclass(kind):
            inner = values.get(name, {})
            if isinstance(inner, Mapping):
                arguments[name] = _read_section(kind, inner, f"{prefix}{name}.", problems, sections)  # type: ignore[arg-type]
            else:
                problems.append(f"{prefix}{name}: must be a section [{prefix}{name}], found {inner!r}")
        elif name in values:
            try:
                arguments[name] = _value(kind, values[name])
            except ValidationError as error:
                for each in error.errors():
                    at = ".".join([f"{prefix}{name}", *(str(part) for part in each["loc"])])
                    problems.append(f"{at}: {each['msg']}, found {each['input']!r}")
    section = options(**arguments)
    if isinstance(section, Checked):
        problems += [f"{prefix.removesuffix('.')}: {problem}" for problem in section.problems()]
    return section


def _value(kind: Any, value: Any) -> Any:
    """Return a value of the type that an option has. As JSON, strictly: true is no number, "3" neither, a list a tuple.

    A number is taken for a text only where the command line would take it: ``test = 0.2``.
    """
    from pydantic import TypeAdapter

    if kind is str and isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return TypeAdapter(kind).validate_json(json.dumps(value, default=str), strict=True)


def _sections(options: type) -> dict[str, list[str]]:
    """Return the keys of each section, and of the top level under the name ''."""
    types = get_type_hints(options)
    sections: dict[str, list[str]] = {"": []}
    for field in fields(options):
        kind = types[field.name]
        if is_dataclass(kind):
            sections[field.name] = [each.name for each in fields(kind)]
        else:
            sections[""].append(field.name)
    return sections


def _flags(options: type) -> list[str]:
    """Return the names of all options as the command line has them."""
    names = ["config", *(key for keys in _sections(options).values() for key in keys)]
    return [f"--{name.strip('_').replace('_', '-')}" for name in names]


def _section_of(key: str, sections: Mapping[str, Sequence[str]]) -> str:
    """Return a hint for a key that is right in another place of the file, or an empty text."""
    for name, keys in sections.items():
        if key in keys:
            return f" It belongs into the section [{name}]." if name else " It belongs above the first section."
    return ""


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


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
