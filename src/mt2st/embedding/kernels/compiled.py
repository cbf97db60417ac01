"""Keeps Numba's cache of compiled kernels honest.

Numba recompiles a cached function when the function's own file changes, but not when a file changes whose functions it
has taken in: after an update of `windows.py` alone, the kernels would silently go on with the old windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_FOLDER = Path(__file__).parent
_STAMP = "sources.stamp"


def drop_outdated(folder: Path = _FOLDER, *, uses: Sequence[Path] = ()) -> None:
    """Forget all compiled forms in ``folder/__pycache__`` if any source file of ``folder`` changed since the last call.

    Where the folder cannot be written to, nothing happens: then nobody edits the sources in place either.

    Args:
        folder: holds kernels.
        uses: further folders of which those kernels take functions in.
    """
    cache = folder / "__pycache__"
    stamp = "".join(
        f"{path.name} {(s := path.stat()).st_mtime_ns} {s.st_size}\n"
        for each in (folder, *uses)
        for path in sorted(each.glob("*.py"))
    )
    with suppress(OSError):
        if (cache / _STAMP).is_file() and (cache / _STAMP).read_text() == stamp:
            return
        cache.mkdir(exist_ok=True)
        for index in cache.glob("*.nbi"):
            index.unlink(missing_ok=True)
        (cache / _STAMP).write_text(stamp)
