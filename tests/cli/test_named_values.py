from __future__ import annotations

import math

import pytest

from mt2st.cli.strategy_options import of_tasks, parse_named, strategy_options
from mt2st.errors import InputError
from mt2st.strategy import Diminish, MultiTask, Switch

TASKS = ("context", "analogy", "spearman")


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["0.5"], 0.5),
        (["analogy=0.3"], {"analogy": 0.3}),
        (["0.5", "analogy=0.3"], {"others": 0.5, "analogy": 0.3}),
        (["analogy=1e-3", "spearman=2"], {"analogy": 1e-3, "spearman": 2.0}),
    ],
)
def test_words_become_a_number_or_one_by_task(words: list[str], value: object) -> None:
    assert parse_named(words, float, "number") == value


@pytest.mark.parametrize("words", [[], ["fast"], ["analogy="], ["0.5", "0.6"], ["analogy=1", "analogy=2"]])
def test_other_words_are_refused(words: list[str]) -> None:
    with pytest.raises(ValueError, match="give a number|neither a number nor|a second number"):
        parse_named(words, float, "number")


def test_tasks_that_are_not_named_have_the_others_number_or_the_default() -> None:
    assert of_tasks("--decay", {"analogy": 0.3}, TASKS, 0.5) == {"context": 0.5, "analogy": 0.3, "spearman": 0.5}
    assert of_tasks("--decay", {"analogy": 0.3, "others": 2}, TASKS, 0.5)["context"] == 2  # type: ignore[index]
    assert of_tasks("--decay", 0.7, TASKS, 0.5) == 0.7


def test_a_task_of_no_such_name_is_refused() -> None:
    with pytest.raises(InputError, match=r"--decay names 'analgy', .* Did you mean 'analogy'\?"):
        strategy_options()(decay={"analgy": 1}).build("diminish", TASKS)


def test_every_strategy_takes_numbers_by_task() -> None:
    weights = {"context": 1.0, "analogy": 0.3, "spearman": 1.0}
    options = strategy_options()(decay={"analogy": 0.1}, initial={"spearman": 2}, auxiliary_weight={"analogy": 0.3})
    assert options.build("multi-task", TASKS) == MultiTask(weights)
    assert options.build("switch", TASKS) == Switch(4, weight=weights)
    at = strategy_options()(switch_at={"others": 4, "analogy": 2}).build("switch", TASKS)
    assert at == Switch({"context": 4, "analogy": 2, "spearman": 4})
    assert options.build("diminish", TASKS) == Diminish(
        {"context": 0.5, "analogy": 0.1, "spearman": 0.5}, initial={"context": 1.0, "analogy": 1.0, "spearman": 2}
    )


def test_equation_11_by_its_factors() -> None:
    options = strategy_options()(factor={"analogy": 0.9, "spearman": 0.8})
    strategy = options.build("diminish", ("analogy", "spearman")).bind(("analogy", "spearman"))
    for t in range(1, 6):
        assert strategy.weights(t) == pytest.approx({"analogy": 0.9**t, "spearman": 0.8**t})
    unnamed = options.build("diminish", TASKS).bind(TASKS)
    assert unnamed.weights(1)["context"] == pytest.approx(math.exp(-0.5))


def test_times_are_whole_numbers() -> None:
    assert parse_named(["4", "analogy=2"], int, "whole number") == {"others": 4, "analogy": 2}
    with pytest.raises(ValueError, match="'analogy=2.5' is neither a whole number nor NAME=NUMBER"):
        parse_named(["analogy=2.5"], int, "whole number")


def test_pretraining_ends_for_all_tasks_at_once() -> None:
    with pytest.raises(InputError, match="--switch-at: pretrain-finetune has one value for all auxiliary tasks"):
        strategy_options()(switch_at={"analogy": 2}).build("pretrain-finetune", TASKS)


def test_two_forms_of_diminish_at_once_are_refused() -> None:
    with pytest.raises(InputError, match="--factor is in place of --decay"):
        strategy_options()(factor=0.9, decay=0.1).build("diminish", TASKS)
