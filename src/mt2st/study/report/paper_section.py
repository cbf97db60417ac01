"""The part of a study's page that stands beside the paper: its tables, or its claims about time."""

from __future__ import annotations

from mt2st.study.paper.writer import reproduced, tables_of
from mt2st.study.report.blocks import Section, Tabular
from mt2st.study.study import Study

TITLES = {"time": "The paper's claims about time", "tables": "The paper's tables"}
CAPTIONS = {
    "time": "What reaching single-task's best costs",
    "table_I": "Table I of the paper",
    "table_II": "Table II of the paper",
    "table_III": "Table III of the paper",
}
"""By the names of the tables."""


def paper_section(study: Study) -> Section:
    """Return the section; it is empty where the study repeats nothing of the paper, or its figures alone."""
    blocks = [Tabular(table, CAPTIONS.get(table.name, table.name)) for table in tables_of(study)]
    return Section(TITLES.get(reproduced(study), ""), blocks)
