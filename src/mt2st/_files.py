"""Files and folders that appear whole or not at all, and temporary folders that do not outlive their process."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from mt2st.errors import InputError

_PERMISSIONS = 0o666
_LOCK = ".lock"


@contextmanager
def complete_file(path: Path, *, overwrite: bool = False) -> Iterator[IO[bytes]]:
    """Give a binary file to write; it appears at ``path`` when the block ends well, and never in part.

    The bytes go to a temporary file in the same folder, reach the disk, and are renamed. If the block raises, what was
    at ``path`` stays. A symbolic link stays one: the file it leads to is replaced.

    Raises:
        InputError: ``path`` exists and ``overwrite`` is false, is not a regular file, or its folder does not exist; or
            the disk refuses.
    """
    check_writable(path, overwrite=overwrite)
    place = _resolved(path)
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{place.name}.", suffix=".partial", dir=place.parent)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(_PERMISSIONS & ~_umask())
        Path(temporary).replace(place)
        flush_folder(place.parent)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()


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


@contextmanager
def complete_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder to fill; it appears as ``folder`` when the block ends well, and never in part.

    The files reach the disk before the folder gets its name. What was there is replaced; if the block raises, it stays.
    A symbolic link stays one: the folder it leads to is replaced.

    Raises:
        InputError: ``folder`` is not a folder, or the disk refuses.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is no folder: choose another name")
    folder = _resolved(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}") from error
    try:
        yield partial
        for path in partial.iterdir():
            path.chmod(_PERMISSIONS & ~_umask())
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        partial.chmod(0o777 & ~_umask())
        _replace_folder(partial, folder)
        flush_folder(folder.parent)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _replace_folder(new: Path, folder: Path) -> None:
    if not folder.exists():
        new.rename(folder)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".old", dir=folder.parent))
    try:
        folder.rename(aside / folder.name)
        try:
            new.rename(folder)
        except OSError:
            (aside / folder.name).rename(folder)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _umask() -> int:
    # Temporary files are private; a result has the permissions of any other new file.
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
    place = parent or Path(tempfile.gettempdir())
    prefix = f"mt2st_{purpose}_"
    _remove_left_behind(place, prefix)
    try:
        folder, lock = _locked_folder(place, prefix)
    except OSError as error:
        raise InputError(f"{place}: no temporary folder can be made there: {error.strerror or error}") from error
    try:
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def _locked_folder(place: Path, prefix: str) -> tuple[Path, FileLock]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        lock = FileLock(folder / _LOCK)
        # A cleaning process may take the new folder for an abandoned one before it is locked: then make another.
        with suppress(FileNotFoundError):
            lock.acquire()
            if (folder / _LOCK).exists():
                return folder, lock
            lock.release()


def _remove_left_behind(place: Path, prefix: str) -> None:
    """Remove the folders of dead processes; what cannot be examined or removed stays."""
    for folder in place.glob(f"{prefix}*"):
        with suppress(OSError, Timeout, NotImplementedError):
            if folder.is_symlink() or not folder.is_dir():
                continue
            if hasattr(os, "geteuid") and folder.stat().st_uid != os.geteuid():
                continue
            with FileLock(folder / _LOCK, blocking=False):
                shutil.rmtree(folder, ignore_errors=True)
            if os.name == "nt":  # where a lock file stays while it is held
                shutil.rmtree(folder, ignore_errors=True)
