"""Compiled functions that start fast.

Numba compiles a function once, and its machine code is kept in a file. Later processes load it by llvmlite within 40 ms
of processor time; to import Numba and call the first function of its own cache takes 500. So these functions pay for
seconds of work, where others pay for minutes (docs/explanation/kernels.md).

A native function computes on pointers, for which it gets arrays, and on integers. It calls `helper` functions of its
module, checks no bounds and raises nothing. Other threads run meanwhile.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from threading import Lock
from types import FunctionType
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
_ARRAYS = {"U8": "uint8", "I32": "int32", "I64": "int64", "U64": "uint64", "F32": "float32", "F64": "float64"}

P = ParamSpec("P")
R = TypeVar("R")
_lock = Lock()


def helper(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function that native functions of its module call."""
    function._is_helper = True  # type: ignore[attr-defined]
    return function


def available() -> bool:
    """Return whether functions may be compiled: not with ``NUMBA_DISABLE_JIT``, nor without Numba."""
    installed = all(find_spec(each) is not None for each in ("llvmlite", "numba"))
    return installed and os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")


class Native(Generic[P, R]):
    """A compiled function, which is loaded by the first call. Its parameters are arrays (`U8` to `F64`) and integers.

    Args:
        function: in Python; it returns an integer.
    """

    def __init__(self, function: Callable[P, R]) -> None:
        self._function: Any = function
        self._types = [each.annotation for each in signature(function).parameters.values()]
        self._call: Any = None
        self.__doc__ = function.__doc__

    def __call__(self, *arguments: P.args, **named: P.kwargs) -> R:
        """Run the function; arrays must be contiguous and of the declared types."""
        assert not named
        values = [_address(value, kind) for value, kind in zip(arguments, self._types, strict=True)]
        if self._call is None:
            self.load()
        found = ctypes.c_int64()
        status = self._call(ctypes.byref(found), None, *values)
        assert status == 0
        return found.value  # type: ignore[return-value]

    @property
    def loaded(self) -> bool:
        """Whether the machine code is there already."""
        return self._call is not None

    def load(self) -> None:
        """Load the machine code; compile it first if no earlier process has kept it."""
        with _lock:
            if self._call is not None:
                return
            name = f"{self._function.__name__}.{self._key()}.native"
            symbol, code = _kept(name, self._source) or self._compiled(name)
            kinds = [ctypes.c_void_p if each in _ARRAYS else ctypes.c_int64 for each in self._types]
            prototype = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *kinds)
            self._engine = _engine(code)  # the code lives as long as it does
            self._call = prototype(self._engine.get_function_address(symbol))

    @property
    def _source(self) -> Path:
        return Path(self._function.__code__.co_filename)

    def _key(self) -> str:
        """Return what distinguishes the machine code: the module's source, the processor and the compiler."""
        import llvmlite

        parts = (self._source.read_bytes(), llvmlite.__version__.encode(), *(each.encode() for each in _processor()))
        return hashlib.sha256(b"\0".join(parts)).hexdigest()[:24]

    def _compiled(self, name: str) -> tuple[str, bytes]:
        """Compile the function and keep the machine code; return its symbol and the code."""
        import llvmlite.binding as llvm
        from numba import cfunc, njit, types

        scope = dict(vars(sys.modules[self._function.__module__]))
        for each, value in list(scope.items()):
            if getattr(value, "_is_helper", False):
                scope[each] = njit(error_model="numpy")(FunctionType(value.__code__, scope, each))
        untyped: Any = types
        kinds = [
            untyped.CPointer(getattr(untyped, _ARRAYS[each])) if each in _ARRAYS else untyped.int64
            for each in self._types
        ]
        function = FunctionType(self._function.__code__, scope, self._function.__name__)
        made = cfunc(untyped.int64(*kinds), error_model="numpy")(function)
        module = llvm.parse_assembly(made.inspect_llvm())
        # The wrapper for other languages is left out: it needs symbols of Numba and Python.
        module.get_function(made.native_name).linkage = "available_externally"
        symbol, code = made.native_name.removeprefix("cfunc."), _target().emit_object(module)
        _keep(name, self._source, symbol, code)
        return symbol, code


def native(function: Callable[P, R]) -> Native[P, R]:
    """Make a `Native` of a function."""
    return Native(function)


def _address(value: Any, kind: str) -> Any:
    if kind not in _ARRAYS:
        return int(value)
    assert value.dtype == _ARRAYS[kind], f"found {value.dtype}, expected {kind}"
    assert value.flags.c_contiguous
    return value.ctypes.data


def _processor() -> tuple[str, str, str]:
    import llvmlite.binding as llvm

    return llvm.get_default_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


@cache
def _target() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    triple, name, features = _processor()
    target = llvm.Target.from_triple(triple)
    return target.create_target_machine(
        cpu=name, features=features, opt=3, reloc="default", codemodel="jitdefault", jit=True
    )


def _engine(code: bytes) -> Any:
    import llvmlite.binding as llvm

    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine


def _folders(source: Path) -> Iterator[Path]:
    """Yield where machine code may be kept: the folders in which Numba keeps it, too."""
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(given)
    yield source.parent / "__pycache__"
    with suppress(RuntimeError):  # there is no home
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mt2st"


def _kept(name: str, source: Path) -> tuple[str, bytes] | None:
    """Return the symbol and the code that an earlier process kept, if they are whole."""
    for folder in _folders(source):
        with suppress(OSError, ValueError):
            digest, symbol, code = (folder / name).read_bytes().split(b"\n", 2)
            if hashlib.sha256(code).hexdigest().encode() == digest:
                return symbol.decode(), code
    return None


def _keep(name: str, source: Path, symbol: str, code: bytes) -> None:
    """Write them where that is possible; else every process compiles the function again."""
    content = b"\n".join([hashlib.sha256(code).hexdigest().encode(), symbol.encode(), code])
    for folder in _folders(source):
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{name}", delete=False) as file:
                file.write(content)
            Path(file.name).replace(folder / name)
            return
