"""The folder of a saved model is read as word vectors, without torch, as the model itself gives them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mt2st import TextClassifier
from mt2st.embedding import SubwordVectors, load_vectors
from mt2st.models.groups import Context, Embedding, Encoder, Optimisation, Text

TEXTS = ["good film great", "bad film awful", "great good nice", "awful bad poor"] * 10
LABELS = ["good", "bad"] * 20
NGRAMS = Embedding(vector_size=8, init="cbow-fasttext", min_n=3, max_n=4, bucket=500)


@pytest.mark.parametrize(
    ("embedding", "method"),
    [(Embedding(vector_size=8), "skipgram"), (NGRAMS, "cbow-fasttext")],
    ids=["words", "ngrams"],
)
@pytest.mark.parametrize("place", [".", "model"])
def test_the_folder_of_a_model_has_its_word_vectors(
    tmp_path: Path, embedding: Embedding, method: str, place: str
) -> None:
    model = TextClassifier(
        encoder=Encoder("mean"),
        text=Text(min_count=1),
        embedding=embedding,
        context=Context(method=method),  # type: ignore[arg-type]
        optimisation=Optimisation(epochs=1),
    ).fit(TEXTS, LABELS)
    model.save(tmp_path / "model")
    found, expected = load_vectors(tmp_path / place), model.word_vectors
    assert found.index_to_key == expected.index_to_key
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    if embedding is NGRAMS:
        assert isinstance(found, SubwordVectors)
        np.testing.assert_array_equal(found["filming"], expected["filming"])
