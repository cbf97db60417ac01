"""Files and folders that are either complete or not there, and how they go."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from mt2st.errors import InputError

_PERMISSIONS = 0o666


@contextmanager
def complete_file(path: Path, *, overwrite: bool = False) -> Iterator[IO[bytes]]:
    """Give a binary file to write; it appears under ``path`` when the block ends well, and never in part.

    The bytes go to a temporary name in the same folder, reach the disk, and are then renamed. If the block raises, the
    temporary file goes and what ``path`` held before stays. A symbolic link stays one: what it leads to is written.

    Raises:
        InputError: ``path`` exists and ``overwrite`` is false, is a folder or another thing than a file, or lies in no
            existing folder; or the disk refuses the write.
    """
    check_writable(path, overwrite=overwrite)
    place = _real_place(path)
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{place.name}.", suffix=".partial", dir=place.parent)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            _grant_default_permissions(file.fileno())
            os.fsync(file.fileno())
        Path(temporary).replace(place)
        flush_folder(place.parent)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()


def check_writable(path: Path, *, overwrite: bool) -> None:
    """Raise if a file may not be written to this place; ask before hours of work, not after.

    Raises:
        InputError: ``path`` exists and ``overwrite`` is false; is a folder, a pipe, a device or a socket, or leads to
            one; or lies in no existing folder.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder: give the name of a file in it")
    if path.exists() and not path.is_file():
        raise InputError(
            f"{path} is no regular file but a pipe, a device or a socket: it is not written; choose another name"
        )
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists already: choose another name or ask to overwrite it")
    folder = _real_place(path).parent
    if not folder.is_dir():
        raise InputError(f"cannot write {path}: there is no folder {folder if path.is_symlink() else path.parent}")


def _real_place(path: Path) -> Path:
    """Return where a path leads when all symbolic links are followed; there need not be anything yet."""
    place = Path(os.path.realpath(path))
    if place.is_symlink():
        raise InputError(f"cannot write {path}: its symbolic links lead in a circle")
    return place


def remove(path: Path) -> None:
    """Remove a file, a folder with all that is in it, or a symbolic link, but not what it leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def complete_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder to fill; it appears as ``folder`` when the block ends well, and never in part.

    The files reach the disk before the folder gets its name. What ``folder`` held before is replaced; if the block
    raises, it stays. Between the two renames there is no folder of that name, but never half of one. A symbolic link
    stays one: the folder that it leads to is replaced.

    Raises:
        InputError: ``folder`` is a file or another thing than a folder; or the disk refuses the write.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is no folder: choose another name")
    folder = _real_place(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}") from error
    try:
        yield partial
        for path in partial.iterdir():
            with path.open("rb") as file:
                _grant_default_permissions(file.fileno())
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
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _grant_default_permissions(descriptor: int) -> None:
    # Temporary files are private; a result has the permissions of any other new file.
    os.fchmod(descriptor, _PERMISSIONS & ~_umask())


def flush_folder(folder: Path) -> None:
    """Have the names in a folder reach the disk, so that what was renamed stays renamed after a crash."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
