from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.study.conftest import QUICK, texts

from mt2st import InputError, SingleTask, TextClassifier
from mt2st.models import start
from mt2st.models.kept_starts import KeptStarts
from mt2st.models.settings import ModelSettings
from mt2st.models.start import Start
from mt2st.text import Corpus, Tokeniser

SETTINGS = ModelSettings().updated(embedding__init="skipgram", embedding__vector_size=2)


def corpus(*words: str) -> Corpus:
    return Corpus.build([" ".join(words)], tokeniser=Tokeniser(), min_count=1)


def never() -> Start:
    raise AssertionError("the vectors are there")


def test_vectors_are_trained_once_for_all_that_decides_them(tmp_path: Path) -> None:
    kept, text = KeptStarts(tmp_path / "vectors"), corpus("a", "b")
    first = kept.start(SETTINGS, text, lambda: Start(torch.tensor([[0.5, 1 / 3]]), known=2, seconds=1.5))
    again = kept.start(SETTINGS.updated(encoder__name="cnn", optimisation__epochs=3, auxiliaries=()), text, never)
    assert torch.equal(first.table, again.table)
    assert (again.known, again.seconds) == (2, 1.5)
    trained = []
    for settings, other in (
        (replace(SETTINGS, seed=2), text),
        (SETTINGS.updated(embedding__init="cbow"), text),
        (SETTINGS.updated(embedding__init_epochs=6), text),
        (SETTINGS.updated(embedding__init="glove"), text),
        (SETTINGS.updated(embedding__init="glove", context__glove_sample=1e-4), text),
        (SETTINGS.updated(embedding__init="cbow-fasttext"), text),
        (SETTINGS.updated(embedding__init="cbow-fasttext", context__method="cbow-fasttext"), text),
        (SETTINGS.updated(embedding__init="cbow-fasttext", context__method="cbow-fasttext", embedding__bucket=9), text),
        (SETTINGS, corpus("a", "c")),
        (SETTINGS, corpus("a", "b", "a")),
    ):
        kept.start(settings, other, lambda: trained.append(1) or Start(torch.zeros(1, 2), 0))  # type: ignore[func-returns-value]
    assert len(trained) == 10
    kept.start(SETTINGS.updated(context__glove_sample=1e-4), text, never)  # which word2vec's methods do not read


def test_vectors_of_another_default_rate_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, text, settings = KeptStarts(tmp_path), corpus("a", "b"), SETTINGS.updated(embedding__init="cbow")
    kept.start(settings, text, lambda: Start(torch.zeros(1, 2), 0))
    kept.start(settings, text, never)
    monkeypatch.setitem(start.START_ALPHA, "cbow", 0.2)
    assert kept.start(settings, text, lambda: Start(torch.ones(1, 2), 0)).table[0, 0] == 1


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    kept, text = KeptStarts(tmp_path), corpus("a", "b")
    kept.start(SETTINGS, text, lambda: Start(torch.zeros(1, 2), 0))
    (path,) = tmp_path.glob("*.safetensors")
    path.write_bytes(b"no tensors")
    with pytest.raises(InputError, match=f"{path.name} is broken"):
        kept.start(SETTINGS, text, never)


def test_models_that_share_vectors_are_those_that_train_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = QUICK.updated(embedding__init="skipgram", embedding__init_epochs=1, context__sample=0.0)
    data = texts(24)

    def fitted(folder: Path | None) -> TextClassifier:
        return TextClassifier.from_settings(settings, SingleTask()).fit_rows(data, first_vectors=folder)

    alone, first = fitted(None), fitted(tmp_path)
    monkeypatch.setattr(start, "train_word_vectors", never)
    second = fitted(tmp_path)
    assert alone.init_seconds_ > 0
    assert first.init_seconds_ == second.init_seconds_ > 0
    for one in (first, second):
        assert (one.word_vectors.vectors == alone.word_vectors.vectors).all()
