from __future__ import annotations

import pytest
from tests.study.results import with_scores

from mt2st.study import Study, summarise
from mt2st.study.baselines import BASELINES, baselines_table, baselines_verdict, linear_baselines
from mt2st.text import LabelledText

POSITIVE, NEGATIVE = ["a fine film", "fine cast and fine plot"], ["a dull film", "dull cast and dull plot"]


def part(times: int) -> LabelledText:
    return LabelledText([*POSITIVE, *NEGATIVE] * times, ["pos", "pos", "neg", "neg"] * times)


def test_words_that_tell_the_class_are_found() -> None:
    found = linear_baselines(part(3), part(1), part(2))
    assert [each["accuracy"] for each in found] == [1.0, 1.0]
    assert all(each["macro_f1"] == pytest.approx(1.0) and each["seconds"] < 10 for each in found)


@pytest.mark.parametrize(("accuracy", "said"), [(0.8, "14.5 points above switch"), (0.6, "5.5 points below switch")])
def test_the_best_baseline_is_compared_with_the_best_strategy(accuracy: float, said: str) -> None:
    entry = {"name": "a line", "accuracy": accuracy, "macro_f1": 0.5, "seconds": 0.25}
    study = Study(
        [*with_scores("single-task", [0.60, 0.62]), *with_scores("switch", [0.65, 0.661])], about={BASELINES: [entry]}
    )
    assert baselines_verdict(study, summarise(study)).startswith(
        f"a line of scikit-learn reached {100 * accuracy:.1f} %"
    )
    assert said in baselines_verdict(study, summarise(study))
    assert list(baselines_table(study).rows[0]) == ["a line", f"{100 * accuracy:.1f} %", "50.0 %", "0.25"]
    without = Study(study.results)
    assert baselines_verdict(without, summarise(without)) == ""
