"""GloVe (Pennington, Socher and Manning 2014): word vectors from how often words stand near each other.

`train_glove` makes them from a corpus. Its parts serve alone as well: `counting` sums up co-occurrences in a stated
memory, `targets` puts them in random orders, `update` trains tables on a stretch of them, tables that torch may own.
Importing this package does not load numba; training does.
"""

from mt2st.embedding.glove.training import glove_memory, train_glove

__all__ = ["glove_memory", "train_glove"]
