"""GloVe (Pennington, Socher and Manning 2014): word vectors from counts of words near each other.

`train_glove` makes them from a corpus. Its parts also serve alone: `counting` sums up co-occurrences within a memory
bound, `targets` puts them in random orders, `tables.update` trains tables, which torch may own, on a part of them.
Importing this package does not load numba; training does.
"""

from mt2st.embedding.glove.training import train_glove

__all__ = ["train_glove"]
