from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from mt2st.errors import InputError
from mt2st.study.paper.protocol import QUICK, REFERENCE, SOUND, Protocol
from mt2st.text import LabelledText


def reviews(n: int) -> LabelledText:
    return LabelledText([f"review number {number}" for number in range(n)], ["01"[n % 2] for n in range(n)])


def texts(part: object) -> set[str]:
    return set(cast("LabelledText", part).texts)


@pytest.mark.parametrize(("n", "tested"), [(1250, 250), (5000, 4000), (9000, 4000)])
def test_the_sound_protocol_never_tests_on_what_it_learned_from_or_chose_by(n: int, tested: int) -> None:
    data = SOUND.data(reviews(n))
    train, validation, test = texts(data.train), texts(data.validation), texts(data.test)
    assert (len(train), len(validation), len(test)) == (750, 250, tested)
    assert not train & validation
    assert not (train | validation) & test
    assert set(data.unlabelled()) >= validation | test


def test_the_sample_is_the_one_that_pandas_draws() -> None:
    """``DataFrame.sample(1000, random_state=24)`` of 5,000 rows begins with these rows (pandas 3.1.1)."""
    data = SOUND.data(reviews(5000))
    drawn = texts(data.train) | texts(data.validation)
    assert {f"review number {number}" for number in (1941, 4088, 4564, 2075, 3)} <= drawn
    assert texts(SOUND.data(reviews(5000), sample=1).train) != texts(data.train)


def test_the_reference_protocol_learns_from_750_and_tests_on_the_other_250_of_the_same_sample() -> None:
    data, sound = REFERENCE.data(reviews(5000)), SOUND.data(reviews(5000))
    assert texts(data.train) == texts(sound.train)
    assert texts(data.test) == texts(sound.validation)
    assert texts(data.validation) == texts(data.train)
    assert list(data.unlabelled()) == []


def test_too_few_reviews_are_refused() -> None:
    with pytest.raises(InputError, match="the sound protocol needs 1,250 labelled texts or more, found 1,249"):
        SOUND.data(reviews(1249))
    REFERENCE.data(reviews(1000))


def test_schedules_of_the_reference_are_the_published_ones() -> None:
    diminish, switch = (REFERENCE.strategies()[name].bind(["analogy"]) for name in ("diminish", "switch"))
    assert diminish.weights(20)["analogy"] == pytest.approx(0.95**20)  # eq 11
    assert [switch.weights(epoch)["analogy"] for epoch in (15, 16, 25)] == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("protocol", [SOUND, QUICK])
@pytest.mark.parametrize("weight", [0.1, 1.0])
def test_diminish_falls_and_comes_to_the_single_task_within_the_epochs(protocol: Protocol, weight: float) -> None:
    diminish = replace(protocol, weight=weight).strategies()["diminish"].bind(["analogy"])
    weights = [diminish.weights(epoch)["analogy"] for epoch in range(1, protocol.settings["optimisation__epochs"] + 1)]
    assert weight > weights[0] > weights[1] > 0
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] == 0.0
