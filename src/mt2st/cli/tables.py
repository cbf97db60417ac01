"""Tables of the commands."""

from __future__ import annotations

from mt2st.aligned import aligned
from mt2st.measures import measures_table

__all__ = ["aligned", "measures_table"]
