"""Each way of learning word context as an auxiliary task, from end to end on real reviews."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mt2st.embedding import SubwordSettings, SubwordVectors, WordVectors, train_word_vectors
from mt2st.embedding.formats.model_files import hashes_of
from mt2st.errors import FewRowsWarning, InputError
from mt2st.models import Tagger, TextClassifier
from mt2st.models.groups import CONTEXT_METHODS
from mt2st.network import SubwordEmbedding
from mt2st.strategy import AdaptiveSwitch, Diminish, MultiTask, SingleTask, Strategy, Switch
from mt2st.text import Corpus, LabelledText, Tokeniser, read_labelled
from mt2st.training import Callback, KernelTask, Trainer

if TYPE_CHECKING:
    from mt2st.embedding.glove.counting import CountingReport

pytestmark = pytest.mark.filterwarnings("ignore:.* no word that the model knows")
SMALL: dict[str, Any] = {
    "encoder__name": "mean",
    "embedding__vector_size": 16,
    "optimisation__epochs": 3,
    "optimisation__batch_size": 8,
    "compute__parallel_context": False,
    "context__passes": 1.0,
    "text__max_length": 64,
}


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
    fit_options = {name: more.pop(name) for name in ("checkpoint", "callbacks") if name in more}
    classifier = TextClassifier(strategy=strategy or Switch(at=3)).set_params(context__method=method, **(SMALL | more))

    class Stopper(Callback):
        def on_step_end(self, trainer: Trainer) -> None:
            if trainer.progress.step == stop_at:
                classifier.stop()

    return classifier.fit_rows(
        reviews.labelled, unlabelled=reviews.others, **({"callbacks": [Stopper()]} | fit_options)
    )


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
    run = fitted(method, reviews, adaptive, optimisation__feedback_every=1, optimisation__epochs=2).run_
    assert all(-1 <= each.gradient_cosines["context"] <= 1 for each in run.evaluations)
    assert all(np.isfinite(each.gains["context"]) for each in run.evaluations)


def test_it_runs_beside_the_step_too(method: str, reviews: Reviews) -> None:
    run = fitted(method, reviews, compute__parallel_context=True).run_
    assert run.evaluations[1].losses["context"] < run.evaluations[0].losses["context"]


def test_a_saved_model_is_loaded_with_its_method(whole: TextClassifier, reviews: Reviews, tmp_path: Path) -> None:
    whole.save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    assert again.settings_ == whole.settings_
    assert np.array_equal(again.predict_proba(reviews.others), whole.predict_proba(reviews.others))


# GloVe


def tasks_of(reviews: Reviews, method: str = "glove", **settings: Any) -> list[KernelTask]:
    found: list[KernelTask] = []

    class Looking(Callback):
        def on_fit_start(self, trainer: Any) -> None:
            found.extend(trainer.kernels)

    fitted(method, reviews, callbacks=[Looking()], optimisation__epochs=1, **settings)
    return found


def test_co_occurrences_are_counted_once_before_the_training(reviews: Reviews) -> None:
    heard: list[str] = []

    class Hearing(Callback):
        def on_cooccurrences(self, report: CountingReport) -> None:
            heard.append(f"{report.words} of {report.total_words}")

        def on_fit_start(self, trainer: Any) -> None:
            heard.append("start")

    fitted("glove", reviews, callbacks=[Hearing()])
    assert heard[-1] == "start"
    assert len(heard) == 2
    words, total = heard[0].split(" of ")
    assert int(words) == int(total) > 10_000


def test_its_words_are_thinned_out_where_the_settings_say_so(reviews: Reviews) -> None:
    of_all, thinned = (
        tasks_of(reviews, context__glove_sample=sample)[0].operations  # type: ignore[attr-defined]
        for sample in (0.0, 1e-3)
    )
    assert thinned > 0
    assert thinned != of_all  # fewer words meet, each in a wider window


def test_counting_co_occurrences_is_training_time_of_whoever_needs_them(reviews: Reviews) -> None:
    spent = []

    class Looking(Callback):
        def on_fit_start(self, trainer: Any) -> None:
            spent.append(
                (trainer.progress.train_seconds, sum(getattr(task, "seconds_before", 0.0) for task in trainer.kernels))
            )

    for strategy in (MultiTask(), SingleTask()):
        fitted("glove", reviews, callbacks=[Looking()], optimisation__epochs=1, strategy=strategy)
    fitted("skipgram", reviews, callbacks=[Looking()], optimisation__epochs=1)
    assert spent[0][0] == spent[0][1] > 0
    assert spent[1][0] == 0 < spent[1][1]
    assert spent[2] == (0, 0)


def test_little_memory_makes_more_chunks_of_the_same_co_occurrences(reviews: Reviews) -> None:
    chunks = [tasks_of(reviews, context__memory=size)[0]._source.n_chunks for size in (0.1, 1024)]  # type: ignore[attr-defined]
    assert chunks[0] > 1
    assert chunks[1] == 1


def test_its_settings_reach_the_task(reviews: Reviews) -> None:
    (task,) = tasks_of(reviews, context__alpha=0.02, context__x_max=3.5, context__passes=0.5)
    assert (task.rate, task._source._x_max, task.passes) == (0.02, 3.5, 0.5)  # type: ignore[attr-defined]
    (task,) = tasks_of(reviews)
    assert (task.rate, task._source._x_max) == (0.05, 10.0)  # type: ignore[attr-defined]


def test_the_rates_of_the_other_methods_reach_the_task(reviews: Reviews) -> None:
    (task,) = tasks_of(reviews, "skipgram", context__alpha=0.02, context__min_alpha=0.01)
    assert (task.alpha, task.min_alpha) == (0.02, 0.01)  # type: ignore[attr-defined]
    (task,) = tasks_of(reviews, "cbow")
    assert (task.alpha, task.min_alpha, task.kernel.block) == (0.05, 1e-4, None)  # type: ignore[attr-defined]
    (task,) = tasks_of(reviews, "cbow", context__block=16)
    assert task.kernel.block == 16  # type: ignore[attr-defined]


def test_a_text_without_two_words_that_meet_is_refused() -> None:
    texts, labels = ["film", "plot", "cast", "film", "plot", "cast"] * 2, ["x", "y"] * 6
    classifier = TextClassifier().set_params(context__method="glove", **(SMALL | {"text__min_count": 1}))
    with pytest.raises(InputError, match="'glove' finds no two words of the vocabulary in one text"):
        classifier.fit(texts, labels)


def test_more_memory_than_there_is_is_refused_with_the_figures(
    reviews: Reviews, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mt2st.embedding.memory.available_memory", lambda: 1 << 20)
    with pytest.raises(InputError, match=r"GloVe's task on .* takes \d+ MB of memory, and 1 MB are available"):
        fitted("glove", reviews)


# Words made of n-grams

NGRAM = "skipgram-fasttext"


@pytest.fixture(scope="module")
def of_ngrams(reviews: Reviews) -> TextClassifier:
    return fitted(NGRAM, reviews)


def test_unseen_words_get_their_vectors_from_their_n_grams_before_and_after_saving(
    of_ngrams: TextClassifier, reviews: Reviews, tmp_path: Path
) -> None:
    assert of_ngrams.vocabulary_ is not None
    assert not {"filmish", "filmlike", "\u4e2d\u6587"} & set(of_ngrams.vocabulary_.tokens)
    filmish, filmlike, strange, other, known = of_ngrams.predict_proba(
        ["filmish", "filmlike", "\u4e2d\u6587", "\u65e5\u672c", "film"]
    )
    assert np.abs(filmish - filmlike).max() > 0
    assert np.abs(filmish - known).max() > 0
    assert np.array_equal(strange, other), "both are the unknown word"
    of_ngrams.save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    assert np.array_equal(again.predict_proba(["filmish", "film"]), np.stack([filmish, known]))
    assert "filmish" not in of_ngrams.word_vectors
    assert np.array_equal(again.word_vectors["filmish"], of_ngrams.word_vectors["filmish"])
    network = fitted("skipgram", reviews, optimisation__epochs=1, encoder__linear=False)
    alone = network.predict_proba(["filmish", "filmlike"])
    assert np.array_equal(*alone), "without n-grams, both are the unknown word"


def test_a_prediction_depends_on_no_other_text(of_ngrams: TextClassifier) -> None:
    texts = ["filmish and dullish", "a good film", "qwertzish", ""]
    together = of_ngrams.predict_proba(texts)
    for text, row in zip(texts, together, strict=True):
        np.testing.assert_allclose(of_ngrams.predict_proba([text])[0], row, atol=1e-6)


def test_its_vectors_are_those_that_its_network_reads(of_ngrams: TextClassifier) -> None:
    import torch

    network, vocabulary = of_ngrams.network_, of_ngrams.vocabulary_
    assert network is not None
    assert vocabulary is not None
    assert isinstance(network.embedding, SubwordEmbedding)
    with torch.no_grad():
        read = network.embedding(torch.arange(2, len(vocabulary))).numpy()
    np.testing.assert_allclose(of_ngrams.word_vectors.vectors, read, atol=1e-6)
    assert len(network.embedding.scale) == len(vocabulary), "the training's rare words are gone"


def test_the_primary_alone_moves_the_rows_of_n_grams(reviews: Reviews) -> None:
    still = {"optimisation__learning_rate": 1e-12, "optimisation__embedding_learning_rate": 1e-12}
    first, moved = (fitted(NGRAM, reviews, SingleTask(), optimisation__epochs=1, **rates) for rates in (still, {}))
    assert isinstance(first.word_vectors, SubwordVectors)
    assert isinstance(moved.word_vectors, SubwordVectors)
    n_words = len(first.word_vectors)
    assert np.abs(moved.word_vectors.table[n_words:] - first.word_vectors.table[n_words:]).max() > 1e-3


def test_rare_words_of_the_labelled_texts_are_read_as_they_will_be_in_prediction(reviews: Reviews) -> None:
    seen: list[int] = []

    class Looking(Callback):
        def on_fit_start(self, trainer: Any) -> None:
            seen.extend([int(trainer.primary.train.texts.ids.max()), len(trainer.module.embedding.scale)])
            seen.append(int((trainer.primary.train.texts.ids == 1).sum()))

    model = fitted(NGRAM, reviews, callbacks=[Looking()], optimisation__epochs=1, text__min_count=5)
    assert model.vocabulary_ is not None
    assert len(model.vocabulary_) < seen[0] < seen[1]
    assert seen[2] == 0, "no word is unknown"


@pytest.mark.parametrize("start", ["skipgram-fasttext", "folder"])
def test_it_may_start_from_vectors_with_n_grams(start: str, reviews: Reviews, tmp_path: Path) -> None:
    if start == "folder":
        corpus = Corpus.build(reviews.others, tokeniser=Tokeniser(), min_count=2)
        vectors = train_word_vectors(corpus, method="cbow-fasttext", vector_size=16, epochs=1, bucket=5_000)
        assert isinstance(vectors, SubwordVectors)
        start = str(tmp_path / "vectors")
        vectors.save_folder(start)
    still = {"optimisation__learning_rate": 1e-12, "optimisation__embedding_learning_rate": 1e-12}
    model = fitted(
        NGRAM,
        reviews,
        SingleTask(),
        optimisation__epochs=1,
        embedding__init=start,
        embedding__bucket=5_000,
        embedding__init_epochs=1,
        **still,
    )
    random = fitted(NGRAM, reviews, SingleTask(), optimisation__epochs=1, embedding__bucket=5_000, **still)
    assert np.abs(model.word_vectors["film"]).mean() > 2 * np.abs(random.word_vectors["film"]).mean()
    if start != "skipgram-fasttext":
        np.testing.assert_allclose(model.word_vectors["film"], vectors["film"], atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"embedding__init": "skipgram"}, "'skipgram' has no n-grams, of which context.method 'skipgram-fasttext'"),
        ({"embedding__init": "gensim:glove-twitter-25"}, "embedding.init 'gensim:glove-twitter-25' has no n-grams"),
        ({"embedding__init": "{plain}"}, "plain.vec' has no n-grams.*: choose 'random', 'skipgram-fasttext'"),
        (
            {"embedding__init": "{ngrams}"},
            "ngrams: the vectors have n-grams of 3 to 6 in 50 buckets, .* 200,000",
        ),
        (
            {"embedding__init": "{ngrams}", "embedding__vector_size": 3},
            "its vectors have 16 dimensions, but vector_size is 3",
        ),
    ],
)
def test_a_start_without_the_same_n_grams_is_refused(
    settings: dict[str, Any], message: str, reviews: Reviews, tmp_path: Path
) -> None:
    files = {"plain": str(tmp_path / "plain.vec"), "ngrams": str(tmp_path / "ngrams")}
    WordVectors(["film"], np.ones((1, 16), dtype=np.float32)).save(files["plain"])
    SubwordVectors(["film"], np.ones((51, 16), dtype=np.float32), SubwordSettings(bucket=50)).save_folder(
        files["ngrams"]
    )
    settings = {k: v.format(**files) if isinstance(v, str) else v for k, v in settings.items()}
    with pytest.raises(InputError, match=message):
        fitted(NGRAM, reviews, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"context__method": "cbow", "embedding__min_n": 2}, "min_n' cannot be given with context.method 'cbow'"),
        ({"context__method": NGRAM, "embedding__max_n": 2}, "max_n must be at least embedding.min_n = 3, found 2"),
        ({"context__method": NGRAM, "embedding__min_n": 7}, "max_n must be at least embedding.min_n = 7, found 6"),
    ],
)
def test_settings_of_n_grams_that_do_not_fit_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TextClassifier().set_params(**settings).checked_settings()


def test_a_saved_model_whose_table_does_not_fit_its_vocabulary_is_refused(
    of_ngrams: TextClassifier, tmp_path: Path
) -> None:
    of_ngrams.save(tmp_path / "model")
    config = tmp_path / "model" / "config.json"
    changed = json.loads(config.read_text(encoding="utf-8"))
    changed["settings"]["embedding"]["bucket"] = 50
    changed["hashes"] = hashes_of(config.parent, changed)
    config.write_text(json.dumps(changed), encoding="utf-8")
    with pytest.raises(InputError, match="does not fit together"):
        TextClassifier.load(tmp_path / "model")


def test_a_tagger_reads_unseen_words_by_their_n_grams() -> None:
    words = ["walk", "talk", "jump", "paint", "cook", "rest"]
    sentences = [[f"{a}ing", "the", f"{b}er"] for a in words for b in words if a != b]
    tags = [["V", "D", "N"]] * len(sentences)
    settings: dict[str, Any] = SMALL | {
        "text__min_count": 1,
        "optimisation__epochs": 20,
        "encoder__name": "cnn",
        "encoder__hidden_size": 16,
        "optimisation__learning_rate": 0.01,
    }
    tagger = Tagger(strategy=Switch(at=3)).set_params(context__method="cbow-fasttext", **settings).fit(sentences, tags)
    assert tagger.predict([["singing", "the", "singer"]]) == [["V", "D", "N"]]
    assert tagger.evaluate([["camping", "the", "camper"]], [["V", "D", "N"]])["accuracy"] == 1.0


def test_other_auxiliary_tasks_work_on_composed_vectors(reviews: Reviews, tmp_path: Path) -> None:
    (tmp_path / "agree.txt").write_text("good great\nbad awful\nfilm movie\nactor actors\n", encoding="utf-8")
    settings = {
        "auxiliaries": ("context", "misalignment"),
        "auxiliary_data__agree": (str(tmp_path / "agree.txt"),),
        "auxiliary_data__held_out": 0.0,
    }
    with pytest.warns(FewRowsWarning):
        model = fitted(NGRAM, reviews, Diminish({"context": 0.5, "misalignment": 0.1}), **settings)
    assert all("misalignment" in each.losses for each in model.run_.evaluations)
