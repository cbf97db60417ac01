"""A small text problem that a classifier can learn in a second."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def films() -> tuple[list[str], list[str]]:
    """Forty texts of two classes; some words tell the class, others do not."""
    words = {"good": ["fine", "good", "great", "lovely"], "bad": ["dull", "bad", "poor", "weak"]}
    filler = ["a", "the", "film", "plot", "cast", "it", "was", "and", "very"]
    texts, labels = [], []
    for number in range(40):
        label = ("good", "bad")[number % 2]
        telling = words[label]
        texts.append(
            f"{filler[number % 9]} {telling[number % 4]} {filler[number * 2 % 9]} "
            f"{filler[number * 5 % 9]} {telling[(number // 2) % 4]} {filler[number * 7 % 9]}"
        )
        labels.append(label)
    return texts, labels
