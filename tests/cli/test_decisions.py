"""What an adaptive strategy decides reaches the options' user: on stderr, in the log and in the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mt2st.cli.main import main
from mt2st.cli.strategy_options import strategy_options
from mt2st.strategy import AdaptiveDiminish, AdaptiveSwitch


def report_of(run: Path) -> dict[str, list[dict[str, object]]]:
    report: dict[str, list[dict[str, object]]] = json.loads((run / "report.json").read_text(encoding="utf-8"))
    return report


def test_a_decision_is_told_logged_and_reported(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--strategy", "adaptive-switch", "--switch-minimum-gain", "9", "--off-below", "-1", "--epochs", "3"]
    assert main([*train_arguments, *words]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "because" in line]
    assert len(told) == 1
    assert "off, because the validation loss has not improved for 1 evaluation (loss " in told[0]
    assert "minimum_gain 9" in told[0]
    report = report_of(tmp_path / "run")
    (decision,), (transition,) = report["decisions"], report["transitions"]
    assert (decision["action"], decision["epoch"]) == ("off", 2)
    assert transition["task"] == decision["task"]
    assert transition["epoch"] == 3
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert [{**line, "event": None} for line in lines if line["event"] == "decision"] == [{**decision, "event": None}]


def test_a_fixed_course_decides_nothing_but_its_transitions_are_reported(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*train_arguments, "--strategy", "switch", "--switch-at", "2"]) == 0
    assert "because" not in capsys.readouterr().err
    report = report_of(tmp_path / "run")
    assert report["decisions"] == []
    assert [each["epoch"] for each in report["transitions"]] == [2]


def test_the_bounds_of_the_adaptive_strategies_can_be_set() -> None:
    options = strategy_options()(switch_minimum_gain=0.01, off_below=-0.2, clear_above=0.1, sensitivity=5.0)
    switch, diminish = options.build("adaptive-switch", ["a"]), options.build("adaptive-diminish", ["a"])
    assert isinstance(switch, AdaptiveSwitch)
    assert (switch.minimum_gain, switch.off_below, switch.clear_above) == (0.01, -0.2, 0.1)
    assert isinstance(diminish, AdaptiveDiminish)
    assert diminish.sensitivity == 5


@pytest.mark.parametrize(("signal", "bound", "sensitivity"), [("cosine", -0.03, 20), ("gain", -0.3, 3)])
def test_bounds_that_are_not_given_are_the_signals(signal: str, bound: float, sensitivity: float) -> None:
    options = strategy_options()(signal=signal)
    switch, diminish = options.build("adaptive-switch", ["a"]), options.build("adaptive-diminish", ["a"])
    assert isinstance(switch, AdaptiveSwitch)
    assert isinstance(diminish, AdaptiveDiminish)
    assert (switch.bound, diminish.strength) == (bound, sensitivity)
