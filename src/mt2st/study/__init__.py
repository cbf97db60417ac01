"""Several methods compared on the same data, over seeds (section IV).

- `StudyData`: the data. `Grid` of `Method`s: what is compared. `run_study`: the work.
- `Study`: the results, from `run_study` or `Study.load(folder)`; `mt2st.study.result` has the schema of its files.
- `summarise`: means, intervals, paired differences, time to target, a `Row` each; `mt2st.study.tables` prints them.
- `plot_learning_curves`: the course of one training or of several, of any `mt2st.training.Run`.
"""

from mt2st.study.data import StudyData
from mt2st.study.figures import plot_learning_curves
from mt2st.study.grid import Cell, Grid, Method
from mt2st.study.result import CellResult, Failure
from mt2st.study.run import run_study
from mt2st.study.runs import Group, RunRow
from mt2st.study.study import Study
from mt2st.study.summary import Row, summarise
from mt2st.study.worker import Outcome, Watcher

__all__ = [
    "Cell",
    "CellResult",
    "Failure",
    "Grid",
    "Group",
    "Method",
    "Outcome",
    "Row",
    "RunRow",
    "Study",
    "StudyData",
    "Watcher",
    "plot_learning_curves",
    "run_study",
    "summarise",
]
