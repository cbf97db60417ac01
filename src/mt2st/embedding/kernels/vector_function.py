"""How LLVM vector code becomes a function that compiled Numba code can call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum, auto
from inspect import Parameter, Signature
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


class Takes(Enum):
    """What a parameter of a vector function is to its caller, and what the vector code gets for it."""

    ARRAY = auto()
    """An array; the code gets its address."""
    ARRAY_AT = auto()
    """Two arguments, an array and a position in it; the code gets that element's address."""
    TABLE = auto()
    """An array of rows; the code gets its address and the length of a row."""
    INTEGER = auto()
    """An int64."""
    NUMBER = auto()
    """A float32."""


class Gives(Enum):
    """What a vector function returns."""

    NOTHING = auto()
    NUMBER = auto()
    """A float32."""
    WIDE_NUMBER = auto()
    """A float64."""


_RESULTS = {
    Gives.NOTHING: (types.void, ir.VoidType()),
    Gives.NUMBER: (types.float32, ir.FloatType()),
    Gives.WIDE_NUMBER: (types.float64, ir.DoubleType()),
}
_SCALARS = {Takes.INTEGER: types.int64, Takes.NUMBER: types.float32}


def vector_function(
    *parameters: Takes, gives: Gives = Gives.NOTHING
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function for Numba code out of one that writes its LLVM code.

    The decorated function gets an ``IRBuilder`` and the values of its parameters (two for a `Takes.TABLE`), writes the
    code, and returns the result's value if there is one. A module has that code once, however often it is called. What
    the first parameter points to must not overlap with the rest.

    Args:
        parameters: what the function takes, in order.
        gives: what it returns.
    """

    def declare(write_code: Callable[..., Any]) -> Callable[..., Any]:
        name = f"mt2st_{write_code.__name__}"
        result, result_kind = _RESULTS[gives]

        def typed(_: Any, *given: Any) -> tuple[Any, Callable[[Any, Any, Any, Any], Any]]:
            def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
                values = list(_values(context, builder, parameters, signature.args, arguments))
                if name not in builder.module.globals:
                    kinds = [value.type for value in values]
                    _add_function(builder.module, name, ir.FunctionType(result_kind, kinds), write_code)
                called = builder.call(builder.module.globals[name], values)
                return context.get_dummy_value() if gives is Gives.NOTHING else called

            return result(*_argument_types(parameters, given)), emit

        typed.__name__, typed.__doc__, typed.__module__ = write_code.__name__, write_code.__doc__, write_code.__module__
        typed.__signature__ = _call_signature(parameters)  # type: ignore[attr-defined] # Numba asks for it
        made: Callable[..., Any] = intrinsic(typed)
        return made

    return declare


def _call_signature(parameters: tuple[Takes, ...]) -> Signature:
    n_arguments = 1 + len(parameters) + parameters.count(Takes.ARRAY_AT)  # the first is the typing context
    return Signature([Parameter(f"a{k}", Parameter.POSITIONAL_OR_KEYWORD) for k in range(n_arguments)])


def _argument_types(parameters: tuple[Takes, ...], given: tuple[Any, ...]) -> Iterator[Any]:
    rest = iter(given)
    for parameter in parameters:
        yield _SCALARS.get(parameter, next(rest))
        if parameter is Takes.ARRAY_AT:
            next(rest)
            yield types.int64


def _values(
    context: Any, builder: Any, parameters: tuple[Takes, ...], kinds: tuple[Any, ...], arguments: tuple[Any, ...]
) -> Iterator[Any]:
    rest = iter(zip(kinds, arguments, strict=True))
    for parameter in parameters:
        kind, value = next(rest)
        if parameter in _SCALARS:
            yield value
            continue
        array = context.make_array(kind)(context, builder, value)
        if parameter is Takes.ARRAY_AT:
            yield builder.gep(array.data, [next(rest)[1]])
            continue
        yield array.data
        if parameter is Takes.TABLE:
            yield cgutils.unpack_tuple(builder, array.shape, 2)[1]  # type: ignore[no-untyped-call]


def _add_function(module: Any, name: str, kind: Any, write_code: Callable[..., Any]) -> None:
    made = ir.Function(module, kind, name)
    made.linkage = "internal"
    made.args[0].add_attribute("noalias")
    builder = ir.IRBuilder(made.append_basic_block("entry"))
    value = write_code(builder, *made.args)
    builder.ret_void() if value is None else builder.ret(value)
