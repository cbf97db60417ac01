from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from mt2st.errors import InputError
from mt2st.models.settings import ModelSettings
from mt2st.strategy import (
    DWA,
    MGDA,
    AdaptiveDiminish,
    AdaptiveSwitch,
    Bloop,
    CAGrad,
    Diminish,
    GradientCosine,
    MultiTask,
    Observation,
    PCGrad,
    PretrainFinetune,
    SingleTask,
    Strategy,
    Switch,
    UncertaintyWeighting,
    known_strategies,
    load_strategy,
)

EVERY_KIND = [
    SingleTask(auxiliaries=["a", "b"]),
    MultiTask({"a": 0.5, "b": 2}, auxiliaries=["a", "b"]),
    Diminish({"a": 0.5, "b": 0.1}, curvature=1.5, unit="step", auxiliaries=["a", "b"]),
    Switch(at=4, weight=0.7, unit="step", auxiliaries=["a", "b"]),
    Switch(at={"a": 2, "b": 4}, auxiliaries=["a", "b"]),
    PretrainFinetune(at=4, weight={"a": 0.7, "b": 1}, unit="step", auxiliaries=["a", "b"]),
    UncertaintyWeighting(0.1, initial={"a": 0.7, "b": 1}, auxiliaries=["a", "b"]),
    PCGrad(auxiliaries=["a", "b"]),
    MGDA(0.5, auxiliaries=["a", "b"]),
    CAGrad({"a": 0.7, "b": 1}, radius=0.3, auxiliaries=["a", "b"]),
    GradientCosine(gate=True, auxiliaries=["a", "b"]),
    Bloop(memory=0.99, auxiliaries=["a", "b"]),
    DWA(3.0, auxiliaries=["a", "b"]),
]


@pytest.mark.parametrize("strategy", EVERY_KIND, ids=repr)
def test_state_survives_json_and_gives_the_same_weights(strategy: Strategy) -> None:
    again = load_strategy(json.loads(json.dumps(strategy.state_dict())))
    assert again == strategy
    assert all(again.weights(t) == strategy.weights(t) for t in range(1, 20))


@pytest.mark.parametrize("strategy", [each for each in EVERY_KIND if not isinstance(each, DWA)], ids=repr)
def test_an_evaluation_leaves_a_fixed_schedule_alone(strategy: Strategy) -> None:
    before = strategy.state_dict()
    strategy.after_evaluation(Observation(epoch=1, step=3, metrics={"loss": 1.0}))
    assert strategy.state_dict() == before


FIXED = [each for each in EVERY_KIND if not isinstance(each, DWA | UncertaintyWeighting)]


@pytest.mark.parametrize("strategy", FIXED, ids=repr)
@pytest.mark.parametrize("last", [1, 3, 4, 100])
def test_the_transition_is_foreseen_where_the_weights_have_it(strategy: Strategy, last: int) -> None:
    on = [any(strategy.weights(t).values()) for t in range(1, last + 1)]
    assert strategy.transition_time(last) == (1 + on.index(False) if on[0] and False in on else None)


@pytest.mark.parametrize("strategy", EVERY_KIND, ids=repr)
@pytest.mark.parametrize("last", [1, 3, 4, 100])
def test_the_end_of_each_task_is_foreseen_where_its_weights_have_it(strategy: Strategy, last: int) -> None:
    for task in strategy.auxiliaries:
        on = [strategy.weights(t)[task] > 0 for t in range(1, last + 1)]
        assert strategy.off_from(task, last) == (last + 1 if all(on) else 1 + on.index(False))


def test_the_end_of_a_task_that_adapts_is_what_is_known_now() -> None:
    assert AdaptiveSwitch(auxiliaries=["a"]).off_from("a", last=8) == 9
    assert AdaptiveSwitch(latest=4, auxiliaries=["a"]).off_from("a", last=8) == 4
    adaptive = AdaptiveDiminish(0.5, auxiliaries=["a"])
    assert adaptive.off_from("a", last=8) == Diminish(0.5, auxiliaries=["a"]).off_from("a", last=8) == 6
    adaptive.after_evaluation(Observation(1, 10, gradient_cosines={"a": -0.1}))
    assert adaptive.off_from("a", last=8) < 6


def test_the_default_diminish_is_single_task_within_the_default_epochs() -> None:
    assert Diminish(auxiliaries=["a"]).transition_time(ModelSettings().optimisation.epochs) == 6


@pytest.mark.parametrize("kind", [AdaptiveSwitch, AdaptiveDiminish, DWA, UncertaintyWeighting])
def test_what_the_training_decides_cannot_be_foreseen(kind: type[Strategy]) -> None:
    assert not kind.is_fixed
    with pytest.raises(InputError, match=f"{kind.__name__} decides on its transition during the training"):
        kind(auxiliaries=["a"]).transition_time(8)


class _Every(Strategy):
    """Any weights that a test gives."""

    is_fixed = True
    off_is_final = False

    def __init__(self, given: object = (1.0,), *, auxiliaries: list[str] | None = None) -> None:
        self.given = given
        super().__init__(auxiliaries)

    def weight_of(self, task: str, t: int) -> float:
        return self.given[(t - 1) % len(self.given)]  # type: ignore[no-any-return, index, arg-type]


@pytest.mark.parametrize(
    ("weights", "transition"),
    [([1, 0, 1, 0, 0], 4), ([0, 1, 0, 0, 0], 3), ([1, 0, 0, 0, 1], None), ([0, 0, 0, 0, 0], None)],
)
def test_the_transition_of_tasks_that_come_back_is_when_the_last_one_stays_off(
    weights: list[float], transition: int | None
) -> None:
    assert _Every(weights, auxiliaries=["a"]).transition_time(5) == transition


@pytest.mark.parametrize("weight", [math.nan, math.inf, -0.5, None, "1", np.float32("nan"), np.array([1.0, 2.0])])
def test_a_weight_that_is_none_is_named(weight: object) -> None:
    strategy = _Every([1.0, weight], auxiliaries=["a"])
    assert strategy.weights(1) == {"a": 1.0}
    with pytest.raises(InputError, match=r"_Every\.weight_of\('a', 2\) returned .*a finite number of at least 0"):
        strategy.weights(2)
    with pytest.raises(InputError, match=r"_Every\.weight_of\('a', 2\) returned"):
        strategy.weights_at(epoch=2, step=1)
    strategy.primary_weight = lambda _: weight  # type: ignore[method-assign, assignment, return-value]
    with pytest.raises(InputError, match=r"_Every\.primary_weight\(3\) returned"):
        strategy.primary_weight_at(epoch=3, step=9)


@pytest.mark.parametrize("weight", [True, 1, np.float32(1), np.int64(1), np.bool_(True), np.array(1.0)])
def test_weights_are_numbers_of_python(weight: object) -> None:
    found = _Every([weight], auxiliaries=["a"]).weights(1)["a"]
    assert (found, type(found)) == (1.0, float)


def test_a_setting_of_numpy_is_saved_compared_and_shown() -> None:
    strategy = _Every(np.array([1.0, 0.5]), auxiliaries=["a"])
    again = _Every.from_state_dict(json.loads(json.dumps(strategy.state_dict())))
    assert again == strategy == _Every(np.array([1.0, 0.5]), auxiliaries=["a"]) != _Every(np.ones(2), auxiliaries=["a"])
    assert again.weights(2) == strategy.weights(2) == {"a": 0.5}
    assert repr(strategy) == "_Every(given=[1.0, 0.5])"
    assert json.dumps(_Every({"x": (np.float32(0.5), np.int64(2))}).settings()) == '{"given": {"x": [0.5, 2]}}'


def test_a_mapping_is_by_task_only_where_the_strategy_says_so() -> None:
    assert _Every({0: 0.5}, auxiliaries=["a"]).weights(1) == {"a": 0.5}

    class _ByTask(_Every):
        per_task = ("given",)

    with pytest.raises(InputError, match="given names the unknown task '0'"):
        _ByTask({0: 0.5}, auxiliaries=["a"])


@pytest.mark.parametrize("strategy", EVERY_KIND, ids=repr)
def test_time_starts_at_one(strategy: Strategy) -> None:
    with pytest.raises(InputError, match=r"counts (epoch|step)s from 1 in whole numbers, found 0"):
        strategy.weights(0)


def test_single_task_is_always_off_and_multi_task_always_on() -> None:
    assert {SingleTask(auxiliaries=["a"]).weights(t)["a"] for t in (1, 5, 500)} == {0.0}
    assert {MultiTask(0.3, auxiliaries=["a"]).weights(t)["a"] for t in (1, 5, 500)} == {0.3}


def test_settings_for_an_unknown_task_are_rejected_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="decay names the unknown task 'contxt'. Did you mean 'context'?"):
        Diminish({"contxt": 0.5}).bind(["context"])


def test_a_task_without_its_setting_is_rejected() -> None:
    with pytest.raises(InputError, match="weight has no value for the auxiliary task 'b', only for 'a'"):
        MultiTask({"a": 1.0}, auxiliaries=["a", "b"])


def test_binding_leaves_the_original_unbound() -> None:
    strategy = Switch(at=3)
    assert strategy.bind(["a"]).weights(1) == {"a": 1.0}
    with pytest.raises(InputError, match="does not know its auxiliary tasks yet"):
        strategy.weights(1)


@pytest.mark.parametrize("names", ["context", ["a", "a"]])
def test_auxiliaries_must_be_a_list_of_different_names(names: object) -> None:
    with pytest.raises(InputError, match="auxiliar"):
        Switch(at=3, auxiliaries=names)  # type: ignore[arg-type]


def test_an_unknown_unit_is_rejected() -> None:
    with pytest.raises(InputError, match="unit must be 'epoch' or 'step', found 'batch'"):
        Switch(at=3, unit="batch")  # type: ignore[arg-type]


def test_an_unknown_strategy_is_rejected_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="unknown strategy 'dimnish'. Did you mean 'diminish'?"):
        load_strategy({"strategy": "dimnish"})
    with pytest.raises(InputError, match="settings do not fit the strategy 'switch'"):
        load_strategy({"strategy": "switch", "settings": {"when": 3}})


def test_the_strategies_load_neither_torch_nor_numba_nor_numpy() -> None:
    code = "import sys, mt2st.strategy; print(sorted({'torch', 'numba', 'numpy'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_papers_strategies_are_known_first() -> None:
    assert list(known_strategies())[:4] == ["single-task", "multi-task", "diminish", "switch"]


def test_a_whole_number_may_be_a_float() -> None:
    assert Switch(at=3.0).at == 3
    with pytest.raises(InputError, match="at must be a whole number of at least 1, found 3.5"):
        Switch(at=3.5)
