"""Output folders of runs and studies: proved before the work, for one process at a time, emptied of earlier runs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from mt2st._files import ASIDE, OWN, check_place, complete_file, listed_files, restore
from mt2st._lock import LOCK, only_writer
from mt2st.cli.interruption import Interrupted
from mt2st.cli.options import Rule
from mt2st.cli.terminal import say
from mt2st.errors import InputError, NotWrittenError

Written = TypeVar("Written")


class RunFolder(ExitStack):
    """An output folder, locked for a block as soon as it exists.

    Args:
        path: the folder.
        files: the paths in it that a run may write.
        kind: what the folder is of, for messages.
        option: the option that names the folder.
        kept: those that stay when an earlier run is replaced, until the new ones are complete.
        resumes: name of the folder that an interrupted run leaves, where it is to go on; None to begin.
        overwrite: whether an earlier run may be replaced.
    """

    def __init__(
        self,
        path: Path,
        files: Iterable[str],
        *,
        kind: str = "run",
        option: str = "--output",
        kept: Iterable[str] = (),
        resumes: str | None,
        overwrite: bool,
    ) -> None:
        super().__init__()
        self.path, self.files, self.kind, self.kept = path, set(files), kind, set(kept)
        self.option = option
        self.resumes, self.overwrite = resumes, overwrite
        self._locked = self._prepared = False

    def __enter__(self) -> RunFolder:
        check_place(self.path, self.option)
        with ExitStack() as held:  # if the check fails, nothing stays locked
            held.push(self)
            if self.path.is_dir():
                self._lock()
            self._check()
            held.pop_all()
        return self

    def prepare(self) -> None:
        """Make room for the run, once: from here on the folder is its own."""
        if self._prepared:
            return
        if not self._locked:
            self._lock()
            self._check()  # another process may have been here since
        if self.resumes is None:
            for name in self._own() - self.kept:
                (self.path / name).unlink(missing_ok=True)
                for folder in (self.path / name).relative_to(self.path).parents[:-1]:
                    with suppress(OSError):  # it is not empty
                        (self.path / folder).rmdir()
        self.claim(self.path)
        self._prepared = True

    def claim(self, folder: Path) -> None:
        """Note that the files of a run in a folder are mt2st's."""
        with complete_file(folder / OWN, overwrite=True) as file:
            file.write(json.dumps(sorted(self.files), indent=0).encode())

    def _lock(self) -> None:
        self.enter_context(only_writer(self.path, f"{self.option} {self.path}"))
        for folder in {each for name in self.files for each in Path(name).parents}:
            restore(self.path / folder)
        self._locked = True

    def _check(self) -> None:
        if self.resumes is not None and not (self.path / self.resumes).is_dir():
            raise InputError(f"--resume: there is no interrupted run in {self.path}")
        found = self._found()
        if strange := sorted(found - self._own()):
            raise InputError(
                f"{self.option} {self.path} holds files that are no {self.kind}'s ({strange[0]}): choose another"
            )
        if found and self.resumes is None and not self.overwrite:
            interrupted = any(name.startswith("checkpoint/") for name in found)
            go_on = ", or go on with its interrupted run by --resume" if interrupted else ""
            raise InputError(
                f"{self.path} is not empty: replace it by --overwrite, or choose another by {self.option}{go_on}"
            )

    def _own(self) -> set[str]:
        """Return the paths that an earlier run may have written."""
        return listed_files(self.path) & self.files

    def _found(self) -> set[str]:
        """Return what is in the folder: files of the folders that a run writes, and anything else by its name."""
        if not self.path.is_dir():
            return set()
        folders = {name.partition("/")[0] for name in self.files if "/" in name}
        found: set[str] = set()
        for each in self.path.iterdir():
            if each.name in (LOCK, OWN) or each.name.startswith(ASIDE):
                continue
            listed = each.name in folders and each.is_dir()
            inner = [path for path in each.rglob("*") if not path.is_dir()] if listed else [each]
            found.update(path.relative_to(self.path).as_posix() for path in inner)
        return found


def kept(write: Callable[[Path], Written], place: Path, fallback: Path | None) -> Written:
    """Write a result; where the disk refuses, to the fallback, or where the person at the terminal says."""
    places, asked = [place, *([fallback] if fallback else [])], False
    while True:
        try:
            return write(places.pop(0))
        except InputError as error:
            if not (asked or isinstance(error, NotWrittenError)):
                raise
            if not places:
                asked = sys.stdin.isatty() and sys.stderr.isatty()
                say(f"mt2st: {error}")
                answer = _answer("write it to another place (empty to give up): ") if asked else ""
                if not answer:
                    raise
                places.append(Path(answer))
            else:
                say(f"mt2st: {error}; {places[0]} is tried")


def _answer(question: str) -> str:
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


Dealt = TypeVar("Dealt")


def check_output(output: Path) -> None:
    """Refuse a place that is no study's before anything is trained."""
    check_place(output, "--output")
    restore(output)
    begun = (output / "study.json").is_file() or any([*output.glob("*/.lock"), *output.glob("search/*/.lock")])
    if begun or not output.is_dir():
        return
    for path in sorted(output.iterdir()):
        if not path.name.startswith(".") and (path.is_file() or any(path.iterdir())):
            raise InputError(f"--output {output} holds files that are no study's ({path.name}): choose another")


def _is_share(text: str) -> bool:
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    return found is not None and 1 <= int(found[1]) <= int(found[2])


SHARE_OF_CELLS = Rule(_is_share, "takes a share such as 3/8, the third of eight, one of 1/n to n/n")


def own_share(text: str | None, cells: Sequence[Dealt]) -> list[Dealt]:
    """Return the share of a study's cells that ``--cell`` asks for, such as ``3/8``: those between two even cuts.

    A seed's methods follow each other: so all but those at a cut run on the same machine as what they are compared
    with, seed by seed.

    Example:
        >>> [own_share(text, "abcdefg") for text in ("1/3", "2/3", "3/3")]
        [['a', 'b'], ['c', 'd'], ['e', 'f', 'g']]
    """
    number, of = map(int, (text or "1/1").split("/"))
    return list(cells[(number - 1) * len(cells) // of : number * len(cells) // of])


@contextmanager
def telling_what_is_kept(folder: Path) -> Iterator[None]:
    """Say what a study that is interrupted in this block leaves in its folder, and what goes on from there."""
    try:
        yield
    except (KeyboardInterrupt, Interrupted):
        found = {
            "finished run": [*folder.glob("*/result.json")],
            "finished trial": [*folder.glob("search/*/result.json")],
            "checkpoint": [*folder.glob("*/checkpoint"), *folder.glob("search/*/checkpoint")],
        }
        kept = [f"{len(paths)} {what}{'' if len(paths) == 1 else 's'}" for what, paths in found.items() if paths]
        if kept:
            say(f"interrupted: {' and '.join(kept)} in {folder}; the same command goes on from there")
        else:
            say("interrupted: no run was finished, nothing is kept")
        raise
