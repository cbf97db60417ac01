"""Ranges of settings as annotated types, and the check of values against the annotations of who takes them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache, wraps
from typing import Annotated, Any, TypeVar, cast, get_type_hints

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from mt2st.errors import MOST, InputError, suggestion

Count = Annotated[int, Field(ge=1, lt=2**31)]
Bytes = Annotated[int, Field(ge=1, lt=2**63)]
Natural = Annotated[int, Field(ge=0, lt=2**31)]
Positive = Annotated[float, Field(gt=0, le=MOST, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, le=MOST, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
Fraction = Annotated[float, Field(gt=0, le=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
OwnerT = TypeVar("OwnerT")
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
EXACT = 2**53
"""From here on a float is no longer one whole number; older pydantic takes no larger integers for floats either."""


def checked(owner: Callable[..., Any], **values: object) -> dict[str, Any]:
    """Return values that fit the annotations of a class's fields or a function's parameters, as plain Python numbers.

    Raises:
        InputError: the first value that does not fit, by name, with the rule and what was found.

    Example:
        >>> def train(epochs: Count, sample: Share = 0.0) -> None: ...
        >>> checked(train, epochs=np.int64(3))
        {'epochs': 3}
        >>> checked(train, epochs=0)
        Traceback (most recent call last):
        mt2st.errors.InputError: epochs should be greater than or equal to 1, found 0
    """
    plain: dict[str, Any] = {}
    for name, value in values.items():
        try:
            plain[name] = _adapter(owner, name).validate_python(plain_number(value), strict=True)
        except ValidationError as error:
            rule, near = rule_of(error.errors(include_url=False)[0])
            raise InputError(f"{name} {rule}, found {value!r}.{near}".removesuffix(".")) from error
    return plain


def check_fields(settings: object) -> None:
    """Check all fields of a frozen dataclass as `checked` does, and make plain Python numbers of numpy's."""
    for name, value in checked(type(settings), **vars(settings)).items():
        object.__setattr__(settings, name, value)


def checked_fields(owner: type[OwnerT], values: Mapping[str, Any]) -> OwnerT:
    """Return a dataclass of plain values as JSON has them, each of its kind, those of dataclasses in it too.

    Raises:
        ValueError: a value is missing, is none of its kind, or has another name.
    """
    given = dict(values)
    if others := given.keys() ^ {each.name for each in fields(owner)}:  # type: ignore[arg-type]  # a dataclass
        raise ValueError(f"missing or unknown: {', '.join(map(str, others))}")
    try:
        found: OwnerT = _adapter(cast("Any", owner)).validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place} {rule_of(first)[0]}, found {first['input']!r:.60}") from None
    return found


def takes(settings: type) -> Callable[[FunctionT], FunctionT]:
    """Let a function's ``**settings`` be the fields of a dataclass: in its signature, and in the error for other names.

    Example:
        >>> class Pace:
        ...     def __init__(self, epochs: int = 5): ...
        >>> @takes(Pace)
        ... def train(**settings): ...
        >>> str(inspect.signature(train))
        "(*, epochs: 'int' = 5)"
        >>> train(epoch=3)
        Traceback (most recent call last):
        TypeError: train() got an unexpected keyword argument 'epoch'. Did you mean 'epochs'?
    """
    named = [each.replace(kind=each.KEYWORD_ONLY) for each in inspect.signature(settings).parameters.values()]

    def decorated(function: FunctionT) -> FunctionT:
        signature = inspect.signature(function)
        own = [each for each in signature.parameters.values() if each.kind != each.VAR_KEYWORD]
        known = [each.name for each in (*own, *named)]

        @wraps(function)
        def checked_names(*args: Any, **given: Any) -> Any:
            for name in given:
                if name not in known:
                    what = f"{function.__name__}() got an unexpected keyword argument '{name}'."
                    raise TypeError(f"{what}{suggestion(name, known)}")
            return function(*args, **given)

        checked_names.__signature__ = signature.replace(parameters=[*own, *named])  # type: ignore[attr-defined]
        return cast("FunctionT", checked_names)

    return decorated


def plain_number(value: Any) -> Any:
    """Return a number as Python's own, a whole one as an int: where a float is wanted, an int is one too.

    Example:
        >>> plain_number(np.float32(2)), plain_number(2.5), plain_number("2"), plain_number(1e30)
        (2, 2.5, '2', 1e+30)
    """
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return int(value)
    return value


@cache
def _adapter(owner: Any, name: str | None = None) -> TypeAdapter[Any]:
    return TypeAdapter(owner if name is None else get_type_hints(owner, include_extras=True)[name])


def rule_of(error: Mapping[str, Any]) -> tuple[str, str]:
    """Return what a value should be, by pydantic's error about it, and a suggestion if a choice is near."""
    rule = str(error["msg"]).replace("Input ", "", 1)
    if error["type"] != "literal_error":
        return rule, ""
    choices = error["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", ")
    return rule, suggestion(str(error["input"]), choices)
