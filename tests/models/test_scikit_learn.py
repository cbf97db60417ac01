"""scikit-learn's own checks of an estimator, through an adapter that maps rows of numbers to documents."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.validation import validate_data

from mt2st import Context, Diminish, Encoder, MultiLabelClassifier, Optimisation, Switch, Tagger, TextClassifier
from mt2st.embedding import WordVectors
from mt2st.errors import InputError, ScheduleWarning
from mt2st.models import Compute, Embedding, EmbeddingVectorizer, Text
from mt2st.strategy import SingleTask, Strategy
from mt2st.training import Callback

Films = tuple[list[str], list[str]]
BINS = 8
FAST: dict[str, Any] = {
    "encoder__name": "mean",
    "embedding__vector_size": 8,
    "optimisation__epochs": 2,
    "text__min_count": 1,
    "compute__parallel_context": False,
    "context__passes": 1.0,
}


def fast(strategy: Strategy | str = "switch", **settings: Any) -> TextClassifier:
    return TextClassifier(strategy).set_params(**(FAST | settings))


class FromNumbers(TextClassifier):
    """A `TextClassifier` of rows of numbers: each number is a word that names its column and its bin."""

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> FromNumbers:
        if y is None:
            raise ValueError("FromNumbers requires y to be passed, but the target y is None")
        X, y = validate_data(self, X, y, dtype="numeric")
        self._least, self._most = X.min(axis=0), X.max(axis=0)
        texts = self._words(X)
        # The few rows of a check are too few to split any off for validation.
        super().fit(texts, y, sample_weight=sample_weight, validation=(texts, y))
        return self

    def predict_proba(self, X: Any) -> Any:
        self._fitted()
        return super().predict_proba(self._words(validate_data(self, X, reset=False)))

    def transform(self, X: Any) -> Any:
        self._fitted()
        return super().transform(self._words(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.string = True, False
        return tags

    def _words(self, X: Any) -> list[str]:
        spread = np.where(self._most > self._least, self._most - self._least, 1.0)
        bins = np.clip((X - self._least) / spread * BINS, 0, BINS).round().astype(int)
        return [" ".join(f"c{column}b{value}" for column, value in enumerate(row)) for row in bins]


SKIPPED = {
    "check_sample_weight_equivalence_on_dense_data": "a repeated text changes the batches; a weight scales its loss",
}
"""Checks that cannot hold, with the reason."""
ONE_EVALUATION = {"optimisation__epochs": 1, "optimisation__average": 0.0, "optimisation__batch_size": 2}
SETTINGS: dict[str, dict[str, Any]] = {
    # Of several evaluations the one of the best unweighted accuracy would be kept, from before the weights had effect.
    "check_class_weight_classifiers": ONE_EVALUATION
    | {"optimisation__learning_rate": 0.2, "optimisation__embedding_learning_rate": 0.001},
}
"""Settings for checks that do not pass with those of all others, with the reason."""


def adapted() -> FromNumbers:
    return FromNumbers("single-task").set_params(  # type: ignore[no-any-return]
        **FAST
        | {
            "auxiliaries": (),
            "optimisation__epochs": 30,
            "optimisation__batch_size": 8,
            "optimisation__learning_rate": 0.05,
            "optimisation__embedding_learning_rate": 0.05,
            "optimisation__convergence": "never",
            "encoder__dropout": 0.0,
        }
    )


CHECKS = list(estimator_checks_generator(adapted()))


def name_of(check: Any) -> str:
    return str(getattr(check, "func", check).__name__)


@pytest.mark.parametrize("check", [check for _, check in CHECKS], ids=name_of)
def test_it_passes_scikit_learns_check(check: Callable[[Any], None]) -> None:
    if name_of(check) in SKIPPED:
        pytest.skip(SKIPPED[name_of(check)])
    check(adapted().set_params(**SETTINGS.get(name_of(check), {})))


def test_no_check_is_skipped_that_is_not_there() -> None:
    assert set(SKIPPED) <= {name_of(check) for _, check in CHECKS}
    assert len(CHECKS) > 45


@pytest.mark.parametrize("labels", [[7, 10], [False, True], ["no", "yes"], [1.0, 2.0]], ids=str)
@pytest.mark.parametrize("kind", ["list", "array", "series"])
def test_predictions_are_of_the_type_of_the_labels(labels: list[Any], kind: str, films: Films, tmp_path: Path) -> None:
    y: Any = [labels[label == "good"] for label in films[1]]
    X: Any = films[0]
    if kind == "array":
        X, y = np.array(X), np.array(y)
    if kind == "series":
        pandas = pytest.importorskip("pandas")
        X, y = pandas.Series(X, index=range(100, 140)), pandas.Series(y, index=range(100, 140))
    model = fast().fit(X, y)
    model.save(tmp_path / "model")
    for each in (model, TextClassifier.load(tmp_path / "model")):
        assert each.classes_.tolist() == labels
        found = each.predict(X)
        assert isinstance(found, np.ndarray)
        assert {type(each) for each in found.tolist()} == {type(labels[0])}
        assert np.mean(found == np.asarray(y)) == each.score(X, y)


def test_a_grid_searches_strategies_and_nested_settings(films: Films) -> None:
    grid = {"strategy": ["switch", SingleTask(), Diminish(0.7)], "context__window": [2, 5]}
    search = GridSearchCV(fast(optimisation__epochs=1), grid, cv=2, error_score="raise").fit(*films)
    assert search.best_params_.keys() == grid.keys()
    assert search.best_estimator_.settings_.context.window == search.best_params_["context__window"]
    assert len(search.cv_results_["mean_test_score"]) == 6
    assert search.predict(films[0]).shape == (40,)


class Counted:
    """Texts without a length, which counts how often they were read to the end."""

    def __init__(self, texts: list[str]) -> None:
        self.texts, self.readings = texts, 0

    def __iter__(self) -> Iterator[str]:
        yield from self.texts
        self.readings += 1


def test_all_unlabelled_texts_reach_each_fit_of_a_grid(films: Films) -> None:
    unlabelled = Counted([f"word{number}" for number in range(len(films[0]))])
    search = GridSearchCV(fast(optimisation__epochs=1), {"context__window": [2, 5]}, cv=2, error_score="raise")
    search.fit(*films, unlabelled=unlabelled)
    assert unlabelled.readings == 10  # twice in each fit: two folds for each of two settings, and the last one
    assert {*unlabelled.texts} <= {*search.best_estimator_.vocabulary_.tokens}


def test_an_iterator_that_was_read_before_is_refused(films: Films) -> None:
    unlabelled = iter(["word"])
    model = fast(optimisation__epochs=1).fit(*films, unlabelled=unlabelled)
    assert "word" in model.vocabulary_.tokens
    with pytest.raises(InputError, match="unlabelled: the iterator yields no text. It may have been read before"):
        model.fit(*films, unlabelled=unlabelled)


def test_it_is_cross_validated_and_stands_in_pipelines(films: Films) -> None:
    assert cross_val_score(fast(), *films, cv=2, error_score="raise").shape == (2,)
    pipeline = Pipeline([("same", _Same()), ("model", fast())])
    assert pipeline.fit(*films).predict(films[0][:3]).shape == (3,)
    assert pipeline.set_params(model__optimisation__epochs=1).fit(*films)["model"].run_.evaluations[-1].epoch == 1


class _Same:
    """A step that changes nothing."""

    def fit(self, X: Any, y: Any = None) -> _Same:
        return self

    def transform(self, X: Any) -> Any:
        return X

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        return X


def test_parameters_are_kept_as_given_and_cloned() -> None:
    strategy, encoder = Switch(at=3), Encoder(dropout=0.5)
    model = TextClassifier(strategy, encoder=encoder, optimisation=Optimisation(epochs=np.int64(3)))
    assert model.get_params(deep=False)["strategy"] is strategy
    assert model.get_params()["context__window"] is None
    assert model.get_params()["encoder__dropout"] == 0.5
    copy = clone(model.set_params(context__window=5, encoder__dropout=0.1))
    assert copy.context == Context(window=5)
    assert (encoder.dropout, copy.encoder.dropout) == (0.5, 0.1), "groups are never changed in place"
    assert TextClassifier(encoder="cnn").set_params(encoder__dropout=0.1).encoder == Encoder("cnn", dropout=0.1)
    with pytest.raises(InputError, match=r"context has no setting 'windw'. Did you mean 'window'\?"):
        model.set_params(context__windw=3)


def test_the_representation_shows_what_differs_from_the_defaults() -> None:
    model = TextClassifier("switch", optimisation=Optimisation(epochs=3))
    assert repr(model) == "TextClassifier(optimisation=Optimisation(epochs=3), strategy='switch')"
    assert len(model._repr_html_()) < 2 * len(LogisticRegression()._repr_html_()), "most of it is scikit-learn's style"
    assert is_classifier(model)
    assert is_classifier(MultiLabelClassifier())


def test_a_fitted_model_is_pickled(films: Films) -> None:
    model = fast(context__method="skipgram-fasttext", embedding__bucket=100).fit(*films)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict_proba(films[0]), model.predict_proba(films[0]))


def test_numbers_of_numpy_names_and_paths_are_taken(films: Films, tmp_path: Path) -> None:
    model = TextClassifier(
        "switch",
        encoder="mean",
        text=Text(min_count=np.int64(1)),  # type: ignore[arg-type]
        embedding=Embedding(vector_size=8),
        optimisation=Optimisation(epochs=np.int64(2), learning_rate=np.float32(0.01)),  # type: ignore[arg-type]
        compute=Compute(parallel_context=False),
        seed=np.int64(3),  # type: ignore[arg-type]
    )
    held_out = [films[0][:8], films[1][:8]]
    model.fit(*films, validation=held_out, log=str(tmp_path / "log.jsonl"), checkpoint=str(tmp_path / "checkpoint"))
    assert (tmp_path / "log.jsonl").is_file()
    assert model.fit(*films, validation=np.float32(0.25)).run_.evaluations


def test_texts_of_weight_0_choose_no_epoch(films: Films) -> None:
    texts, labels = films
    wrong = ["bad" if label == "good" else "good" for label in labels]
    model = fast("single-task", optimisation__epochs=5, optimisation__learning_rate=0.05, encoder__linear=False)
    model.fit(texts + texts, labels + wrong, sample_weight=[1.0] * 40 + [0.0] * 40, validation=0.5)
    losses = [evaluation.validation["loss"] for evaluation in model.run_.evaluations]
    assert losses == sorted(losses, reverse=True), "the wrong labels would let it rise"
    assert model.run_.best == 4


@pytest.mark.parametrize("wrong", ["half", None, (["a"],), True], ids=str)
def test_a_wrong_validation_is_named(wrong: Any, films: Films) -> None:
    with pytest.raises(InputError, match="validation must be a share between 0 and 1, or"):
        fast().fit(*films, validation=wrong)


def test_weights_of_samples_and_classes_reach_the_loss(films: Films) -> None:
    still = {"encoder__dropout": 0.0, "encoder__linear": False, "optimisation__average": 0.0, "auxiliaries": ()}
    plain = fast("single-task", **still).fit(*films).predict_proba(films[0])
    ones = fast("single-task", **still).fit(*films, sample_weight=np.full(40, 7.0)).predict_proba(films[0])
    np.testing.assert_allclose(ones, plain, atol=1e-5)
    of_good = [10.0 if label == "good" else 0.1 for label in films[1]]
    heavy = {"optimisation__epochs": 8, "optimisation__learning_rate": 0.05, **still}
    by_sample = fast("single-task", **heavy).fit(*films, sample_weight=of_good).predict_proba(films[0])
    by_class = fast("single-task", **heavy).set_params(class_weight={"good": 10.0, "bad": 0.1}).fit(*films)
    np.testing.assert_allclose(by_class.predict_proba(films[0]), by_sample, atol=1e-5)
    even = fast("single-task", **heavy).fit(*films).predict_proba(films[0])
    assert by_sample[:, 1].mean() > even[:, 1].mean() + 0.1
    assert fast().set_params(class_weight="balanced").fit(*films).classes_.tolist() == ["bad", "good"]
    with pytest.raises(InputError, match="sample_weight must be 40 finite numbers"):
        fast().fit(*films, sample_weight=[1.0])


def test_verbose_shows_a_bar(films: Films, capsys: pytest.CaptureFixture[str]) -> None:
    fast().set_params(verbose=True).fit(*films)
    shown = capsys.readouterr().err
    assert "fit: 100%" in shown
    assert "accuracy" in shown


class Doubled(Callback):
    """A user's own auxiliary task: a head of its own learns whether a text has an even number of tokens."""

    name = "even"
    n_batches = 3

    def __init__(self) -> None:
        self.head, self.losses, self.words = torch.nn.Linear(8, 2), 0, 0

    def on_corpus(self, corpus: Any, *, n_labelled: int) -> None:
        self.words = len(corpus.vocabulary)

    def batches(self, *, epoch: int, seed: int) -> Any:
        for number in range(self.n_batches):
            yield torch.randint(2, self.words, (4, 2 + number)), torch.full((4,), number % 2)

    def loss(self, module: Any, batch: Any) -> Any:
        from torch.nn.functional import cross_entropy

        ids, targets = batch
        self.losses += 1
        return cross_entropy(module.heads["even"](module.encode(ids).pooled), targets)

    def evaluate(self, module: Any) -> dict[str, float]:
        return {}


def test_a_task_that_is_used_again_begins_as_it_did_at_first(films: Films) -> None:
    task = Doubled()
    first, second = (fast(Switch(2)).fit(*films, auxiliary_tasks=[task]) for _ in range(2))
    assert [each.losses for each in first.run_.evaluations] == [each.losses for each in second.run_.evaluations]
    assert (first.predict_proba(films[0]) == second.predict_proba(films[0])).all()


class Growing:
    """A kernel task of the user's own with a state, which moves the table further each time."""

    name = "growing"

    def __init__(self) -> None:
        self.total = torch.zeros(1)

    def update(self, table: torch.Tensor, *, weight: float, epoch_slice: Any) -> float:
        self.total += weight
        table[2:] += 1e-3 * self.total
        return 0.5

    def state_dict(self) -> dict[str, torch.Tensor]:
        return {"total": self.total}

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        self.total = state["total"]


def test_a_kernel_task_that_is_used_again_begins_as_it_did_at_first(films: Films) -> None:
    task = Growing()
    models = [fast("multi-task").fit(*films, auxiliary_tasks=[task], final_fit=final) for final in (False, True, False)]
    found = [model.predict_proba(films[0]) for model in models]
    assert (found[0] == found[2]).all()
    assert task.total == sum(evaluation.step for evaluation in models[2].run_.evaluations[-1:])


def test_a_task_with_a_head_cannot_have_the_name_of_a_method_of_torch(films: Films) -> None:
    task = Doubled()
    task.name = "keys"
    with pytest.raises(InputError, match="a task with a head cannot be named 'keys'"):
        fast().fit(*films, auxiliary_tasks=[task])


def test_a_task_of_the_users_own_trains_with_the_classifier(films: Films, tmp_path: Path) -> None:
    task = Doubled()
    before = task.head.weight.detach().clone()
    model = fast(Switch(2)).fit(*films, auxiliary_tasks=[task])
    assert task.losses > 0
    assert model.run_.evaluations[0].losses.keys() == {"primary", "context", "even"}
    assert model.run_.evaluations[1].losses.keys() == {"primary"}, "Switch turns it off like any other"
    assert not (task.head.weight == before).all()
    assert list(model.network_.heads) == ["primary"]
    model.save(tmp_path / "model")
    assert TextClassifier.load(tmp_path / "model").predict(films[0]).tolist() == model.predict(films[0]).tolist()
    with pytest.raises(InputError, match="an auxiliary must be a Task or a KernelTask"):
        fast().fit(*films, auxiliary_tasks=[object()])  # type: ignore[list-item]


def test_texts_become_vectors(films: Films) -> None:
    model = fast().fit(*films)
    assert model.transform(films[0]).shape == (40, 8)
    assert model.transform([]).shape == (0, 8)
    vectors = WordVectors(["good", "bad"], np.array([[1.0, 0.0], [-1.0, 0.5]]))
    found = EmbeddingVectorizer(vectors).fit_transform(["Good, good bad", "unheard"])
    np.testing.assert_allclose(found, [[1 / 3, 1 / 6], [0, 0]], atol=1e-6)
    pipeline = make_pipeline(EmbeddingVectorizer(vector_size=4, epochs=1, min_count=1), LogisticRegression())
    assert pipeline.fit(*films).predict(films[0]).shape == (40,)
    assert clone(EmbeddingVectorizer(model.word_vectors)).fit(films[0]).transform(["a"]).shape == (1, 8)


def test_a_strategy_of_the_users_own_is_saved_and_loaded(films: Films, tmp_path: Path) -> None:
    class Halving(Strategy):
        name = "halving-in-a-test"
        is_fixed = off_is_final = True

        def __init__(self, until: int = 2, *, auxiliaries: Any = None) -> None:
            super().__init__(auxiliaries=auxiliaries)
            self.until = until

        def weight_of(self, task: str, t: int) -> float:
            return 0.5**t if t < self.until else 0.0

    model = fast(Halving(2)).fit(*films)
    model.save(tmp_path / "model")
    for again in (
        TextClassifier.load(tmp_path / "model"),
        TextClassifier.load(tmp_path / "model", strategies=[Halving]),
    ):
        assert again.strategy == Halving(2)


def test_what_it_was_fitted_with_is_saved_not_what_it_is_set_to(films: Films, tmp_path: Path) -> None:
    weights = {"good": 2.0, "bad": 1.0}
    model = fast(Switch(2), class_weight=weights).fit(*films)
    model.set_params(strategy=SingleTask(), class_weight=None).save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    assert (again.strategy, again.class_weight) == (Switch(2), weights)
    numbers = fast(class_weight={np.int64(1): 2, 0: 1}).fit(films[0], [int(label == "good") for label in films[1]])
    numbers.save(tmp_path / "numbers")
    assert TextClassifier.load(tmp_path / "numbers").class_weight == {1: 2.0, 0: 1.0}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sample_weight": [1.0, 2.0] * 20}, r"data.weights \(sample_weight, class_weight\) was None there"),
        ({"auxiliary_tasks": "other"}, r"data.auxiliary tasks was \['context', 'even'\] there"),
    ],
    ids=["weights", "tasks"],
)
def test_a_checkpoint_of_other_weights_or_tasks_is_not_resumed(
    changed: dict[str, Any], message: str, films: Films, tmp_path: Path
) -> None:
    class Stop(Callback):
        def on_step_end(self, trainer: Any) -> None:
            trainer.stop()

    given: dict[str, Any] = {"auxiliary_tasks": [Doubled()], "checkpoint": tmp_path / "checkpoint"}
    fast(Switch(2)).fit(*films, **given, callbacks=[Stop()])
    if "auxiliary_tasks" in changed:
        other = Doubled()
        other.name = "other"
        changed = {"auxiliary_tasks": [other]}
    with pytest.raises(InputError, match=f"is of another run: the data have changed .{message}"):
        fast(Switch(2)).fit(*films, **(given | changed))


def test_own_tasks_stand_among_the_auxiliaries_and_single_ones_need_a_list(films: Films) -> None:
    model = fast(Switch(2), auxiliaries=("context", Doubled())).fit(*films)
    assert model.run_.evaluations[0].losses.keys() == {"primary", "context", "even"}
    assert clone(model).own_tasks[0].name == "even"
    assert fast(Switch(2), auxiliaries="context").fit(*films).settings_.auxiliaries == ("context",)
    with pytest.raises(InputError, match="auxiliary_tasks must be a list of tasks, found one"):
        fast().fit(*films, auxiliary_tasks=Doubled())  # type: ignore[arg-type]


def test_features_have_names(films: Films) -> None:
    model = fast()
    with pytest.raises(NotFittedError, match="not fitted yet"):
        model.get_feature_names_out()
    names = model.fit(*films).get_feature_names_out()
    assert names.tolist() == [f"textclassifier{number}" for number in range(8)]
    pytest.importorskip("pandas")
    assert list(model.set_output(transform="pandas").transform(films[0]).columns) == names.tolist()


@pytest.mark.parametrize(
    ("model", "X", "y"),
    [
        (TextClassifier(), ["a"], ["x"]),
        (MultiLabelClassifier(), ["a"], [["x"]]),
        (Tagger(), [["a"]], [["X"]]),
    ],
    ids=["one label", "labels", "tags"],
)
def test_an_unfitted_model_has_no_score(model: Any, X: Any, y: Any) -> None:
    with pytest.raises(NotFittedError, match="not fitted yet"):
        model.score(X, y)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"vectors": 3}, "vectors must be WordVectors, the path of a file or None, found 3"),
        ({"method": "skip-gram"}, "Did you mean 'skipgram'"),
        ({"vector_size": 0}, "vector_size should be greater than or equal to 1, found 0"),
        ({"min_count": 0}, "min_count should be greater than or equal to 1, found 0"),
        ({"lowercase": "no"}, "lowercase should be a valid boolean, found 'no'"),
    ],
    ids=str,
)
def test_a_vectorizer_checks_its_parameters_before_it_reads(wrong: dict[str, Any], message: str) -> None:
    def unread() -> Any:
        pytest.fail("a text was read")
        yield ""

    with pytest.raises(InputError, match=message):
        EmbeddingVectorizer(**wrong).fit(unread())


def test_an_unfitted_vectorizer_says_so() -> None:
    for method in (EmbeddingVectorizer().transform, EmbeddingVectorizer().get_feature_names_out):
        with pytest.raises(NotFittedError, match="not fitted yet: call fit first"):
            method(["a"])
    with pytest.raises(InputError, match="give a list of texts, found the one text 'good'"):
        EmbeddingVectorizer(WordVectors(["good"], np.ones((1, 2)))).fit("good")


@pytest.mark.parametrize("strategy", ["diminish", Diminish(curvature=3.0)], ids=str)
def test_a_grid_searches_the_settings_of_a_strategy(strategy: Strategy | str, films: Films) -> None:
    search = GridSearchCV(fast(strategy), {"strategy__decay": [0.2, 0.5]}, cv=2, error_score="raise").fit(*films)
    tried = search.best_estimator_
    assert tried.get_params()["strategy__decay"] == search.best_params_["strategy__decay"]
    assert tried.strategy.curvature == (1.0 if isinstance(strategy, str) else 3.0)


@pytest.mark.parametrize("strategy", ["adaptive-switch", "adaptive-diminish"])
def test_another_signal_has_its_own_defaults(strategy: str) -> None:
    changed = fast(strategy).set_params(strategy__signal="gain").strategy
    assert changed == type(changed)(signal="gain")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 3}, r"has no setting 'epochs'. It belongs to Optimisation: optimisation=Optimisation\(epochs=3\)"),
        ({"stratgy": "switch"}, "has no setting 'stratgy'. Did you mean 'strategy'?"),
    ],
    ids=str,
)
def test_an_unknown_parameter_is_answered_with_its_place_or_the_nearest(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^TextClassifier {message}"):
        TextClassifier(**changes)
    with pytest.raises(InputError, match=f"^TextClassifier {message}"):
        TextClassifier().set_params(**changes)


def test_an_unknown_setting_of_a_group_or_a_strategy_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"^Context has no setting 'windw'. Did you mean 'window'\?$"):
        Context(windw=3)  # type: ignore[call-arg]
    with pytest.raises(InputError, match=r"^strategy has no setting 'decy'. Did you mean 'decay'\?$"):
        TextClassifier().set_params(strategy__decy=0.5)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("balance", "should be 'balanced' or {label: weight}, found 'balance'. Did you mean 'balanced'?"),
        ({"god": 2.0}, "'god' is no label; the labels are 'bad', 'good'. Did you mean 'good'?"),
    ],
    ids=str,
)
def test_a_wrong_class_weight_is_named(weights: Any, message: str, films: Films) -> None:
    with pytest.raises(InputError, match=f"^class_weight: {re.escape(message)}$"):
        fast("single-task").set_params(class_weight=weights).fit(*films)


def test_a_score_of_labels_that_are_all_unknown_is_refused(films: Films) -> None:
    model = fast("single-task").fit(*films)
    with pytest.raises(InputError, match="^score: none of the labels 'great', 'weak' is one of `classes_`"):
        model.score(films[0][:2], ["weak", "great"])
    assert model.score(films[0][:2], ["weak", "bad"]) <= 0.5


def test_a_schedule_that_ends_after_the_training_is_named(films: Films) -> None:
    with pytest.warns(
        ScheduleWarning, match="switch: no transition .* goes off at epoch 9, and the training ends with"
    ):
        fast(Switch(at=9)).fit(*films)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fast(Switch(at=2)).fit(*films)
        fast(Switch(at=9), auxiliaries=()).fit(*films)
        fast("multi-task").fit(*films)
