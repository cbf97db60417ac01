"""Writes the README's tables from the studies under ``results/``: no figure there drifts from what was run.

    python benchmarks/readme_tables.py

A table stands between ``<!-- results: FOLDER [KIND] -->`` and ``<!-- end of results -->``. FOLDER is a study under
``results/`` as `mt2st compare` and `mt2st reproduce` leave it, without its models, or what `auxiliary_table.py` and
`linear_baselines.py` leave; KIND one of `KINDS`. A test fails when the README has other figures than the studies.
"""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from pathlib import Path

from mt2st.study import Study
from mt2st.study.paper.claims import time_table
from mt2st.study.paper.tables import paper_tables, summary
from mt2st.study.tables import result_table, target_table

ROOT = Path(__file__).resolve().parents[1]
README, RESULTS = ROOT / "README.md", ROOT / "results"
BLOCK = re.compile(r"(<!-- results: (\S+) ?(\S*) -->\n).*?(<!-- end of results -->)", re.DOTALL)


def _without_notes(markdown: str) -> str:
    return "\n".join(line for line in markdown.splitlines() if line.startswith("|"))


KINDS: dict[str, Callable[[Path], str]] = {
    "": lambda folder: _without_notes(result_table(Study.load(folder)).markdown()),
    "target": lambda folder: _without_notes(target_table(Study.load(folder)).markdown()),
    "claims": lambda folder: _without_notes(time_table(Study.load(folder)).markdown()),
    "paper": lambda folder: "\n\n".join(_without_notes(table.markdown()) for table in paper_tables(Study.load(folder))),
    "summary": lambda folder: summary(Study.load(folder)),
    "baselines": runpy.run_path(str(ROOT / "benchmarks" / "linear_baselines.py"))["table"],
    "auxiliary": runpy.run_path(str(ROOT / "benchmarks" / "auxiliary_table.py"))["differences"],
}
"""By the name of a kind of table, what makes its text of a folder; no name: the table of results."""


def with_results(text: str, results: Path = RESULTS) -> str:
    """Return the README's text with its tables as the studies have them."""

    def table(found: re.Match[str]) -> str:
        begin, folder, kind, end = found.groups()
        return f"{begin}{KINDS[kind](results / folder)}\n{end}"

    return BLOCK.sub(table, text)


def main() -> None:
    text = README.read_text(encoding="utf-8")
    README.write_text(with_results(text), encoding="utf-8")
    print(f"{README}: {len(BLOCK.findall(text))} tables")


if __name__ == "__main__":
    main()
