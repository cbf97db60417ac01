"""gensim's own format: a pickle of ``KeyedVectors``, with large arrays in ``.npy`` files next to it.

gensim writes it. Reading needs no gensim and runs nothing. A pickle is a program: loading one from a stranger runs the
stranger's code. Here every class and function that it names becomes an inert stand-in (`Inert`), which keeps its
arguments and its state. Plain values (texts, numbers, lists, dicts) come out as they are.
"""

from __future__ import annotations

import mmap
import os
import pickle
import pickletools
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from mt2st._files import check_writable, moved_when_complete
from mt2st.embedding.formats.files import Source
from mt2st.embedding.formats.stream import MOST_DIMENSIONS, VectorStream, stream_of
from mt2st.errors import InputError, MissingExtraError
from mt2st.text.lines import check_regular

_MOST_NAMES = 1_000
"""Different classes and functions in a pickle; a model of word vectors names about ten."""
_MOST_NESTED = 256
"""Values in a tuple with those in its tuples; the state of an array has about 20."""
_MARK = 0
_NESTING = {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "FROZENSET"}
_FETCHING = {"GET", "BINGET", "LONG_BINGET"}
_PLAIN = {each.name for each in pickletools.opcodes if not each.stack_before and len(each.stack_after) == 1} - {
    "MARK",
    *_FETCHING,
}
_STORING = {"PUT", "BINPUT", "LONG_BINPUT"}
_WORDS = ("index_to_key", "index2word", "index2entity")
_VECTORS = ("vectors", "syn0")


def read_keyedvectors(path: Path) -> VectorStream:
    """Open what gensim's ``KeyedVectors.save`` or ``Word2Vec.save`` wrote.

    The words are held in memory; vectors in a file of their own are not.
    """
    with Source(path) as source:
        if source.size is None:
            raise InputError(f"{path} is packed: a file of gensim's is read as it is, so unpack it first")
    model = read_pickle(path)
    owner = attributes(model)
    place = path
    if "wv" in owner and not any(name in owner for name in _WORDS):
        owner, place = attributes(owner["wv"]), path.with_name(f"{path.name}.wv")
    words = next((owner[name] for name in _WORDS if name in owner), None)
    if not isinstance(words, list) or not all(type(word) is str for word in words):
        raise InputError(
            f"{path}: a pickle, but not of gensim's KeyedVectors with words for keys; save it in gensim by "
            f"save_word2vec_format and read that"
        )
    vectors = _vectors(path, owner, place)
    if vectors.ndim != 2 or len(vectors) != len(words) or not 1 <= vectors.shape[1] <= MOST_DIMENSIONS:
        raise InputError(f"{path}: has {len(words):,} words, but vectors of shape {list(vectors.shape)}")
    return stream_of(words, vectors, path)


def _vectors(path: Path, owner: dict[str, Any], place: Path) -> NDArray[Any]:
    apart = owner.get("__numpys")
    apart = apart if isinstance(apart, list) else []
    for name in _VECTORS:
        separate = place.with_name(f"{place.name}.{name}.npy")
        if name in apart or (name not in owner and separate.exists()):
            return _mapped(separate)
        try:
            found = array(owner.get(name))
        except (ValueError, TypeError) as error:
            raise InputError(f"{path}: the vectors are damaged: {error}") from error
        if found is not None:
            return found
    if "vectors_ngrams" in owner or "vectors_ngrams" in apart:
        raise InputError(
            f"{path}: holds vectors of parts of words, from which gensim makes those of words when it loads them; save "
            f"it in gensim by save_word2vec_format and read that"
        )
    raise InputError(f"{path}: names words, but holds no vectors")


def _mapped(path: Path) -> NDArray[Any]:
    """Return a matrix in NumPy's file format, mapped into memory, not read."""
    check_regular(path)
    try:
        with path.open("rb") as file:
            major, _ = np.lib.format.read_magic(file)
            length = int.from_bytes(file.read(2 if major == 1 else 4), "little")
            if length > path.stat().st_size:
                raise ValueError(f"a header of {length:,} bytes")  # noqa: TRY301
        mapped = np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError as error:
        raise InputError(f"there is no {path}, where gensim put the vectors: it belongs next to the model") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # a damaged header makes NumPy raise nearly anything
        raise InputError(f"{path}: a damaged array file, or none: {error}") from error
    if mapped.dtype.kind != "f":
        raise InputError(f"{path}: vectors must be floats; found {mapped.dtype}")
    return mapped


def check_keyedvectors_writable(path: Path, *, overwrite: bool) -> None:
    """Raise `InputError` if gensim's format may not be written to this place."""
    if path.suffix.lower() == ".gz":  # which gensim would pack, with arrays in files of another kind
        raise InputError(f"{path}: gensim's KeyedVectors are not written packed: choose a name without .gz")
    if path.is_symlink():
        raise InputError(
            f"{path} is a symbolic link, next to which gensim would look for the file of the vectors: name the file "
            f"that it leads to"
        )
    check_writable(path, overwrite=overwrite)


def write_keyedvectors(stream: VectorStream, path: Path, *, overwrite: bool = False) -> int:
    """Write with gensim's ``KeyedVectors.save``, which puts large vectors into ``PATH.vectors.npy``; return the count.

    The words are held in memory; the vectors are not.
    """
    try:
        from gensim.models import KeyedVectors
    except ImportError as error:
        raise MissingExtraError("writing gensim's KeyedVectors", "gensim") from error
    check_keyedvectors_writable(path, overwrite=overwrite)
    with moved_when_complete(path) as folder, tempfile.TemporaryFile(dir=folder) as spool:
        words: list[str] = []
        for block_words, vectors in stream.blocks():
            words += block_words
            spool.write(np.ascontiguousarray(vectors).tobytes())
        spool.flush()
        made = KeyedVectors(stream.size)
        made.index_to_key = words
        made.key_to_index = {word: index for index, word in enumerate(words)}
        vectors_of_all: NDArray[np.float32] = np.memmap(spool, np.float32, "r", shape=(len(words), stream.size))
        made.vectors = vectors_of_all.view(np.ndarray)
        made.norms, made.next_index = None, len(words)
        made.save(str(folder / path.name))
        for each in folder.iterdir():
            with each.open("rb") as file:
                os.fsync(file.fileno())
        large = (folder / f"{path.name}.vectors.npy").exists()
    if not large:
        with suppress(OSError):  # the old array, which nothing names any more
            path.with_name(f"{path.name}.vectors.npy").unlink(missing_ok=True)
    return len(words)


class Inert:
    """An object of a class, or the result of a function, that a pickle names (``origin``).

    ``state`` holds its attributes, usually a dict; None if the pickle sets none.
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
    """Raise where the unpickler would take memory or time that the file does not account for.

    Reading all instructions finds texts that are shorter than announced. The other dangers are the table of stored
    values, which the unpickler makes as long as the highest number of a stored value, and tuples in tuples: as keys of
    a dictionary, they are hashed from within each time, as often as one comes in another, and to any depth.
    """
    sizes: list[int] = []  # of the values on the unpickler's stack: 1, or for a tuple the values in it, nested ones too
    stored: dict[int, int] = {}
    ways: set[str] = set()
    n_stored = 0
    for opcode, argument, _ in pickletools.genops(cast(IO[bytes], mapped)):
        name = opcode.name
        if name in _PLAIN:
            sizes.append(1)
            continue
        if name in _STORING or name == "MEMOIZE":
            if isinstance(argument, int) and argument > len(mapped):
                raise pickle.UnpicklingError(f"it stores a {argument:,}th value")
            ways.add("MEMOIZE" if name == "MEMOIZE" else "PUT")
            if len(ways) > 1:
                raise pickle.UnpicklingError("it numbers the values that it stores in two ways")
            if sizes and sizes[-1] > 1:
                stored[n_stored if argument is None else int(argument)] = sizes[-1]
            n_stored += 1
            continue
        below, takes_mark, n_taken, n_given = _effect(opcode)
        total = 0
        if takes_mark:
            while sizes and (size := sizes.pop()) != _MARK:
                total += size
        for _ in range(below if takes_mark else n_taken):
            if not sizes:
                raise pickle.UnpicklingError("it takes more values than there are")
            total += sizes.pop()
        size = 1
        if name in _NESTING:
            size += total
        elif name in _FETCHING:
            size = stored.get(int(argument or 0), 1)
        elif name == "DUP":
            size = total
        elif name == "MARK":
            size = _MARK
        if size > _MOST_NESTED:
            raise pickle.UnpicklingError(f"it has tuples of more than {_MOST_NESTED:,} values, nested ones included")
        sizes.extend([size] * n_given)


@cache
def _effect(opcode: pickletools.OpcodeInfo) -> tuple[int, bool, int, int]:
    """Return what an instruction takes from below a mark, whether there is one, what it takes else, what it gives."""
    before = opcode.stack_before
    marked = pickletools.markobject in before
    below = before.index(pickletools.markobject) if marked else 0
    return below, marked, len(before), len(opcode.stack_after)


def attributes(value: object) -> dict[str, Any]:
    """Return the attributes of an object in a pickle; none of anything else."""
    return value.state if isinstance(value, Inert) and isinstance(value.state, dict) else {}


def array(value: object) -> NDArray[Any] | None:
    """Return a NumPy array in a pickle; None for anything else, and for an array of objects.

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
