"""The report of a study or of a training run: one HTML file, and tables and figures for papers."""

from __future__ import annotations

from pathlib import Path

from mt2st._files import complete_file
from mt2st.errors import InputError
from mt2st.study.figures import study_sheets, write_sheets
from mt2st.study.paper import write_paper
from mt2st.study.report.page import render
from mt2st.study.report.run_page import TrainingRun, is_run, run_page
from mt2st.study.report.study_page import check_results, study_page
from mt2st.study.result import ERROR, RESULT
from mt2st.study.runs import RUNS, write_runs
from mt2st.study.study import STUDY, Study
from mt2st.study.tables import write_tables

__all__ = ["REPORT", "write_report"]

REPORT, TABLES, FIGURES = "report.html", "tables", "figures"


def write_report(folder: str | Path, *, study: Study | None = None, figures: bool = True) -> Path:
    """Write the report of a study or of a training run into its folder, in place of one that is there.

    A study has its tables and figures for papers too, in the folders ``tables`` and ``figures``, and
    those in the layout of the MT2ST paper in ``paper``, where the study repeats its experiments.

    Args:
        folder: what ``mt2st compare`` or ``mt2st train`` wrote.
        study: the part of a study's folder to report; all of it by default.
        figures: whether to draw the figures for papers too, which takes longer than all else.

    Returns:
        The page.

    Raises:
        InputError: when the folder is neither, holds nothing finished or a broken file, or cannot be written.
        MissingExtraError: when the packages of the extra ``report`` are not installed.
    """
    folder = Path(folder)
    if study is None and _holds_study(folder):
        study = Study.load(folder)
    if study is None:
        html = render(run_page(TrainingRun.load(folder), folder))
    else:
        check_results(study, folder)
        sheets = study_sheets(study)
        html = render(study_page(study, sheets, folder))
        write_runs(study.rows, folder / RUNS)
        write_tables(study, folder / TABLES)
        if figures:
            write_sheets(sheets, folder / FIGURES)
        write_paper(study, folder, figures=figures)
    path = folder / REPORT
    with complete_file(path, overwrite=True) as file:
        file.write(html.encode("utf-8", "replace"))
    return path


def _holds_study(folder: Path) -> bool:
    """Return whether a folder holds a study. If not, it holds a run."""
    if not folder.exists():
        raise InputError(f"there is no folder {folder}")
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: give the one that mt2st compare or mt2st train wrote (--output)")
    if _is_study(folder) or is_run(folder):
        return _is_study(folder)
    inside = [each for each in sorted(folder.iterdir()) if each.is_dir() and (_is_study(each) or is_run(each))]
    hint = f" Did you mean {inside[0]}?" if inside else ""
    raise InputError(f"{folder} holds neither a study of mt2st compare nor a run of mt2st train.{hint}")


def _is_study(folder: Path) -> bool:
    return (folder / STUDY).is_file() or any([*folder.glob(f"*/{name}")] for name in (RESULT, ERROR))
