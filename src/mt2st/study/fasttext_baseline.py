"""fastText's supervised classifier as a baseline, where the package is installed (extra ``fasttext``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from mt2st._files import scratch_folder
from mt2st.errors import MissingExtraError
from mt2st.study.linear_baselines import Choice, Predict
from mt2st.text import Tokeniser

EPOCHS, RATES, NGRAMS = (5, 25, 50), (0.1, 0.5, 1.0), (1, 2)
"""Settings that are tried. With the first of each, fastText's defaults, it learns nothing from a thousand texts."""
BUCKETS = 200_000
"""Hash buckets for pairs of words: room for those of thousands of texts in a tenth of the default's 800 MB."""
PREFIX = "__label__"


@dataclass(frozen=True)
class FastText:
    """fastText's supervised classifier (Joulin et al. 2016, arXiv 1607.01759), on one thread.

    It has no penalty: what regularises it are few epochs, a small learning rate and single words.

    Attributes:
        tokeniser: cuts the texts; the networks' own by default.
        epochs: passes over the training part to try.
        rates: learning rates to try.
        ngrams: longest runs of words to try as features.
        seed: decides its first vectors and the order of its negative samples.
    """

    tokeniser: Tokeniser = field(default_factory=Tokeniser)
    epochs: Sequence[int] = EPOCHS
    rates: Sequence[float] = RATES
    ngrams: Sequence[int] = NGRAMS
    seed: int = 1
    name: str = "fastText supervised"

    def candidates(self, texts: Sequence[str], labels: NDArray[np.int64]) -> Iterator[tuple[Choice, Predict]]:
        """Yield a model for each triple of settings.

        Raises:
            MissingExtraError: fastText is not installed.
        """
        try:
            from fasttext import train_supervised
        except ImportError as error:
            raise MissingExtraError("the baseline fastText", "fasttext") from error
        with scratch_folder("fasttext") as folder:
            path = folder / "train.txt"
            lines = (f"{PREFIX}{label} {self._line(text)}\n" for text, label in zip(texts, labels, strict=True))
            path.write_text("".join(lines), encoding="utf-8")
            for ngrams, epochs, rate in product(self.ngrams, self.epochs, self.rates):
                model = train_supervised(
                    str(path),
                    lr=rate,
                    epoch=epochs,
                    wordNgrams=ngrams,
                    bucket=BUCKETS,
                    thread=1,
                    seed=self.seed,
                    verbose=0,
                )

                def predict(more: Sequence[str], model: object = model) -> NDArray[np.int64]:
                    found, _ = model.predict([self._line(text) for text in more])  # type: ignore[attr-defined]
                    return np.array([int(each[0].removeprefix(PREFIX)) for each in found], dtype=np.int64)

                yield {"ngrams": ngrams, "epochs": epochs, "rate": rate}, predict

    def _line(self, text: str) -> str:
        return " ".join(self.tokeniser(text))
