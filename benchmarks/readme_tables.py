"""Writes the tables of README.md and of the pages under docs/ from the studies under results/.

    python benchmarks/readme_tables.py

A table stands between ``<!-- results: NAME [KIND] -->`` and ``<!-- end of results -->``. NAME is a file
``results/NAME.csv``: the ``runs.csv`` of a study, or what `auxiliary_table.py`, `linear_baselines.py` and
`transformer.py` write; with the KIND ``sets``, all files ``results/NAME-SET.csv``. KIND is one of `KINDS`. A test fails
when a page has other figures than the files.
"""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from pathlib import Path

from mt2st.study import Study
from mt2st.study.paper.tables import paper_tables, summary, time_table
from mt2st.study.tables import result_table, target_table

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results"
BLOCK = re.compile(r"(<!-- results: (\S+) ?(\S*) -->\n).*?(<!-- end of results -->)", re.DOTALL)


def _without_notes(markdown: str) -> str:
    return "\n".join(line for line in markdown.splitlines() if line.startswith("|"))


KINDS: dict[str, Callable[[Path], str]] = {
    "": lambda path: _without_notes(result_table(Study.load(path)).markdown()),
    "target": lambda path: _without_notes(target_table(Study.load(path)).markdown()),
    "claims": lambda path: _without_notes(time_table(Study.load(path)).markdown()),
    "paper": lambda path: "\n\n".join(_without_notes(table.markdown()) for table in paper_tables(Study.load(path))),
    "summary": lambda path: summary(Study.load(path)),
    "baselines": runpy.run_path(str(ROOT / "benchmarks" / "linear_baselines.py"))["table"],
    "auxiliary": runpy.run_path(str(ROOT / "benchmarks" / "auxiliary_table.py"))["differences"],
    "sets": runpy.run_path(str(ROOT / "benchmarks" / "time_sets.py"))["table"],
    "transformer": runpy.run_path(str(ROOT / "benchmarks" / "transformer_table.py"))["table"],
}
"""Returns the text of a table from a file; without a KIND, the table of results."""


def pages() -> list[Path]:
    """Return the pages that may have tables."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def with_results(text: str, results: Path = RESULTS) -> str:
    """Return a page's text with its tables as the files have them."""

    def table(found: re.Match[str]) -> str:
        begin, name, kind, end = found.groups()
        return f"{begin}{KINDS[kind](results / f'{name}.csv')}\n{end}"

    return BLOCK.sub(table, text)


def main() -> None:
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if found := BLOCK.findall(text):
            page.write_text(with_results(text), encoding="utf-8")
            print(f"{page}: {len(found)} tables")


if __name__ == "__main__":
    main()
