from __future__ import annotations

import random
import re
import runpy
import shlex
from pathlib import Path

import pytest

from mt2st.cli.main import main
from mt2st.study import Study

README = Path(__file__).resolve().parents[1] / "README.md"
SCRIPT = runpy.run_path(str(README.parent / "benchmarks" / "readme_tables.py"))
BLOCK, with_results, PAGES = SCRIPT["BLOCK"], SCRIPT["with_results"], SCRIPT["pages"]()
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def test_the_readme_has_examples() -> None:
    assert len(BLOCKS) >= 2


@pytest.mark.parametrize("code", BLOCKS, ids=range(len(BLOCKS)))
def test_python_examples_of_the_readme_run(code: str) -> None:
    exec(compile(code, str(README), "exec"), {"__name__": "readme"})


def test_the_word_vector_commands_of_the_readme_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    block = re.search(r"<!-- run: vectors -->\n```sh\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert block is not None
    rng = random.Random(0)
    words = ["film", "actor", "scene", "berlin", "germany", "paris", "france", "rome", "italy", "king", "queen", "cat"]
    for name, more in (("corpus.txt", []), ("domain.txt", ["screenplay", "stunt"])):
        lines = (" ".join(rng.choices([*words, *more], k=20)) for _ in range(200))
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    commands = [shlex.split(line) for line in block[1].splitlines()]
    assert len(commands) == 8
    for program, *arguments in commands:
        assert program == "mt2st"
        assert main(arguments) == 0, (arguments, capsys.readouterr().err)
    assert {path.name for path in tmp_path.iterdir()} == {
        "corpus.txt", "domain.txt", "words.vec", "grown.vec", "ngrams", "folder"
    }  # fmt: skip


@pytest.mark.parametrize("name", ["demo", "test"])
def test_the_commands_that_ci_takes_from_the_readme_are_marked(name: str) -> None:
    assert f"<!-- command: {name} -->\n```sh\npython3 -m venv" in README.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tables_of_a_page_are_those_of_the_studies_under_results(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert with_results(text) == text, "run python benchmarks/readme_tables.py"


def test_every_study_under_results_has_a_readable_file_and_a_command() -> None:
    told = (README.parent / "results" / "README.md").read_text(encoding="utf-8")
    for path in (README.parent / "results").glob("*.csv"):
        assert f"`{path.stem}`" in told
        if path.stem not in ("auxiliary", "baselines"):
            assert Study.load(path).rows


def test_a_figure_that_drifts_is_found() -> None:
    tables = [(page, found) for page in PAGES for found in BLOCK.finditer(page.read_text(encoding="utf-8"))]
    assert tables, "no table is marked"
    for page, found in tables:
        text = page.read_text(encoding="utf-8")
        body = found[0].index("\n")
        figure = re.search(r"\d\d", found[0][body:])
        assert figure is not None
        at = found.start() + body + figure.start()
        assert with_results(f"{text[:at]}00{text[at + 2 :]}") == text
