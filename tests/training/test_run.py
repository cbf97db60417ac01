from __future__ import annotations

import json

from mt2st.training import Evaluation, Run, Transition


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


def test_seconds_to_a_target_are_those_of_the_first_evaluation_that_reached_it() -> None:
    run = make_run(0.5, 0.7, 0.6, 0.9)
    assert run.seconds_to("accuracy", 0.7) == 3.0
    assert run.seconds_to("accuracy", 0.71) == 6.0
    assert run.seconds_to("accuracy", 0.95) is None
    assert run.best_value("accuracy") == 0.9


def test_a_run_that_did_not_begin_has_no_time_and_no_steps() -> None:
    assert (Run().train_seconds, Run().steps) == (0.0, 0)
    assert (make_run(0.1, 0.2).train_seconds, make_run(0.1, 0.2).steps) == (3.0, 20)
