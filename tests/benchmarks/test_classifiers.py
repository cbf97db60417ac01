from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import classifiers
import numpy as np
import pandas as pd
import pytest
from classifier_methods import SIMPLE, UNLABELLED, Cut, Fitted, Workshop, positive, tuned
from classifiers import (
    CONFIRM,
    DEVELOP,
    Problem,
    accuracy_table,
    compare,
    difference_to_best,
    draw_figure,
    draws_of,
    few_labels,
    half_width,
    mean_ranks,
    missing,
    read_rows,
    run,
    table,
    wins_and_losses,
)
from joblib import Memory
from scipy.stats import t
from sklearn.linear_model import LogisticRegression

from mt2st.errors import InputError
from mt2st.text import LabelledText


def problem(n: int = 200, test: int = 60) -> Problem:
    """A quarter of the texts are of sport, the others of art; ten texts have no label at all."""
    rng = np.random.default_rng(3)

    def part(size: int) -> LabelledText:
        labels = ["sport" if number % 4 == 0 else "art" for number in range(size)]
        texts = [" ".join([*rng.choice([f"{label}{i}" for i in range(8)], 6), "the"]) for label in labels]
        return LabelledText(texts, labels)

    return Problem.of(part(n), part(test), part(10).texts)


# cutting


@pytest.mark.parametrize(("regime", "counts"), [("10", [10, 10]), ("50", [50, 50]), ("all", [150, 50])])
def test_a_cut_has_so_many_labels_of_each_class_and_all_texts(regime: str, counts: list[int]) -> None:
    data = problem()
    cut = data.cut(regime, 1)
    texts, labels = cut.labelled
    assert np.bincount(labels).tolist() == counts
    assert len(texts) == sum(counts)
    assert list(cut.texts) == list(data.texts)
    assert len(cut.unlabelled) == 210 - sum(counts)


def test_a_class_with_fewer_texts_than_the_regime_gives_all_of_them() -> None:
    assert np.bincount(problem(n=40).cut("50", 1).labelled[1]).tolist() == [30, 10]


def test_labels_of_a_cut_are_those_of_its_texts() -> None:
    for text, label in zip(*problem().cut("10", 2).labelled, strict=True):
        assert text.startswith(("art", "sport")[label])


def test_the_same_draw_gives_the_same_cut_and_another_one_another() -> None:
    first, again, other = (problem().cut("10", draw).labels for draw in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_a_larger_regime_keeps_the_labels_of_the_smaller() -> None:
    small, large = (problem().cut(regime, 4).labels for regime in ("10", "50"))
    known = small != UNLABELLED
    assert (large[known] == small[known]).all()


def test_no_label_of_the_test_part_or_of_an_unlabelled_text_reaches_a_method() -> None:
    data = problem()
    assert not set(data.test_texts) & set(data.texts)
    for regime in ("10", "all"):
        cut = data.cut(regime, 1)
        assert (cut.labels[len(data.labels) :] == UNLABELLED).all()
        assert set(cut.unlabelled).isdisjoint(cut.labelled[0])


def test_a_label_of_the_test_part_must_occur_in_the_training_part() -> None:
    with pytest.raises(InputError, match="'c' of the test part does not occur"):
        Problem.of(LabelledText(["x", "y"], ["a", "b"]), LabelledText(["z"], ["c"]))


def test_an_unknown_set_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown set 'crr': choose from 'bbc', 'imdb24'"):
        classifiers.read_problem("crr", tmp_path)


def test_no_set_is_developed_and_confirmed_on() -> None:
    assert not set(DEVELOP) & set(CONFIRM)


# running


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    """A run of two planted methods on one small problem; the second fails in the second draw."""

    def planted(cut: Cut, workshop: Workshop) -> Fitted:
        return Fitted(lambda texts: np.array([[0.9, 0.1]] * len(texts)), size=7)

    def failing(cut: Cut, workshop: Workshop) -> Fitted:
        if cut.seed == 2:
            raise ValueError("planted")
        return Fitted(lambda texts: np.array([[0.0, 3.0]] * len(texts)), size=7, calibrated=False)

    monkeypatch.setattr(classifiers, "METHODS", {"sure": planted, "failing": failing})
    monkeypatch.setattr(classifiers, "read_problem", lambda *_: problem())
    return argparse.Namespace(
        output=tmp_path / "results" / "found.csv",
        sets=["cr"],
        regimes=["10", "all"],
        methods=["sure", "failing"],
        data=tmp_path,
        autotune_seconds=1,
    )


def keys(path: Path) -> list[tuple[str, ...]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [(row["regime"], row["draw"], row["method"]) for row in csv.DictReader(file)]


def test_a_run_measures_every_method_in_every_draw(options: argparse.Namespace) -> None:
    assert run(options) == 1
    rows = read_rows(options.output)
    assert len(rows) == 5 + 4 + 2
    sure = rows[rows["method"] == "sure"].iloc[0]
    assert (sure["accuracy"], sure["model_bytes"], sure["test_texts"]) == (0.75, 7, 60)
    assert sure["log_loss"] == pytest.approx(-0.75 * np.log(0.9) - 0.25 * np.log(0.1), abs=1e-4)
    assert rows[rows["method"] == "failing"]["log_loss"].isna().all()


def test_a_run_that_is_started_again_computes_what_is_missing_only(options: argparse.Namespace) -> None:
    run(options)
    complete = options.output.read_text(encoding="utf-8")
    lines = complete.splitlines(keepends=True)
    options.output.write_text("".join([*lines[:3], *lines[4:]]), encoding="utf-8")
    run(options)
    after = options.output.read_text(encoding="utf-8").splitlines(keepends=True)
    assert after[:-1] == [*lines[:3], *lines[4:]]
    assert len(keys(options.output)) == len(set(keys(options.output))) == 11


def test_a_method_that_failed_is_tried_again(options: argparse.Namespace) -> None:
    run(options)
    assert list(missing(options.output, options.sets, options.regimes, options.methods)) == [("cr", "10", 2, "failing")]


def test_ours_is_repeated_where_all_labels_are_given() -> None:
    assert [draws_of("diminish", "all"), draws_of("tfidf-lr", "all"), draws_of("tfidf-lr", "10")] == [3, 1, 5]


def _slow(texts: Sequence[str]) -> int:
    return sum(number * number for number in range(2_000_000)) + len(texts)


def test_a_shared_result_is_charged_at_every_use(tmp_path: Path) -> None:
    workshop = Workshop(Memory(tmp_path, verbose=0))
    charged = []
    for share in (1.0, 1.0, 0.5):
        start = workshop.seconds()
        workshop.shared(_slow, ["a"], share)
        charged.append(workshop.seconds() - start)
    assert charged[1] == pytest.approx(charged[0], abs=0.02)
    assert charged[2] == pytest.approx(charged[0] / 2, abs=0.02)


# methods


@pytest.mark.parametrize("name", [name for name in SIMPLE if name != "fasttext"])
def test_each_simple_method_learns_two_kinds_of_words(name: str, tmp_path: Path) -> None:
    data = problem()
    fitted = SIMPLE[name](data.cut("10", 1), Workshop(Memory(tmp_path, verbose=0)))
    scores = fitted.probabilities(data.test_texts)
    assert scores.shape == (60, 2)
    assert np.mean(scores.argmax(axis=1) == data.test_labels) > 0.9
    assert fitted.size > 100
    if fitted.calibrated:
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)


def test_settings_are_chosen_by_log_loss() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], 40)
    noise = rng.normal(size=(80, 30))
    assert tuned(LogisticRegression(), {"C": (1e-4, 100.0)}, noise, labels).C == 1e-4
    assert tuned(LogisticRegression(), {"C": (1e-4, 100.0)}, labels[:, None] + noise / 50, labels).C == 100


def test_probabilities_of_a_text_that_nothing_reached_are_uniform() -> None:
    np.testing.assert_allclose(
        positive(np.array([[np.nan, np.nan], [0.0, 0.0], [3.0, 1.0]])), [[0.5] * 2] * 2 + [[0.75, 0.25]]
    )


# summary


def rows(scores: dict[tuple[str, str, str], list[float]], test_texts: int = 1000) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"set": name, "regime": regime, "draw": draw, "method": method, "accuracy": score, "macro_f1": score}
            | {"seconds": 1.0, "test_texts": test_texts}
            for (name, regime, method), draws in scores.items()
            for draw, score in enumerate(draws, start=1)
        ]
    )


FOUND = rows(
    {
        ("cr", "10", "tfidf-lr"): [0.60, 0.70, 0.80],
        ("cr", "10", "nb-svm"): [0.50, 0.60, 0.70],
        ("cr", "10", "diminish"): [0.66, 0.75, 0.84],
        ("bbc", "all", "tfidf-lr"): [0.90],
        ("bbc", "all", "nb-svm"): [0.92],
        ("bbc", "all", "diminish"): [0.89, 0.91, 0.90],
        ("subj", "10", "tfidf-lr"): [0.80],
    }
)


def cell(name: str) -> pd.DataFrame:
    return FOUND[FOUND["set"] == name]


def test_mean_ranks_are_over_the_cells_that_have_every_method() -> None:
    ranks = mean_ranks(FOUND, ["tfidf-lr", "nb-svm", "diminish"])
    # cr: diminish, tfidf-lr, nb-svm; bbc: nb-svm, the other two tie
    assert ranks.to_dict() == {"tfidf-lr": 2.25, "nb-svm": 2.0, "diminish": 1.75}


def test_half_width_is_students_interval() -> None:
    values = [0.06, 0.05, 0.04]
    interval = t.interval(0.95, 2, loc=0.05, scale=np.std(values, ddof=1) / np.sqrt(3))
    assert half_width(values) == pytest.approx((interval[1] - interval[0]) / 2)
    assert np.isnan(half_width([0.1]))


def test_draws_are_paired() -> None:
    # Over the draws both vary by 0.1 each, their difference by 0.01 only.
    assert compare(cell("cr"), "diminish", "tfidf-lr") == (pytest.approx(0.05), True)
    assert compare(cell("cr"), "tfidf-lr", "nb-svm") == (pytest.approx(0.1), True)


def test_a_single_draw_is_compared_by_the_noise_of_the_test_part() -> None:
    # 1.96 standard errors of two independent shares of 1,000: 2.5 points, of 10,000: 0.8
    assert compare(cell("bbc"), "diminish", "nb-svm") == (pytest.approx(-0.02), False)
    assert compare(cell("bbc").assign(test_texts=10_000), "diminish", "nb-svm") == (pytest.approx(-0.02), True)


def test_wins_and_losses_are_against_the_best_of_each_cell() -> None:
    assert wins_and_losses(FOUND, "diminish", ["tfidf-lr", "nb-svm"]) == (1, 0, 2)
    assert wins_and_losses(FOUND, "nb-svm", ["tfidf-lr"]) == (0, 1, 2)


def test_difference_to_the_best_has_an_interval_over_the_cells() -> None:
    difference, noise = difference_to_best(FOUND, "diminish", ["tfidf-lr", "nb-svm"])
    assert difference == pytest.approx((0.05 - 0.02) / 2)
    assert noise == pytest.approx(half_width([0.05, -0.02]))


def test_few_labels_are_fifty_where_there_are_two_classes() -> None:
    found = rows({(name, regime, "tfidf-lr"): [0.5] for name in ("cr", "ohsumed") for regime in ("10", "50", "all")})
    assert few_labels(found)[["set", "regime"]].to_numpy().tolist() == [["cr", "50"], ["ohsumed", "10"]]


def test_tables_have_means_and_deviations_with_the_best_bold() -> None:
    assert "| cr | 70.0 ± 10.0 | **75.0 ± 9.0** |" in accuracy_table(cell("cr"), ["tfidf-lr", "diminish"])
    summaries = table(FOUND)
    assert "Transitions" not in summaries
    assert "## Accuracy (%), labels a class: all" in summaries
    assert "| diminish | 82.5 | 82.5 | 1.8 | 1.0 | +1.5 ± 44.5 | 1, 0 of 2 |" in summaries


def test_tables_compare_the_strategies_with_a_transition_to_those_without() -> None:
    scores = {"single-task": [0.5, 0.6], "multi-task": [0.6, 0.7], "switch": [0.6, 0.7], "diminish": [0.61, 0.71]}
    found = rows(
        {
            ("cr", "10", method): draws
            for method, draws in {**scores, "nb-svm": [0.5] * 2, "tfidf-lr": [0.5] * 2}.items()
        }
    )
    assert "| diminish, multi-task | +1.0 ± nan | 1, 0 of 1 |" in table(found)
    assert "| switch, multi-task | +0.0 ± nan | 0, 0 of 1 |" in table(found)


def test_the_picture_shows_every_regime(tmp_path: Path) -> None:
    draw_figure(FOUND, tmp_path / "found.svg")
    assert (tmp_path / "found.svg").stat().st_size > 1000
