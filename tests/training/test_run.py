from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from mt2st.training import Evaluation, Freeze, Run, Transition


def make_run(*scores: float) -> Run:
    evaluations = [
        Evaluation(
            epoch, 10 * epoch, 1.5 * epoch, {"label": 0.5}, {"context": 0.1}, {"0": 0.01}, 0.3, {"accuracy": score}
        )
        for epoch, score in enumerate(scores, 1)
    ]
    return Run(evaluations, [Transition("context", 2, 11)], best=0, stopped="converged")


def test_it_survives_json() -> None:
    run = make_run(0.5, 0.7)
    assert Run.from_dict(json.loads(json.dumps(run.as_dict()))) == run


def test_a_target_is_reached_by_the_first_evaluation_that_is_as_good() -> None:
    run = make_run(0.5, 0.7, 0.6, 0.9)
    assert run.first_at("accuracy", 0.7) == run.evaluations[1]
    assert run.first_at("accuracy", 0.71) == run.evaluations[3]
    assert run.first_at("accuracy", 0.95) is None
    assert run.best_value("accuracy") == 0.9


def test_a_loss_is_the_better_the_lower() -> None:
    run = make_run(0, 0, 0, 0)
    losses = (0.9, math.nan, 0.4, 0.6)
    run.evaluations = [
        replace(each, validation={"loss": loss}) for each, loss in zip(run.evaluations, losses, strict=True)
    ]
    assert run.best_value("loss") == 0.4
    assert run.first_at("loss", 0.5) == run.evaluations[2]
    assert run.first_at("loss", 0.3) is None


@pytest.mark.parametrize(("best", "frozen", "single_task"), [(0, [], False), (1, [3], True), (2, [3, 1, 2], True)])
def test_what_the_kept_parameters_have_is_of_their_evaluation(
    best: int, frozen: list[int], *, single_task: bool
) -> None:
    run = make_run(0.5, 0.7, 0.6)
    run.evaluations[-1] = replace(run.evaluations[-1], weights={"context": 0.0})
    run.freezes, run.best = [Freeze(2, 11, [3], []), Freeze(3, 21, [1, 2], [])], best
    assert (run.kept_frozen, run.kept_single_task) == (frozen, single_task)


def test_a_run_that_did_not_begin_has_no_time_and_no_steps() -> None:
    assert (Run().train_seconds, Run().steps) == (0.0, 0)
    assert (make_run(0.1, 0.2).train_seconds, make_run(0.1, 0.2).steps) == (3.0, 20)


def test_the_best_has_most_of_a_metric_and_least_of_the_loss_and_nan_is_never_the_best() -> None:
    run = make_run(0.5, 0.7, 0.7, float("nan"))
    losses = (0.2, 0.6, 0.5, float("nan"))
    scored = [
        replace(each, validation={**each.validation, "loss": loss})
        for each, loss in zip(run.evaluations, losses, strict=True)
    ]
    by = {name: max(range(4), key=lambda at, name=name: scored[at].rank(name)) for name in ("accuracy", "loss")}
    assert by == {"accuracy": 2, "loss": 0}
    assert min(range(4), key=lambda at: scored[at].rank("loss")) == 3
