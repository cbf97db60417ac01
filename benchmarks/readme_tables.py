"""Writes the README's tables from the studies under ``results/``: no figure there drifts from what was run.

    python benchmarks/readme_tables.py

A table stands between ``<!-- results: FOLDER [KIND] -->`` and ``<!-- end of results -->``. FOLDER is a study under
``results/`` as `mt2st compare` and `mt2st reproduce` leave it, without its models; KIND one of `KINDS`. A test fails
when the README has other figures than the studies.
"""

from __future__ import annotations

import re
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


KINDS: dict[str, Callable[[Study], str]] = {
    "": lambda study: _without_notes(result_table(study).markdown()),
    "target": lambda study: _without_notes(target_table(study).markdown()),
    "claims": lambda study: _without_notes(time_table(study).markdown()),
    "paper": lambda study: "\n\n".join(_without_notes(table.markdown()) for table in paper_tables(study)),
    "summary": summary,
}
"""By the name of a kind of table, what makes its text of a study; no name: the table of results."""


def with_results(text: str, results: Path = RESULTS) -> str:
    """Return the README's text with its tables as the studies have them."""

    def table(found: re.Match[str]) -> str:
        begin, folder, kind, end = found.groups()
        return f"{begin}{KINDS[kind](Study.load(results / folder))}\n{end}"

    return BLOCK.sub(table, text)


def main() -> None:
    text = README.read_text(encoding="utf-8")
    README.write_text(with_results(text), encoding="utf-8")
    print(f"{README}: {len(BLOCK.findall(text))} tables")


if __name__ == "__main__":
    main()
