"""Each way of learning word context as an auxiliary task, from end to end on real reviews."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mt2st.errors import InputError
from mt2st.models import Listener, TextClassifier
from mt2st.models.settings import CONTEXT_METHODS
from mt2st.strategy import AdaptiveSwitch, SingleTask, Strategy, Switch
from mt2st.tasks import KernelTask
from mt2st.text import LabelledText, read_labelled
from mt2st.training.progress import Progress

if TYPE_CHECKING:
    from mt2st.embedding.glove.counting import CountingReport

SMALL: dict[str, Any] = {
    "encoder": "mean", "vector_size": 16, "epochs": 3, "batch_size": 8, "beside": False, "context_passes": 1.0,
    "max_length": 64,
}  # fmt: skip


@dataclass(frozen=True)
class Reviews:
    """Eighty labelled reviews and 120 others."""

    labelled: LabelledText
    others: list[str]


@pytest.fixture(scope="module")
def reviews(shared_data: Path) -> Reviews:
    rows = read_labelled(shared_data / "imdb5k" / "imdb5k.csv.gz", text="review", label="sentiment")
    texts = [text[:400] for text in rows.texts]
    return Reviews(LabelledText(texts[:80], rows.labels[:80], source="reviews"), texts[80:200])


def fitted(
    method: str, reviews: Reviews, strategy: Strategy | None = None, *, stop_at: int = 0, **more: Any
) -> TextClassifier:
    fit_options = {name: more.pop(name) for name in ("checkpoint", "listener") if name in more}
    classifier = TextClassifier(context_method=method, strategy=strategy or Switch(at=3), **(SMALL | more))

    class Stopper(Listener):
        def on_step(self, progress: Progress) -> None:
            if progress.step == stop_at:
                classifier.stop()

    return classifier.fit_rows(reviews.labelled, unlabelled=reviews.others, **({"listener": Stopper()} | fit_options))


@pytest.fixture(scope="module", params=CONTEXT_METHODS)
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def whole(method: str, reviews: Reviews) -> TextClassifier:
    return fitted(method, reviews)


def test_it_learns_beside_the_primary_until_the_switch(whole: TextClassifier) -> None:
    run = whole.run_
    assert [(each.task, each.epoch) for each in run.transitions] == [("context", 3)]
    first, second, third = (each.losses for each in run.evaluations)
    assert second["context"] < 0.999 * first["context"]
    assert "context" not in third
    assert third["label"] < first["label"]


def test_the_strategys_weight_decides_what_it_does_to_the_embedding(
    method: str, whole: TextClassifier, reviews: Reviews
) -> None:
    alone = fitted(method, reviews, SingleTask())
    assert all("context" not in each.losses for each in alone.run_.evaluations)
    assert np.abs(alone.word_vectors.vectors - whole.word_vectors.vectors).max() > 1e-3


def test_a_seed_repeats_it_to_the_bit(method: str, whole: TextClassifier, reviews: Reviews) -> None:
    again = fitted(method, reviews)
    assert np.array_equal(again.word_vectors.vectors, whole.word_vectors.vectors)
    assert [each.losses for each in again.run_.evaluations] == [each.losses for each in whole.run_.evaluations]


@pytest.mark.parametrize("step", [1, 11])
def test_it_goes_on_from_a_checkpoint_to_the_same_bits(
    step: int, method: str, whole: TextClassifier, reviews: Reviews, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "checkpoint"
    assert fitted(method, reviews, stop_at=step, checkpoint=checkpoint).run_.stopped == "interrupted"
    resumed = fitted(method, reviews, checkpoint=checkpoint)
    assert np.array_equal(resumed.word_vectors.vectors, whole.word_vectors.vectors)
    assert [each.losses for each in resumed.run_.evaluations] == [each.losses for each in whole.run_.evaluations]


def test_its_displacement_of_the_table_is_its_direction_in_the_feedback(method: str, reviews: Reviews) -> None:
    adaptive = AdaptiveSwitch(latest=9, signal="gain")
    run = fitted(method, reviews, adaptive, feedback_every=1, epochs=2).run_
    assert all(-1 <= each.affinities["context"] <= 1 for each in run.evaluations)
    assert all(np.isfinite(each.gains["context"]) for each in run.evaluations)


def test_it_runs_beside_the_step_too(method: str, reviews: Reviews) -> None:
    run = fitted(method, reviews, beside=True).run_
    assert run.evaluations[1].losses["context"] < run.evaluations[0].losses["context"]


def test_a_saved_model_is_loaded_with_its_method(whole: TextClassifier, reviews: Reviews, tmp_path: Path) -> None:
    whole.save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    assert again == whole
    assert np.array_equal(again.predict_proba(reviews.others), whole.predict_proba(reviews.others))


# GloVe


def tasks_of(reviews: Reviews, **settings: Any) -> list[KernelTask]:
    found: list[KernelTask] = []

    class Looking(Listener):
        def on_start(self, trainer: Any) -> None:
            found.extend(trainer.kernels)

    fitted("glove", reviews, listener=Looking(), epochs=1, **settings)
    return found


def test_co_occurrences_are_counted_once_before_the_training(reviews: Reviews) -> None:
    heard: list[str] = []

    class Hearing(Listener):
        def on_cooccurrences(self, report: CountingReport) -> None:
            heard.append(f"{report.words} of {report.total_words}")

        def on_start(self, trainer: Any) -> None:
            heard.append("start")

    fitted("glove", reviews, listener=Hearing())
    assert heard[-1] == "start"
    assert len(heard) == 2
    words, total = heard[0].split(" of ")
    assert int(words) == int(total) > 10_000


def test_little_memory_makes_more_chunks_of_the_same_co_occurrences(reviews: Reviews) -> None:
    chunks = [tasks_of(reviews, context_memory=size)[0]._source.n_chunks for size in (0.1, 1024)]  # type: ignore[attr-defined]
    assert chunks[0] > 1
    assert chunks[1] == 1


def test_its_settings_reach_the_task(reviews: Reviews) -> None:
    (task,) = tasks_of(reviews, context_alpha=0.02, context_x_max=3.5, context_passes=0.5)
    assert (task.learning_rate, task._source._x_max, task.passes) == (0.02, 3.5, 0.5)  # type: ignore[attr-defined]
    (task,) = tasks_of(reviews)
    assert (task.learning_rate, task._source._x_max) == (0.05, 10.0)  # type: ignore[attr-defined]


def test_a_text_without_two_words_that_meet_is_refused() -> None:
    texts, labels = ["film", "plot", "cast", "film", "plot", "cast"] * 2, ["x", "y"] * 6
    classifier = TextClassifier(context_method="glove", **(SMALL | {"min_count": 1}))
    with pytest.raises(InputError, match="'glove' finds no two words of the vocabulary in one text"):
        classifier.fit(texts, labels)


def test_more_memory_than_there_is_is_refused_with_the_figures(
    reviews: Reviews, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mt2st.memory.available_memory", lambda: 1 << 20)
    with pytest.raises(InputError, match=r"GloVe's task on .* takes \d+ MB of memory, and 1 MB are available"):
        fitted("glove", reviews)
