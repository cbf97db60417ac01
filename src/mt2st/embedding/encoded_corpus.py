"""What training needs of a corpus: ids, where documents begin, and what the ids mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class CountedVocabulary(Protocol):
    """The part of a vocabulary that training needs."""

    @property
    def tokens(self) -> Sequence[str]:
        """Words by id, ``<pad>`` and ``<unk>`` first."""

    @property
    def counts(self) -> NDArray[np.int64]:
        """Occurrences by id, int64 [V]."""


class EncodedCorpus(Protocol):
    """The part of a corpus that training needs; `mt2st.text.Corpus` is one."""

    @property
    def ids(self) -> NDArray[np.int32]:
        """Word ids of all documents, int32 [*]."""

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Bounds of the documents in ``ids``, int64 [m + 1]."""

    @property
    def vocabulary(self) -> CountedVocabulary:
        """What the ids mean."""
