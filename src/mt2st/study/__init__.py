"""Several strategies and seeds compared on the same data (section IV)."""

from mt2st.study.compare import Cell, CellResult, StudyInterrupted, compare, run_cell
from mt2st.study.data import StudyData
from mt2st.study.summary import Row, summarise

__all__ = ["Cell", "CellResult", "Row", "StudyData", "StudyInterrupted", "compare", "run_cell", "summarise"]
