"""A small search of each method's own settings before a study, with the same effort for every one.

Every method, in every setting of the grid, has the same number of trials. A trial is a training on the same parts of
the data, with seeds that the study does not report; its measure on the validation part counts. The search has no test
part.

- `Search`: how much of it. `search_settings`: the work. `Found`: the cells with the chosen values, and what was tried.
- `mt2st.study.search.space` has what is searched, and in which ranges; `mt2st.study.search.trials` what is kept.
"""

from mt2st.study.search.run import Found, search_settings
from mt2st.study.search.trials import Record, Search, Trial

__all__ = ["Found", "Record", "Search", "Trial", "search_settings"]
