"""The README's markers, and the tables of all pages against the runs under results/."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from mt2st.study import Study

README = Path(__file__).resolve().parents[1] / "README.md"
SCRIPT = runpy.run_path(str(README.parent / "benchmarks" / "readme_tables.py"))
BLOCK, with_results, PAGES = SCRIPT["BLOCK"], SCRIPT["with_results"], SCRIPT["pages"]()


def test_the_readme_fits_three_screens() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 130


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
        if path.stem not in ("auxiliary", "baselines", "classifiers", "prediction", "transformer"):
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
