from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mt2st.embedding import WordVectors

WORDS = ["the", "naïve", "日本", "a", "don't", "3.5", "new_york"]


@pytest.fixture
def vectors() -> WordVectors:
    values = np.random.default_rng(0).normal(size=(len(WORDS), 5)).astype(np.float32)
    values[0] = [0, -0.0, np.float32(1e-42), np.finfo(np.float32).max, np.float32(1) / 3]
    return WordVectors(WORDS, values)


def gensim_data(name: str) -> Path:
    """Return one of the files that gensim tests itself with."""
    utils = pytest.importorskip("gensim.test.utils")
    path = Path(utils.datapath(name))
    if not path.exists():
        pytest.skip(f"this gensim comes without {name}")
    return path
