from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def test_the_readme_has_examples() -> None:
    assert len(BLOCKS) >= 2


@pytest.mark.parametrize("code", BLOCKS, ids=range(len(BLOCKS)))
def test_python_examples_of_the_readme_run(code: str) -> None:
    exec(compile(code, str(README), "exec"), {"__name__": "readme"})


@pytest.mark.parametrize("name", ["demo", "test"])
def test_the_commands_that_ci_takes_from_the_readme_are_marked(name: str) -> None:
    assert f"<!-- command: {name} -->\n```sh\npython3 -m venv" in README.read_text(encoding="utf-8")
