from __future__ import annotations

import pytest

from mt2st.models import ModelSettings
from mt2st.study import StudyData
from mt2st.text import LabelledText

QUICK = ModelSettings().updated(
    encoder__name="mean",
    embedding__vector_size=4,
    encoder__hidden_size=4,
    optimisation__epochs=2,
    optimisation__batch_size=8,
    text__min_count=1,
    auxiliaries=(),
    compute__parallel_context=False,
)
"""Settings of a model that trains in a blink, with nothing to compile."""


def texts(n: int) -> LabelledText:
    return LabelledText(
        [f"a {'fine' if row % 2 else 'dull'} film {row % 5}" for row in range(n)], ["-", "+"] * (n // 2)
    )


@pytest.fixture
def data() -> StudyData:
    return StudyData(texts(24), texts(8), texts(10))
