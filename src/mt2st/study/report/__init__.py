"""The report of a study or of a training run: one HTML file, with tables and figures beside it.

`write_report` writes it into the folder that it is about.
"""

from mt2st.study.report.writer import REPORT, write_report

__all__ = ["REPORT", "write_report"]
