"""What a run was made with: versions and machine, so that it can be repeated and its seconds be judged."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

from mt2st._version import __version__
from mt2st.training.processor import usable_cores

PACKAGES = ("torch", "numpy", "numba", "scipy", "scikit-learn")


def versions() -> dict[str, str]:
    """Return the versions of Python, this package and those that its results depend on.

    As what is between two releases has the same version, there is a hash of the package's own source, too.
    """
    own = {"python": platform.python_version(), "mt2st": __version__, "mt2st source": _source_hash()}
    return own | {name: version(name) for name in PACKAGES}


@cache
def _source_hash(package: Path = Path(__file__).parents[1]) -> str:
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(b"%s\0%s\0" % (path.relative_to(package).as_posix().encode(), path.read_bytes()))
    return digest.hexdigest()[:12]


def machine() -> dict[str, str | int]:
    """Return the system, the processor and the number of cores that may be used. Not the machine's name."""
    return {"system": f"{platform.system()} {platform.machine()}", "processor": _processor(), "cores": usable_cores()}


def _processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    try:
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
