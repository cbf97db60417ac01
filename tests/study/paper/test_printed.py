from __future__ import annotations

import csv
from pathlib import Path

import pytest

from mt2st.study.paper.tables import MEASURES, TABLES, printed_cells

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "paper_tables.csv"


def test_the_tables_have_the_papers_rows() -> None:
    cells = printed_cells()
    assert len(cells) == 76
    assert {(cell.table, cell.mode) for cell in cells} == set(TABLES.items())
    assert {cell.epochs for cell in cells} == {25}
    assert all(0.3 < value < 0.9 for cell in cells for value in cell.values.values())


def test_the_figures_are_those_that_were_copied_from_the_paper() -> None:
    if not DATA.is_file():
        pytest.skip("needs the data folder beside the repository (shared/data), which is not there")
    with DATA.open(encoding="utf-8", newline="") as file:
        for row, cell in zip(csv.DictReader(file), printed_cells(), strict=True):
            assert [row["embedding"], row["update"]] == [cell.embedding, cell.update]
            assert [int(row[name]) for name in MEASURES] == [round(100 * cell.values[name]) for name in MEASURES]
