"""Reads pickles without running them.

A pickle is a program: loading one from a stranger runs the stranger's code. Here every class and function that it names
becomes an inert stand-in, which keeps its arguments and its state. Plain values (texts, numbers, lists, dicts) come out
as they are. Nothing is imported, nothing is called.
"""

from __future__ import annotations

import mmap
import pickle
import pickletools
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError

_MOST_NAMES = 1_000
"""Different classes and functions in a pickle; a model of word vectors names about ten."""
_STORING = {"PUT", "BINPUT", "LONG_BINPUT"}


class Inert:
    """Stands for an object of a class, or the result of a function, that a pickle names.

    Attributes:
        origin: name of the class or function, with its module.
        arguments: its arguments.
        state: its attributes, usually a dict; None if the pickle sets none.
    """

    origin = ""
    arguments: tuple[object, ...]
    state: object

    def __new__(cls, *arguments: object, **named: object) -> Inert:  # noqa: ARG004, D102
        made = super().__new__(cls)
        made.arguments, made.state = arguments, None
        return made

    def __init__(self, *arguments: object, **named: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        self.state = state

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, value: object) -> None:
        """Ignore the value."""

    extend = append


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: mmap.mmap) -> None:
        super().__init__(cast(IO[bytes], file), encoding="latin1")  # as gensim reads what Python 2 wrote
        self._made: dict[tuple[str, str], type[Inert]] = {}

    def find_class(self, module: str, name: str) -> type[Inert]:
        key = (module, name)
        if key not in self._made:
            if len(self._made) == _MOST_NAMES:
                raise pickle.UnpicklingError(f"it names more than {_MOST_NAMES:,} classes")
            self._made[key] = type("Inert", (Inert,), {"origin": f"{module}.{name}"})
        return self._made[key]


def read_pickle(path: Path) -> object:
    """Return what a pickle holds, with `Inert` in the place of every object of a class."""
    try:
        # A map gives no more bytes than it has, and reserves no memory for what is only claimed.
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            _check(mapped)
            mapped.seek(0)
            return _Unpickler(mapped).load()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # damaged bytes make the unpickler raise nearly anything
        raise InputError(f"{path}: a damaged pickle, or none: {error or type(error).__name__}") from error


def _check(mapped: mmap.mmap) -> None:
    """Raise where the unpickler would reserve memory that the file does not fill.

    Reading all instructions finds texts that are shorter than announced. The other danger is the table of stored
    values, which the unpickler makes as long as the highest number under which one is stored.
    """
    for opcode, argument, _ in pickletools.genops(cast(IO[bytes], mapped)):
        if opcode.name in _STORING and isinstance(argument, int) and argument > len(mapped):
            raise pickle.UnpicklingError(f"it stores a {argument:,}th value")


def attributes(value: object) -> dict[str, Any]:
    """Return the attributes of an object in a pickle; none of anything else."""
    return value.state if isinstance(value, Inert) and isinstance(value.state, dict) else {}


def array(value: object) -> NDArray[Any] | None:
    """Return a NumPy array that a pickle holds; None for anything else, and for an array of objects.

    Raises:
        ValueError: the array's description and its bytes do not match.
    """
    if not isinstance(value, Inert) or not isinstance(value.state, tuple) or len(value.state) != 5:
        return None
    _, shape, kind, columns_first, raw = value.state
    if isinstance(raw, Inert) and raw.origin == "_codecs.encode" and raw.arguments:
        raw = raw.arguments[0]  # so Python 3 writes bytes for Python 2
    if isinstance(raw, str):
        raw = raw.encode("latin1")
    if not (isinstance(kind, Inert) and kind.arguments and isinstance(raw, bytes) and isinstance(shape, tuple)):
        return None
    code = kind.arguments[0]
    order = kind.state[1] if isinstance(kind.state, tuple) and len(kind.state) > 1 else "|"
    if code not in ("f2", "f4", "f8") or order not in ("<", ">", "|", "="):
        return None
    return np.frombuffer(raw, dtype=np.dtype(f"{order}{code}")).reshape(shape, order="F" if columns_first else "C")
