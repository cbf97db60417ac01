"""Files and folders that appear whole or not at all, and temporary folders that do not outlive their process.

A file or folder is made in a hidden folder next to its place, reaches the disk, and is renamed. What a killed process
left there is brought to its end by whoever writes there next, or looks for it (`restore`).
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from mt2st.errors import InputError, NotWrittenError

_PERMISSIONS = 0o666
_LOCK = ".lock"
ASIDE = ".mt2st-"
"""Prefix of the hidden folders in which a result is made."""
OWN = ".mt2st.json"
"""File that lists what mt2st has written into a folder that may hold other files too; nothing else is removed."""
_NEW, _WHOLE, _OLD = "new", "whole", "old"
"""In such a folder: what is being made, what is complete, and what it replaces."""
LONGEST_NAME = 255
"""Bytes."""
_FULL = ("error 28", "error 122", "code: 28,", "code: 122,", "inline_container", "iostream error", "requested and")
"""Parts of the messages of safetensors, torch and NumPy on a full disk, whose errors tell no number."""
_TOO_LARGE = ("error 27", "code: 27,")
"""Likewise of a file that is larger than the process may write (``ulimit -f``)."""


@contextmanager
def complete_file(path: Path, *, overwrite: bool = False, size: int = 0) -> Iterator[IO[bytes]]:
    """Give a binary file to write; it appears at ``path`` when the block ends well, and never in part.

    If the block raises, what was at ``path`` stays. A symbolic link stays one: the file it leads to is replaced.

    Args:
        path: where.
        overwrite: whether to replace a file that is there.
        size: foreseen bytes.

    Raises:
        InputError: ``path`` exists and ``overwrite`` is false, is not a regular file, or its folder does not exist.
        NotWrittenError: the disk refuses.
    """
    check_writable(path, overwrite=overwrite)
    place = _resolved(path)
    with moved_when_complete(place, size=size) as new, (new / place.name).open("xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def complete_folder(folder: Path, *, size: int = 0) -> Iterator[Path]:
    """Give an empty folder to fill; it appears as ``folder`` when the block ends well, and never in part.

    The files reach the disk before the folder gets its name. What was there is replaced; if the block raises, it stays.
    A symbolic link stays one: the folder it leads to is replaced.

    Args:
        folder: where; its parent is made if needed.
        size: foreseen bytes.

    Raises:
        InputError: ``folder`` is not a folder.
        NotWrittenError: the disk refuses.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is no folder: choose another name")
    place = _resolved(folder)
    with moved_when_complete(place, size=size) as new:
        (new / place.name).mkdir()
        yield new / place.name
        for path in (new / place.name).iterdir():
            path.chmod(_PERMISSIONS & ~_umask())
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        flush_folder(new / place.name)


@contextmanager
def moved_when_complete(place: Path, *, size: int = 0) -> Iterator[Path]:
    """Give an empty folder; what is made in it replaces what has its names next to ``place`` when the block ends well.

    Raises:
        NotWrittenError: the disk refuses.
    """
    folder = place.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        restore(folder)
        check_space(folder, size, place)
        with _locked_folder(folder, ASIDE) as aside:
            for name in (_NEW, _OLD):
                (aside / name).mkdir()
            yield aside / _NEW
            (aside / _NEW).rename(aside / _WHOLE)
            _settle(aside, folder)
    except Exception as error:
        full = any(part in str(error) for part in _FULL)
        too_large = any(part in str(error) for part in _TOO_LARGE)
        if not full and not too_large and not isinstance(error, OSError):
            raise
        full = full or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT))
        reason = _of_space(folder, size) if full else getattr(error, "strerror", None) or error
        reason = "File too large for the limits of this process" if too_large else reason
        raise NotWrittenError(f"cannot write {place}: {reason}") from error


@contextmanager
def own_files(folder: Path) -> Iterator[Path]:
    """Give an empty folder; its files replace those that the last block put into ``folder``, when this one ends well.

    Other files in ``folder`` stay.

    Raises:
        InputError: ``folder`` is no folder, or holds another file of the name of a new one.
        NotWrittenError: the disk refuses.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is no folder: move it away")
    before = listed_files(folder)
    with moved_when_complete(folder / OWN) as new:
        yield new
        names = {path.name for path in new.iterdir()}
        for patience in reversed(range(20)):  # another process may be moving its list and files just now
            before |= listed_files(folder)
            lost = sorted(name for name in names - before if (folder / name).exists())
            if not lost:
                break
            if not patience:
                raise InputError(f"{folder} holds {lost[0]}, which would be lost: move it away")
            time.sleep(0.05)
        (new / OWN).write_text(json.dumps(sorted(names), indent=0), encoding="utf-8")
    for name in before - names:
        (folder / name).unlink(missing_ok=True)


def listed_files(folder: Path) -> set[str]:
    """Return the paths in a folder that mt2st has written, as its list there says; none without one."""
    try:
        listed = json.loads((folder / OWN).read_text(encoding="utf-8"))
        return {name for name in listed if not {"..", ""} & set(name.split("/"))}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return set()


def check_own(folder: Path, files: Collection[str]) -> None:
    """Raise `InputError` if a folder that is to be replaced holds something else than these files."""
    if strange := sorted(path.name for path in folder.iterdir() if path.name not in files):
        raise InputError(f"{folder} holds {strange[0]}, which would be lost: move it, or choose another place")


def check_space(folder: Path, size: int, place: Path) -> None:
    """Raise `NotWrittenError` if the disk of a folder has less room than the bytes that ``place`` needs."""
    with suppress(OSError):  # a file system that does not tell
        if shutil.disk_usage(folder).free < size:
            raise NotWrittenError(f"cannot write {place}: {_of_space(folder, size)}")


def _of_space(folder: Path, size: int) -> str:
    free = f"{shutil.disk_usage(folder).free / 1e6:,.1f} MB"  # what was written is removed by now
    needed = f"{size / 1e6:,.1f} MB are needed, and {free} are free" if size else f"more than the free {free} is needed"
    return f"No space left on device: {needed} in {folder}; make room there, or choose another place"


def restore(folder: Path) -> None:
    """Bring to an end what killed processes were writing into a folder.

    What was complete takes its place, all else that they left is removed. What living processes write stays.
    """
    _clear(folder, ASIDE, lambda aside: _settle(aside, folder))


def _settle(aside: Path, folder: Path) -> None:
    """Move all that is complete to its place; if that fails, what was there comes back.

    A file replaces another in one step. A folder, or several files that belong together, do so in two: what was there
    is set aside first, so that nobody finds one part old and another new.
    """
    whole, old = aside / _WHOLE, aside / _OLD
    new = sorted(whole.iterdir(), reverse=True) if whole.is_dir() else []
    try:
        for each in reversed(new):
            place = folder / each.name
            if (each.is_dir() or len(new) > 1) and place.exists() and place.is_dir() == each.is_dir():
                remove(old / each.name)
                place.replace(old / each.name)
        for each in new:
            each.replace(folder / each.name)
    except BaseException:
        with suppress(OSError):
            whole.rename(aside / _NEW)  # as it is about to be removed
        for each in old.iterdir():
            remove(folder / each.name)
            each.rename(folder / each.name)
        raise
    flush_folder(folder)


def check_place(folder: Path, option: str) -> None:
    """Refuse an output folder that cannot be made or written, before anything is read.

    Raises:
        InputError: a name in it is too long or no text, something is in its way, or nothing can be written there.
    """
    named = f"{option} {_shown(folder)}"
    _check_names(folder, named)
    there = next((each for each in (folder, *folder.absolute().parents) if each.exists() or each.is_symlink()), Path())
    if not there.exists():
        what = "is" if there == folder else f"is in {_shown(there)},"
        raise InputError(f"{named} {what} a symbolic link that leads nowhere: make the folder that it leads to")
    if not there.is_dir():
        raise InputError(f"{named}: {there} is a file: give the name of a folder")
    _try_to_write(there, f"{named} cannot be made")


def check_apart(target: Path, source: str | Path) -> None:
    """Raise `InputError` if a file would be written to the place of the one that it is made from.

    A folder of texts is looked into.
    """
    try:
        folder = Path(source) if Path(source).is_dir() and target.is_file() else None
        sources = (path for path in folder.rglob("*") if path.is_file()) if folder else [source]
        same = any(target.samefile(each) for each in sources)
    except (OSError, ValueError):  # one of them is not there
        return
    if same:
        raise InputError(f"{target} would be read and written at once: choose another name for the result")


def check_new_file(path: Path, option: str) -> None:
    """Refuse an output file, or folder next to others, whose name cannot be or whose folder cannot be written.

    Raises:
        InputError: as said.
    """
    named = f"{option} {_shown(path)}"
    _check_names(path, named)
    folder = _resolved(path).parent
    if folder.is_dir():  # else its writer says so
        _try_to_write(folder, f"{named} cannot be written")


def _try_to_write(folder: Path, complaint: str) -> None:
    """Raise `InputError` unless a folder can be written, which shows only when it is tried."""
    try:
        with tempfile.TemporaryDirectory(prefix=ASIDE, dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{complaint}: {error.strerror}") from error


def _check_names(path: Path, named: str) -> None:
    """Refuse names that no file system or no library can take."""
    for part in path.absolute().parts:
        try:
            size = len(part.encode())
        except UnicodeEncodeError as error:
            raise InputError(f"{named}: {_shown(part)} is not UTF-8 text: choose another name") from error
        if "\0" in part:
            raise InputError(f"{named}: its name holds a zero byte: choose another name")
        if size > LONGEST_NAME:
            raise InputError(f"{named}: a name of {size} bytes, and {LONGEST_NAME} are the most: choose a shorter one")


def _shown(path: Path | str) -> str:
    """Return a path as text that can be printed."""
    return os.fsencode(path).decode("utf-8", "backslashreplace") if os.name != "nt" else str(path)


def check_writable(path: Path, *, overwrite: bool) -> None:
    """Raise if a file may not be written to this place; check before hours of work, not after.

    Raises:
        InputError: ``path`` exists and ``overwrite`` is false; is a folder, pipe, device or socket, or leads to one; or
            its folder does not exist.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder: give the name of a file in it")
    if path.exists() and not path.is_file():
        raise InputError(
            f"{path} is no regular file but a pipe, a device or a socket: it is not written; choose another name"
        )
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists already: choose another name, or replace it by --overwrite (overwrite=True)")
    folder = _resolved(path).parent
    if not folder.is_dir():
        raise InputError(f"cannot write {path}: there is no folder {folder if path.is_symlink() else path.parent}")


def _resolved(path: Path) -> Path:
    """Return the path with all symbolic links followed; nothing needs to exist there yet."""
    place = Path(os.path.realpath(path))
    if place.is_symlink():
        raise InputError(f"cannot write {path}: its symbolic links lead in a circle")
    return place


def remove(path: Path) -> None:
    """Remove a file, a folder with its contents, or a symbolic link, but not what the link leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _umask() -> int:
    # Some writers make private files; a result has the permissions of any other new file.
    mask = os.umask(0)
    os.umask(mask)
    return mask


def flush_folder(folder: Path) -> None:
    """Make the names in a folder reach the disk, so that a rename survives a crash; Windows has no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def scratch_folder(purpose: str, parent: Path | None = None) -> Iterator[Path]:
    """Give an empty folder that is removed when the block ends.

    A killed process leaves its folder behind, and corpora are large. So each folder holds a lock file, which the system
    releases when the process dies; making a new folder removes those of the same purpose and user that nobody locks.

    Args:
        purpose: part of the folder's name: ``"corpus"``.
        parent: where to make it; None for the system's temporary folder (``TMPDIR``).

    Raises:
        InputError: no folder can be made there.
    """
    place, prefix = parent or Path(tempfile.gettempdir()), f"mt2st_{purpose}_"
    _clear(place, prefix)
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(_locked_folder(place, prefix))
        except OSError as error:
            raise InputError(f"{place}: no temporary folder can be made there: {error.strerror or error}") from error
        yield folder


@contextmanager
def _locked_folder(place: Path, prefix: str) -> Iterator[Path]:
    """Give a new folder with a lock, which the system releases when the process dies; remove it after the block."""
    from filelock import FileLock  # a third of the time that prediction takes to import

    with ExitStack() as stack:  # a signal may end the program at any line
        while True:
            folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)  # on Windows, a lock file stays while it is held
            lock = FileLock(folder / _LOCK)
            stack.callback(lock.release)
            stack.callback(shutil.rmtree, folder, ignore_errors=True)  # before another takes it for abandoned
            # A cleaning process may take the new folder for an abandoned one before it is locked: then make another.
            with suppress(FileNotFoundError):
                with suppress(NotImplementedError):  # a file system without locks: nobody can clean there
                    lock.acquire()
                if folder.is_dir() and (not lock.is_locked or (folder / _LOCK).exists()):
                    break
                lock.release()
        yield folder


def _clear(place: Path, prefix: str, finish: Callable[[Path], None] = lambda _: None) -> None:
    """Remove the folders of dead processes, after ``finish``; what cannot be examined or finished stays."""
    for folder in place.glob(f"{prefix}*"):
        from filelock import FileLock, Timeout

        with suppress(OSError, Timeout, NotImplementedError):
            if folder.is_symlink() or not folder.is_dir():
                continue
            if hasattr(os, "geteuid") and folder.stat().st_uid != os.geteuid():
                continue
            with FileLock(folder / _LOCK, blocking=False):
                finish(folder)
                shutil.rmtree(folder, ignore_errors=True)
            if os.name == "nt":
                shutil.rmtree(folder, ignore_errors=True)
