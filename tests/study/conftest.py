from __future__ import annotations

import pytest

from mt2st.models import ClassifierSettings
from mt2st.study import StudyData
from mt2st.text import LabelledText

QUICK = ClassifierSettings(
    encoder="mean", vector_size=4, hidden_size=4, epochs=2, batch_size=8, min_count=1, auxiliary=(), beside=False
)
"""Settings of a model that trains in a blink, with nothing to compile."""


def texts(n: int) -> LabelledText:
    return LabelledText(
        [f"a {'fine' if row % 2 else 'dull'} film {row % 5}" for row in range(n)], ["-", "+"] * (n // 2)
    )


@pytest.fixture
def data() -> StudyData:
    return StudyData(texts(24), texts(8), texts(10))
