"""What can happen before the command line is loaded."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from mt2st.cli.start import start

INTERRUPTED_WHILE_LOADING = """
import sys

class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, CtrlC())
from mt2st.cli.start import start
sys.exit(start())
"""


def test_an_interrupt_while_the_program_loads_is_one_line() -> None:
    for module in ("mt2st.cli.main", "mt2st.cli.terminal", "mt2st.cli.vectors"):
        code = INTERRUPTED_WHILE_LOADING.format(module=module)
        end = subprocess.run([sys.executable, "-c", code, "vectors", "--help"], capture_output=True, text=True)
        assert (end.returncode, end.stderr) == (130, "mt2st: interrupted\n"), module


def test_what_starts_the_program_loads_next_to_nothing() -> None:
    code = "import sys; before = set(sys.modules); import mt2st.cli.start; print(*sorted(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
                            capture_output=True, text=True, check=True).stdout.split()  # fmt: skip
    assert {name for name in loaded if not name.startswith("mt2st")} <= {"importlib", "importlib._bootstrap",
        "importlib._bootstrap_external", "warnings", "_warnings", "__future__"}  # fmt: skip


def test_the_program_and_the_module_start_here() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"]["mt2st"] == f"{start.__module__}:{start.__name__}"
    end = subprocess.run([sys.executable, "-m", "mt2st", "--version"], capture_output=True, text=True, check=True)
    assert end.stdout.startswith("mt2st ")
