"""What a study of the paper's experiments gave, written in the paper's layout into the study's folder."""

from __future__ import annotations

from pathlib import Path

from mt2st._files import complete_folder
from mt2st.study.paper.claims import time_table, time_verdict
from mt2st.study.paper.figures import write_paper_figures
from mt2st.study.paper.tables import paper_tables, summary
from mt2st.study.study import Study
from mt2st.study.tables import Table, write_each

PAPER, FIGURES = "paper", "figures"
"""The folder of what is in the paper's layout, in that of the study, and the one of its figures; tables are in one that
is called as what was asked for, so that ``time`` leaves Tables I to III where they are."""
REPRODUCED = "reproduced"
"""Under which name a study's description says what it repeats of the paper: ``tables``, ``figures`` or ``time``."""


def reproduced(study: Study) -> str:
    """Return what of the paper a study repeats; empty for any other study."""
    return str(study.about.get(REPRODUCED, ""))


def tables_of(study: Study) -> list[Table]:
    """Return the tables in the paper's layout, of what the study repeats."""
    what = reproduced(study)
    return [time_table(study)] if what == "time" else paper_tables(study) if what == "tables" else []


def verdict_of(study: Study) -> str:
    """Return in a sentence or two how the study stands to what the paper claims; empty where nothing is compared."""
    what = reproduced(study)
    text = time_verdict(study) if what == "time" else summary(study) if what == "tables" else ""
    return f"{text}." if text else ""


def write_paper(study: Study, folder: Path, *, figures: bool = True) -> None:
    """Write tables and figures into the folder ``paper`` of a study's folder, in place of those that are there.

    Args:
        study: one that `reproduced` says what it repeats of; of any other nothing is written.
        folder: the study's.
        figures: whether to draw the figures too.
    """
    what = reproduced(study)
    if tables := tables_of(study):
        with complete_folder(folder / PAPER / what) as there:
            write_each(tables, there)
    if figures and what in ("tables", "figures"):
        write_paper_figures(study, folder / PAPER / FIGURES)
