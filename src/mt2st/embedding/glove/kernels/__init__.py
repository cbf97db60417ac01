"""Compiled parts of GloVe (Numba): counting of pairs, merging of runs, the random order, the AdaGrad update."""

from pathlib import Path

from mt2st.embedding.kernels import compiled

# Before any kernel runs. They take in functions of the general kernels' folder, so they follow its sources too.
compiled.drop_outdated(Path(__file__).parent, uses=[Path(compiled.__file__).parent])
