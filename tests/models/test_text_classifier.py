from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mt2st.embedding import WordVectors
from mt2st.errors import InputError
from mt2st.models import TextClassifier, fitting
from mt2st.strategy import Diminish, SingleTask, Strategy, Switch
from mt2st.training import Callback, Evaluation, Trainer

Films = tuple[list[str], list[str]]

pytestmark = pytest.mark.filterwarnings("ignore:.* no word that the model knows")
UNSEEN = ["a great film", "the plot was poor and weak", "lovely lovely cast", "dull", "", "qwertz"]


def make(strategy: Strategy | None = None, **settings: Any) -> TextClassifier:
    small = {
        "encoder__name": "mean",
        "encoder__hidden_size": 4,
        "embedding__vector_size": 8,
        "optimisation__epochs": 12,
        "optimisation__batch_size": 4,
        "text__min_count": 1,
        "encoder__dropout": 0.1,
        "optimisation__learning_rate": 0.05,
        "optimisation__embedding_learning_rate": 0.05,
        "compute__parallel_context": False,
        "context__window": 3,
    }
    return TextClassifier(strategy=strategy or Switch(at=3)).set_params(**(small | settings))


class StopAt(Callback):
    """Interrupts a run after some steps, as a signal would."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.steps: list[int] = []
        self.classifier: TextClassifier | None = None

    def on_step_end(self, trainer: Trainer) -> None:
        self.steps.append(trainer.progress.step)
        if trainer.progress.step == self.step:
            assert self.classifier is not None
            self.classifier.stop()


@pytest.fixture(scope="module")
def fitted(films: Films) -> TextClassifier:
    return make().fit(*films)


@pytest.mark.parametrize("encoder", ["bilstm", "mean", "cnn"])
def test_it_learns_what_can_be_learnt(encoder: str, films: Films) -> None:
    classifier = make(encoder__name=encoder).fit(*films)
    assert classifier.classes_.tolist() == ["bad", "good"]
    assert classifier.metrics_["validation"]["accuracy"] == 1.0
    assert classifier.evaluate(*films, name="all")["accuracy"] >= 0.85


def test_it_predicts_and_measures_texts_that_it_has_not_seen(fitted: TextClassifier) -> None:
    assert fitted.predict(UNSEEN[:4]).tolist() == ["good", "bad", "good", "bad"]
    assert fitted.evaluate(UNSEEN[:4], ["good", "bad", "good", "good"], name="odd")["accuracy"] == 0.75
    assert fitted.metrics_.pop("odd")["accuracy"] == 0.75


def test_its_score_is_the_accuracy(fitted: TextClassifier) -> None:
    assert fitted.score(UNSEEN[:4], ["good", "bad", "good", "good"]) == 0.75
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fitted.score(["a", "b"], ["good"])


def test_probabilities_are_in_the_order_of_the_classes_and_sum_to_one(fitted: TextClassifier) -> None:
    probabilities = fitted.predict_proba(UNSEEN)
    assert probabilities.shape == (len(UNSEEN), 2)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert fitted.predict(UNSEEN).tolist() == [fitted.classes_[index] for index in probabilities.argmax(axis=1)]


def test_texts_may_come_from_a_generator_and_may_be_none_at_all(fitted: TextClassifier) -> None:
    assert fitted.predict(iter(UNSEEN)).tolist() == fitted.predict(UNSEEN).tolist()
    assert fitted.predict_proba([]).shape == (0, 2)
    assert fitted.predict([]).tolist() == []


def test_the_network_is_left_ready_to_predict(fitted: TextClassifier) -> None:
    assert fitted.network_ is not None
    assert not fitted.network_.training


def test_the_strategy_turns_the_context_task_off(films: Films) -> None:
    run = make(Switch(at=4), optimisation__epochs=5).fit(*films).run_
    assert [(each.task, each.epoch) for each in run.transitions] == [("context", 4)]
    assert ["context" in each.losses for each in run.evaluations] == [True] * 3 + [False] * 2


def test_without_an_auxiliary_task_nothing_but_the_primary_is_trained(films: Films) -> None:
    alone = make(Diminish(), auxiliaries=(), optimisation__epochs=2).fit(*films)
    off = make(SingleTask(), optimisation__epochs=2).fit(*films)
    assert np.array_equal(alone.predict_proba(UNSEEN), off.predict_proba(UNSEEN))


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(films: Films) -> None:
    settings: dict[str, Any] = {"encoder__name": "bilstm", "optimisation__epochs": 3, "encoder__word_dropout": 0.1}
    results = []
    for elsewhere in (3, 4):
        torch.manual_seed(elsewhere)
        results.append(make(**settings).fit(*films).predict_proba(UNSEEN))
    first, second = results
    assert np.array_equal(first, second)
    assert not np.array_equal(make(seed=2, **settings).fit(*films).predict_proba(UNSEEN), first)


def test_fitting_again_starts_anew(films: Films) -> None:
    classifier = make(optimisation__epochs=2)
    first = classifier.fit(*films).predict_proba(UNSEEN)
    assert np.array_equal(classifier.fit(*films).predict_proba(UNSEEN), first)


def test_fitting_leaves_global_state_alone(films: Films) -> None:
    torch.manual_seed(77)
    before, threads, denormals = torch.get_rng_state(), torch.get_num_threads(), torch.tensor([1e-39]) * 1.0
    numpy_before = np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    make(optimisation__epochs=2, compute__threads=2, embedding__init="skipgram", embedding__init_epochs=1).fit(*films)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.tensor([1e-39]) * 1.0, denormals)
    assert np.random.get_state()[1].tolist() == numpy_before  # type: ignore[index]  # noqa: NPY002


def test_loading_leaves_the_random_state_alone(fitted: TextClassifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    before = torch.get_rng_state()
    TextClassifier.load(tmp_path / "model")
    assert torch.equal(torch.get_rng_state(), before)


def test_unlabelled_text_enters_vocabulary_and_context_but_not_the_labels(films: Films) -> None:
    more = (f"a splendid film number {number}" for number in range(30))
    classifier = make(optimisation__epochs=2).fit(*films, unlabelled=more)
    assert classifier.vocabulary_ is not None
    assert "splendid" in classifier.vocabulary_
    assert "splendid" in classifier.word_vectors.key_to_index
    assert classifier.classes_.tolist() == ["bad", "good"]


def test_validation_text_does_not_enter_the_vocabulary(films: Films) -> None:
    classifier = make(optimisation__epochs=1).fit(*films, validation=(["a peculiar film", "odd"], ["good", "bad"]))
    assert classifier.vocabulary_ is not None
    assert "peculiar" not in classifier.vocabulary_


def test_word_vectors_are_the_rows_of_the_embedding(fitted: TextClassifier) -> None:
    vectors, vocabulary, network = fitted.word_vectors, fitted.vocabulary_, fitted.network_
    assert vocabulary is not None
    assert network is not None
    assert len(vectors) == len(vocabulary) - 2
    row = network.embedding.weight[vocabulary.id_of("great")].tolist()
    assert vectors["great"].tolist() == row
    vectors.vectors[:] = 0
    assert network.embedding.weight[vocabulary.id_of("great")].tolist() == row, "they are a copy"


def test_a_model_of_whole_numbers_predicts_whole_numbers_after_loading_too(films: Films, tmp_path: Path) -> None:
    numbers = [9 if label == "good" else 10 for label in films[1]]
    classifier = make(optimisation__epochs=4).fit(films[0], numbers)
    assert classifier.classes_.tolist() == [9, 10], "by size, not by the alphabet"
    assert np.mean(classifier.predict(films[0]) == np.array(numbers)) == classifier.score(films[0], numbers) > 0.5
    assert classifier.evaluate(films[0], [float(each) for each in numbers])["accuracy"] > 0.5
    classifier.save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    assert again.predict(films[0]).tolist() == classifier.predict(films[0]).tolist()


# Starts of the embedding


@pytest.mark.parametrize("start", ["skipgram", "cbow"])
def test_the_embedding_may_start_from_vectors_trained_on_the_text(start: str, films: Films) -> None:
    heard = []

    class Hearing(Callback):
        def on_vectors(self, progress: Any) -> None:
            heard.append(progress)

    classifier = make(embedding__init=start, embedding__init_epochs=2).fit(*films, callbacks=[Hearing()])
    assert classifier.predict(UNSEEN[:4]).tolist() == ["good", "bad", "good", "bad"]
    assert heard


def test_the_embedding_may_start_from_a_file_of_vectors(films: Films, tmp_path: Path) -> None:
    path = tmp_path / "v.vec"
    WordVectors(["great", "film", "elsewhere"], np.eye(3, 8, dtype=np.float32)).save(path)
    slow = {"optimisation__learning_rate": 1e-9, "optimisation__embedding_learning_rate": 1e-9}
    classifier = make(SingleTask(), embedding__init=str(path), optimisation__epochs=1, **slow).fit(*films)
    assert classifier.word_vectors["great"] == pytest.approx(np.eye(3, 8)[0], abs=1e-6)
    assert classifier.word_vectors["film"] == pytest.approx(np.eye(3, 8)[1], abs=1e-6)
    assert "elsewhere" not in classifier.word_vectors.key_to_index
    assert 0 < np.abs(classifier.word_vectors["dull"]).max() < 1


def test_a_file_of_vectors_of_another_size_is_refused_with_both_sizes(films: Films, tmp_path: Path) -> None:
    path = tmp_path / "v.vec"
    WordVectors(["film"], np.ones((1, 5), dtype=np.float32)).save(path)
    with pytest.raises(
        InputError, match=r"v.vec: its vectors have 5 dimensions, but vector_size is 8: set vector_size to 5"
    ):
        make(embedding__init=str(path)).fit(*films)


def test_a_file_of_vectors_of_other_words_is_refused(films: Films, tmp_path: Path) -> None:
    path = tmp_path / "v.vec"
    WordVectors(["autre", "mot"], np.ones((2, 8), dtype=np.float32)).save(path)
    with pytest.raises(InputError, match=r"v.vec: none of its 2 words is in the vocabulary"):
        make(embedding__init=str(path)).fit(*films)


def test_a_start_that_is_neither_name_nor_file_is_refused_before_anything_is_read() -> None:
    def never() -> Iterator[str]:
        pytest.fail("the text was read")
        yield ""

    with pytest.raises(
        InputError, match=r"embedding.init: 'skipgrm' is no file and no known method. Did you mean 'skipgram'\?"
    ):
        make(embedding__init="skipgrm").fit(["a", "b"] * 4, ["x", "y"] * 4, unlabelled=never())


# Interrupted and resumed


@pytest.mark.parametrize("step", [1, 5, 17, 24])
def test_an_interrupted_fit_goes_on_from_its_checkpoint_to_the_same_bits(
    step: int, films: Films, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"encoder__name": "bilstm", "optimisation__epochs": 4, "encoder__word_dropout": 0.1}
    whole = make(**settings).fit(*films)
    listener = StopAt(step)
    broken = listener.classifier = make(**settings)
    broken.fit(*films, checkpoint=tmp_path / "at", callbacks=[listener])
    assert broken.run_.stopped == "interrupted"
    assert (tmp_path / "at" / "training" / "manifest.json").is_file()
    rest = StopAt(0)
    resumed = make(**settings).fit(*films, checkpoint=tmp_path / "at", callbacks=[rest])
    assert rest.steps == list(range(step + 1, whole.run_.steps + 1)), "no step is done twice"
    assert np.array_equal(resumed.predict_proba(UNSEEN), whole.predict_proba(UNSEEN))
    assert [each.losses for each in resumed.run_.evaluations] == [each.losses for each in whole.run_.evaluations]
    assert resumed.metrics_ == whole.metrics_
    assert (tmp_path / "at").exists(), "it is removed when the model is saved, not before"


def test_an_interrupted_fit_claims_no_measure_of_its_last_parameters(films: Films) -> None:
    listener = StopAt(20)
    classifier = listener.classifier = make(optimisation__epochs=9)
    assert classifier.fit(*films, callbacks=[listener]).metrics_ == {}


@pytest.mark.parametrize("change", ["text", "label", "validation", "setting", "default", "strategy"])
def test_a_checkpoint_of_other_data_or_settings_is_refused(
    change: str, films: Films, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, labels = films
    validation = (["good film", "bad film"], ["good", "bad"])
    listener = StopAt(5)
    broken = listener.classifier = make()
    broken.fit(texts, labels, validation=validation, checkpoint=tmp_path / "at", callbacks=[listener])
    strategy: Strategy = Switch(at=3)
    settings: dict[str, Any] = {}
    if change == "text":
        texts = [texts[2], texts[1], texts[0], *texts[3:]]
    elif change == "label":
        labels = [labels[1], labels[0], *labels[2:]]
    elif change == "validation":
        validation = (["good film", "bad film"], ["bad", "good"])
    elif change == "setting":
        settings["encoder__dropout"] = 0.2
    elif change == "default":
        monkeypatch.setattr("mt2st.models.settings.ALPHA", 0.5)
    else:
        strategy = Switch(at=4)
    with pytest.raises(InputError, match="is of another run"):
        make(strategy, **settings).fit(texts, labels, validation=validation, checkpoint=tmp_path / "at")
    assert (tmp_path / "at").is_dir()


def test_stop_says_whether_there_was_anything_to_stop(fitted: TextClassifier) -> None:
    assert fitted.stop() is False


def test_the_log_is_written_while_the_fit_runs(films: Films, tmp_path: Path) -> None:
    make(optimisation__epochs=2).fit(*films, log=tmp_path / "metrics.jsonl")
    events = [json.loads(line)["event"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert events == ["evaluation", "evaluation", "end"]


# The model folder


def test_a_model_loaded_in_a_fresh_process_predicts_the_same_bits(films: Films, tmp_path: Path) -> None:
    classifier = make(
        Diminish({"context": 0.7}), encoder__name="bilstm", encoder__pooling="attention", optimisation__epochs=3
    ).fit(*films)
    classifier.save(tmp_path / "model")
    script = (
        "import sys, json, torch; torch.set_num_threads(1)\n"
        "from mt2st import TextClassifier\n"
        "texts = json.loads(sys.argv[2])\n"
        "sys.stdout.write(TextClassifier.load(sys.argv[1]).predict_proba(texts).tobytes().hex())"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "model"), json.dumps(UNSEEN)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert bytes.fromhex(output) == classifier.predict_proba(UNSEEN).tobytes()


def test_a_loaded_model_is_as_it_was_saved(fitted: TextClassifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    assert (again.settings_, again.strategy) == (fitted.settings_, fitted.strategy)
    assert (again.classes_.tolist(), again.run_, again.metrics_, again.vocabulary_) == (
        fitted.classes_.tolist(), fitted.run_, fitted.metrics_, fitted.vocabulary_,
    )  # fmt: skip
    assert again.evaluate(UNSEEN[:2], ["good", "bad"])["accuracy"] == 1.0
    again.save(tmp_path / "copy")
    for name in ("model.safetensors", "vocabulary.txt"):
        assert (tmp_path / "copy" / name).read_bytes() == (tmp_path / "model" / name).read_bytes()


def test_unicode_classes_and_words_survive_the_folder(tmp_path: Path) -> None:
    texts, labels = ["красивый фильм", "скучный фильм"] * 6, ["да", "нет \U0001f642"] * 6
    classifier = make(optimisation__epochs=2).fit(texts, labels)
    classifier.save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    assert again.classes_.tolist() == ["да", "нет \U0001f642"]
    assert np.array_equal(again.predict_proba(texts), classifier.predict_proba(texts))


# What is refused


def test_a_classifier_that_is_not_trained_says_so(tmp_path: Path) -> None:
    for use in (lambda c: c.predict(["a"]), lambda c: c.save(tmp_path / "m"), lambda c: c.word_vectors):
        with pytest.raises(InputError, match="not fitted yet: call fit first, or load a saved one"):
            use(make())
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        ([], [], "the labelled texts: no labelled text"),
        (["a", "b", "c"], ["x", "x", "x"], "all 3 rows have the one label 'x'"),
        (["a", "b"], ["x", "y"], "2 rows are too few for 2 classes"),
        (["a", "b", "c"], ["x", "y"], "texts and labels must be as many, found 3 and 2"),
        ("a good film", ["x", "y"], "give a list of texts, found the one text 'a good film'"),
        (["a", None, "b", "c"], ["x", "y", "x", "y"], "the labelled texts: 1 of 4 texts is missing .*: number 1"),
    ],
)
def test_labelled_texts_that_cannot_be_used_are_refused(texts: Any, labels: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make().fit(texts, labels)


def test_texts_without_a_word_are_refused() -> None:
    with pytest.raises(InputError, match="vocabulary is empty"):
        make().fit(["", " "] * 5, ["x", "y"] * 5)


def test_a_min_count_that_leaves_no_word_is_refused(films: Films) -> None:
    with pytest.raises(InputError, match="Lower min_count"):
        make(text__min_count=1000).fit(*films)


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        (
            (["a film"], ["middling"]),
            "validation: the label 'middling' does not occur in the training part, .* 'bad', 'good'",
        ),
        (([], []), "validation: no labelled text"),
        ((["a film"], []), "texts and labels must be as many"),
        (0.0, "fraction lies strictly between 0 and 1, found 0.0"),
        (1.5, "fraction lies strictly between 0 and 1, found 1.5"),
    ],
)
def test_validation_that_cannot_be_used_is_refused(validation: Any, message: str, films: Films) -> None:
    with pytest.raises(InputError, match=message):
        make().fit(*films, validation=validation)


def test_a_label_that_was_not_trained_on_is_refused_in_a_test(fitted: TextClassifier) -> None:
    with pytest.raises(InputError, match="test: the label 'ugly' does not occur in the training part"):
        fitted.evaluate(["a film"], ["ugly"])
    with pytest.raises(InputError, match="test: no labelled text"):
        fitted.evaluate([], [])


def test_one_text_in_place_of_a_list_is_refused(fitted: TextClassifier, films: Films) -> None:
    with pytest.raises(InputError, match="texts: give a list of texts, found the one text 'a good film'"):
        fitted.predict("a good film")
    with pytest.raises(InputError, match="unlabelled: give a list of texts"):
        make().fit(*films, unlabelled="a good film")


def test_a_fit_that_fails_leaves_the_model_before_as_it_was(films: Films) -> None:
    classifier = make(optimisation__epochs=2).fit(*films)
    before = classifier.predict_proba(UNSEEN)

    class Failing(Callback):
        def on_step_end(self, trainer: Trainer) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        classifier.fit(["x y", "z w"] * 8, ["p", "q"] * 8, callbacks=[Failing()])
    assert np.array_equal(classifier.predict_proba(UNSEEN), before)


@pytest.mark.parametrize(("choose_by", "select"), [("metric", "accuracy"), ("loss", "loss")])
def test_the_best_epoch_is_chosen_by_the_metric_or_by_the_loss(
    choose_by: str, select: str, films: Films, monkeypatch: pytest.MonkeyPatch
) -> None:
    selected: list[str] = []
    real = fitting.Trainer
    monkeypatch.setattr(fitting, "Trainer", lambda *a, **k: (selected.append(k["monitor"]), real(*a, **k))[1])
    make(SingleTask(), auxiliaries=(), optimisation__epochs=1, optimisation__monitor=choose_by).fit(*films)
    assert selected == [select, None]  # the final fit has nothing to choose by


def test_many_classes_and_one_with_a_single_text_can_be_learned(films: tuple[list[str], list[str]]) -> None:
    texts, labels = list(films[0]) * 10, [f"{label} {number % 7}" for number, label in enumerate(films[1] * 10)]
    classifier = make(optimisation__epochs=1).fit([*texts, "a strange thing"], [*labels, "odd"])
    assert "odd" in classifier.classes_


def test_class_weights_hold_for_given_validation_data_too(films: tuple[list[str], list[str]]) -> None:
    heavy = make(optimisation__epochs=1)
    heavy.class_weight = "balanced"
    heavy.fit(*films, validation=films)
    assert heavy.metrics_["validation"]["loss"] > 0


class Told(Callback):
    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.evaluations: list[int] = []
        self.begin = time.monotonic()

    def on_evaluation(self, trainer: Any, evaluation: Evaluation) -> None:
        self.evaluations.append(len(self.seconds))

    def on_forecast(self, seconds: float) -> None:
        assert seconds > time.monotonic() - self.begin - 0.1, "the fit took longer already"
        self.seconds.append(seconds)


@pytest.mark.parametrize("final_fit", [True, False])
def test_the_time_of_a_fit_is_told_once_after_the_first_evaluation(films: Films, final_fit: bool) -> None:
    told, texts, labels = Told(), *films
    make().fit(texts, labels, final_fit=final_fit, callbacks=[told])
    assert len(told.seconds) == 1
    assert told.evaluations == [0, *[1] * (len(told.evaluations) - 1)]
