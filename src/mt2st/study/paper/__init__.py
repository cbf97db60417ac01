"""The paper's experiments, repeated: its Tables I to III, its Figures 5 to 11 and its claims about time.

`protocol` cuts the data and sets up the models, `experiments` lists the runs, `tables`, `figures` and `claims` show
what came out and what the paper printed (`printed`). All of it is made of the parts that `mt2st compare` is made of.
"""

from mt2st.study.paper.experiments import EMBEDDINGS, UPDATES, table_cells, time_cells
from mt2st.study.paper.protocol import QUICK, REFERENCE, SOUND, Protocol
from mt2st.study.paper.tables import PrintedCell, printed_cells

__all__ = [
    "EMBEDDINGS",
    "QUICK",
    "REFERENCE",
    "SOUND",
    "UPDATES",
    "PrintedCell",
    "Protocol",
    "printed_cells",
    "table_cells",
    "time_cells",
]
