"""A training that is killed in any of its parts goes on from there: first word vectors, training, final fit."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.models.test_few_labels import articles
from tests.models.test_text_classifier import UNSEEN, Films, make

from mt2st import TextClassifier
from mt2st.embedding import VectorCheckpoints
from mt2st.embedding.checkpoint import FILES as VECTOR_FILES
from mt2st.embedding.glove.tables import GloveTables
from mt2st.errors import InputError
from mt2st.models.fitting import CHECKPOINT_FILES
from mt2st.text import LabelledText
from mt2st.training import Callback, CheckpointEvery, Trainer

pytestmark = pytest.mark.filterwarnings("ignore:.* no word that the model knows")


class KilledError(Exception):
    """Stands for a signal that nobody can handle."""


class Followed(Callback):
    """Notes how far the first word vectors are each time, and where the training begins."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.steps: list[int] = []

    def on_vectors(self, progress: Any) -> None:
        if progress.stage == "training":
            self.done.append(progress.done)

    def on_step_end(self, trainer: Trainer) -> None:
        self.steps.append(trainer.progress.step)


def fit(model: TextClassifier, rows: LabelledText, **options: Any) -> TextClassifier:
    return model.fit_rows(rows, final_fit=True, checkpoint_seconds=0.0, **options)


@contextmanager
def killed_after(name: str, count: int) -> Iterator[None]:
    """Die after the n-th checkpoint in the folder of a name."""
    saved = []

    def dying(save: Any) -> Any:
        def and_die(self: Any, *arguments: Any) -> None:
            save(self, *arguments)
            saved.append(Path(self.folder).name)
            if saved[-1] == name and saved.count(name) == count:
                raise KilledError

        return and_die

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KilledError):
        for kind in (VectorCheckpoints, CheckpointEvery):
            patch.setattr(kind, "save", dying(kind.save))  # type: ignore[attr-defined]
        yield


@pytest.mark.parametrize(
    ("start", "place", "count"),
    [
        ("skipgram", "vectors", 2),
        ("skipgram", "training", 3),
        ("skipgram", "final-vectors", 2),
        ("skipgram", "final", 3),
        ("cbow-fasttext", "vectors", 2),
        ("glove", "final-vectors", 2),
    ],
)
def test_a_training_that_is_killed_in_any_part_goes_on_from_there_to_the_same_bits(
    start: str, place: str, count: int, films: Films, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"embedding__init": start, "embedding__init_epochs": 4, "optimisation__epochs": 4}
    if start == "cbow-fasttext":
        settings |= {"context__method": start, "embedding__bucket": 50}
    rows = LabelledText(films[0], films[1], source="films")
    whole = fit(make(**settings), rows)
    with killed_after(place, count):
        fit(make(**settings), rows, checkpoint=tmp_path / "at")
    left = {path.relative_to(tmp_path / "at").as_posix() for path in (tmp_path / "at").rglob("*") if path.is_file()}
    assert left <= set(CHECKPOINT_FILES)
    assert any(name.startswith(f"{place}/") for name in left)
    followed = Followed()
    resumed = fit(make(**settings), rows, checkpoint=tmp_path / "at", callbacks=[followed])
    assert np.array_equal(resumed.predict_proba(UNSEEN), whole.predict_proba(UNSEEN))
    assert resumed.run_.steps == whole.run_.steps
    assert resumed.init_seconds_ > 0
    assert followed.done[0] == 0
    if place != "vectors":  # nothing is trained twice
        assert set(followed.done) == {0}
    if place.startswith("final"):
        assert followed.steps == []


def test_word_vectors_for_few_labels_go_on_too(tmp_path: Path) -> None:
    texts, labels = articles(20, seed=1)
    rows, unlabelled = LabelledText(texts, labels, source="articles"), articles(300, seed=2)[0]
    whole = fit(TextClassifier(), rows, unlabelled=unlabelled)
    with killed_after("vectors", 3):
        fit(TextClassifier(), rows, unlabelled=unlabelled, checkpoint=tmp_path)
    followed = Followed()
    resumed = fit(TextClassifier(), rows, unlabelled=unlabelled, checkpoint=tmp_path, callbacks=[followed])
    first, second = followed.done[1:3]
    assert first == 4 * (second - first)
    assert np.array_equal(resumed.predict_proba(texts), whole.predict_proba(texts))


def test_checkpoints_of_other_word_vectors_are_refused(films: Films, tmp_path: Path) -> None:
    rows = LabelledText(films[0], films[1], source="films")
    settings: dict[str, Any] = {"embedding__init": "skipgram", "optimisation__epochs": 1}
    fit(make(**settings), rows, checkpoint=tmp_path)
    with pytest.raises(InputError, match="vectors is of another run: settings.window was 3 there and is 4 now"):
        fit(make(**settings, context__window=4), rows, checkpoint=tmp_path)
    other = LabelledText([*films[0][:-1], "something else here"], films[1], source="films")
    with pytest.raises(InputError, match="vectors is of another run: --data was 'one.csv' there and is 'two.csv' now"):
        for part, name in ((rows, "one.csv"), (other, "two.csv")):
            fit(make(**settings), part, checkpoint=tmp_path / "named", origin={"--data": name})


def test_the_names_of_all_tables_are_known() -> None:
    names = {f"{name}.bin" for name in ("inputs", "outputs", *GloveTables.fresh(1, 1, seed=1).arrays())}
    assert {*names, "position.json", "manifest.json"} == set(VECTOR_FILES)


@pytest.mark.parametrize("start", ["skipgram", "glove"])
def test_the_bar_shows_the_first_word_vectors(start: str, films: Films, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    make(embedding__init=start, optimisation__epochs=1).set_params(verbose=True).fit(*films, final_fit=False)
    assert "word vectors: 100%" in shown.getvalue()
