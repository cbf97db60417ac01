from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.study.conftest import QUICK, texts

from mt2st import Diminish, InputError, MultiTask, SingleTask, Switch
from mt2st.models.groups import TEXT_DEFAULTS
from mt2st.models.trained_model import AnyModel
from mt2st.network import encoder_class
from mt2st.study import Cell, CellResult, Grid, Method, Outcome, Study, StudyData, Watcher, run_study, worker
from mt2st.study.search import SEED, Found, Trial, best_of, check_search, search_settings
from mt2st.text import LabelledText
from mt2st.training import Callback, Evaluation, Trainer

pytest.importorskip("optuna", reason="needs the extra 'search'")

METHODS = {"single-task": SingleTask(), "multi-task": MultiTask(), "diminish": Diminish(), "switch": Switch(2)}
CELLS = Grid(METHODS, QUICK, seeds=(1, 2)).cells()
TWO = [cell for cell in CELLS if cell.name in ("single-task", "switch")]
RATES = encoder_class(QUICK.encoder.name).learning_rates


class Log(Watcher):
    def __init__(self) -> None:
        self.runs: list[str] = []

    def on_outcome(self, outcome: Outcome) -> None:
        self.runs.append(outcome.cell.title)


def records(folder: Path) -> dict[str, list[dict[str, object]]]:
    """What the trials of each method left, in their order, but for the seconds."""
    found: dict[str, list[dict[str, object]]] = {}
    for path in sorted((folder / "search").glob("*.trial=*"), key=lambda path: (path.name, len(path.name))):
        saved = [path / name for name in ("result.json", "error.json") if (path / name).is_file()]
        for each in saved:
            trial = json.loads(each.read_text(encoding="utf-8"))
            run = trial["result"]["run"] if "result" in trial else {"evaluations": [], "best": 0}
            kept = [each["validation"] for each in run["evaluations"]][run["best"] :][:1]
            identity = trial["identity"]
            found.setdefault(path.name.partition(".trial")[0], []).append(
                {"identity": identity, "kept": kept, "error": trial.get("error", "")}
            )
    return found


def choices(found: Found) -> list[tuple[str, dict[str, object], object]]:
    return [(cell.folder, cell.strategy.state_dict(), cell.settings) for cell in found.cells]


def test_every_method_has_the_same_number_of_trials_and_the_first_is_as_given(data: StudyData, tmp_path: Path) -> None:
    log = Log()
    found = search_settings(data.without_test(), CELLS, 3, folder=tmp_path, watcher=log)
    assert {name: len(trials) for name, trials in records(tmp_path).items()} == dict.fromkeys(METHODS, 3)
    assert len(log.runs) == 12
    assert log.runs[:5] == [*(f"{name}, trial 1, seed 1001" for name in METHODS), "single-task, trial 2, seed 1001"]
    for cell in CELLS[:4]:
        identity = cell.identity(data.without_test())
        identity["settings"]["seed"] = SEED
        assert records(tmp_path)[cell.name][0]["identity"] == identity
    assert [line["trials"] for line in found.about["methods"]] == [3] * 4
    assert [line["method"] for line in found.about["methods"]] == list(METHODS)
    assert (found.about["trials"], found.about["seed"], found.about["epochs"]) == (3, SEED, 2)
    assert 0 < found.about["train_seconds"] <= found.about["wall_seconds"]


def test_all_seeds_of_a_method_get_its_best_trials_values(data: StudyData, tmp_path: Path) -> None:
    found = search_settings(data.without_test(), CELLS, 4, folder=tmp_path)
    assert [cell.folder for cell in found.cells] == [cell.folder for cell in CELLS]
    for first, second, line in zip(found.cells[:4], found.cells[4:], found.about["methods"], strict=True):
        assert first.strategy == second.strategy
        assert first.settings == replace(second.settings, seed=1)
        trials = records(tmp_path)[first.name]
        best = max(trials, key=lambda trial: (trial["kept"][0]["accuracy"], -trial["kept"][0]["loss"]))
        assert best is trials[line["best"] - 1]
        assert line["score"] == best["kept"][0]["accuracy"]
        tried = {**best["identity"]["settings"], "seed": 1}
        assert json.loads(json.dumps(first.settings.flat())) == tried
        assert (first.settings.encoder.dropout or 0.3) == line["chosen"]["encoder__dropout"]
        run = CellResult.read(tmp_path / "search" / f"{first.name}.trial={line['best']}-seed1001" / "result.json").run
        assert run.evaluations[0].learning_rates["encoder"] == pytest.approx(
            line["chosen"]["optimisation__learning_rate"]
        )


def test_the_test_part_is_never_seen(data: StudyData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = list(texts(10).labels)
    random.Random(1).shuffle(labels)
    assert labels != list(texts(10).labels)
    permuted = replace(data, test=LabelledText(texts(10).texts, labels))
    assert permuted.fingerprint != data.fingerprint
    assert permuted.without_test().fingerprint == data.without_test().fingerprint
    seen = []
    attempt = worker._run
    monkeypatch.setattr(worker, "_run", lambda order, *rest: (seen.append(order.data.test), attempt(order, *rest))[1])
    one = search_settings(data.without_test(), CELLS, 3, folder=tmp_path / "one")
    other = search_settings(permuted.without_test(), CELLS, 3, folder=tmp_path / "other")
    assert choices(one) == choices(other)
    assert records(tmp_path / "one") == records(tmp_path / "other")
    assert seen == [None] * 24
    assert all(CellResult.read(path).test == {} for path in tmp_path.glob("one/search/*/result.json"))
    with pytest.raises(InputError, match="must not see the test part"):
        search_settings(data, CELLS, 3)


def test_a_search_repeats_exactly_and_a_larger_one_goes_on_with_it(data: StudyData, tmp_path: Path) -> None:
    data = data.without_test()
    first = search_settings(data, TWO, 6, folder=tmp_path / "first")
    log = Log()
    again = search_settings(data, TWO, 6, folder=tmp_path / "first", watcher=log)
    assert not log.runs
    assert choices(again) == choices(first)
    assert again.about == first.about
    search_settings(data, TWO, 2, folder=tmp_path / "grown")
    grown = search_settings(data, TWO, 6, folder=tmp_path / "grown", watcher=log)
    assert len(log.runs) == 8
    assert records(tmp_path / "grown") == records(tmp_path / "first")
    assert choices(grown) == choices(first) == choices(search_settings(data, TWO, 6))
    fewer = search_settings(data, TWO, 1, folder=tmp_path / "first")
    assert [(cell.strategy, cell.settings) for cell in fewer.cells] == [(cell.strategy, cell.settings) for cell in TWO]
    assert fewer.about["methods"][0]["trials"] == 1


class StopsInThirdTrial(Watcher):
    def callback(self, cell: Cell, model: AnyModel) -> Callback:
        class Stop(Callback):
            def on_evaluation(self, trainer: Trainer, evaluation: Evaluation) -> None:
                if evaluation.epoch == 1 and cell.title == "diminish, trial 3, seed 1001":
                    model.stop()

        return Stop()


def test_an_interrupted_search_goes_on_to_the_same_end(data: StudyData, tmp_path: Path) -> None:
    data = data.without_test()
    whole = search_settings(data, CELLS, 4, folder=tmp_path / "whole")
    stopped = search_settings(data, CELLS, 4, folder=tmp_path / "parts", watcher=StopsInThirdTrial())
    assert stopped.interrupted
    assert list(stopped.cells) == CELLS
    assert [len(trials) for trials in records(tmp_path / "parts").values()] == [2, 3, 3, 2]
    log = Log()
    rest = search_settings(data, CELLS, 4, folder=tmp_path / "parts", watcher=log)
    assert len(log.runs) == 6
    assert "diminish, trial 3, seed 1001" in log.runs
    assert records(tmp_path / "parts") == records(tmp_path / "whole")
    assert choices(rest) == choices(whole)


def test_a_failed_trial_counts_and_does_not_stop_the_others(
    data: StudyData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = worker._run

    def fragile(order: worker.Order, *rest: object) -> object:
        if order.cell.title == "switch, trial 2, seed 1001":
            raise ZeroDivisionError("a bug")
        return attempt(order, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(worker, "_run", fragile)
    found = search_settings(data.without_test(), CELLS, 3, folder=tmp_path)
    assert {name: len(trials) for name, trials in records(tmp_path).items()} == dict.fromkeys(METHODS, 3)
    failed = records(tmp_path)["switch"][1]
    assert (failed["kept"], failed["error"]) == ([], "ZeroDivisionError: a bug")
    assert [line["failed"] for line in found.about["methods"]] == [0, 0, 0, 1]
    log = Log()
    again = search_settings(data.without_test(), CELLS, 3, folder=tmp_path, watcher=log)
    assert not log.runs
    assert choices(again) == choices(found)
    # It says nothing of another search, in which the trial may do well.
    (folder,) = tmp_path.glob("search/switch.trial=2-*")
    other = json.loads((folder / "error.json").read_text(encoding="utf-8"))
    other["identity"]["data"] = "others"
    (folder / "error.json").write_text(json.dumps(other), encoding="utf-8")
    search_settings(data.without_test(), CELLS, 2, folder=tmp_path, watcher=log)
    assert log.runs == ["switch, trial 2, seed 1001"]


def test_where_all_trials_fail_the_values_stay_as_given(data: StudyData, tmp_path: Path) -> None:
    methods = {"bad": Method(SingleTask(), {"embedding__init": "nowhere.vec"}), "single-task": SingleTask()}
    cells = Grid(methods, QUICK, seeds=(1,)).cells()
    found = search_settings(data.without_test(), cells, 2, folder=tmp_path)
    assert found.cells[0] == cells[0]
    bad, good = found.about["methods"]
    assert (bad["trials"], bad["failed"], bad["score"], bad["best"]) == (2, 2, None, None)
    assert (good["trials"], good["failed"]) == (2, 0)


def test_a_trial_may_be_shorter(data: StudyData, tmp_path: Path) -> None:
    cells = Grid({"switch": Switch(2)}, QUICK.updated(optimisation__epochs=4), seeds=(1,)).cells()
    found = search_settings(data.without_test(), cells, 2, epochs=2, folder=tmp_path)
    for number in (1, 2):
        place = tmp_path / "search" / f"switch.trial={number}-seed1001"
        assert len(CellResult.read(place / "result.json").run.evaluations) == 2
        assert not (place / "model").exists()
    assert found.cells[0].settings.optimisation.epochs == 4


def test_the_first_of_equals_is_the_best_and_less_loss_decides_between_equal_scores() -> None:
    tried = [Trial({}, score, loss) for score, loss in ((0.5, 0.1), (None, 0.0), (0.8, float("nan")), (0.8, 0.3),
                                                            (0.8, 0.2), (0.8, 0.2))]  # fmt: skip
    assert best_of(tried) == 4
    assert best_of(tried[1:2]) is None


def test_what_does_not_belong_to_the_search_is_refused(data: StudyData, tmp_path: Path) -> None:
    data = data.without_test()
    frozen = QUICK.updated(transition__freeze_from=2, transition__freeze_fraction=0.5)
    with pytest.raises(InputError, match="in a trial of 1 epoch: .*freeze_from"):
        search_settings(data, Grid(METHODS, frozen, seeds=(1,)).cells(), 2, epochs=1, folder=tmp_path)
    for trials, epochs, seeds, message in (
        (0, None, (1,), "at least 1 trial"),
        (1, 0, (1,), "at least 1 epoch"),
        (1, None, (1, SEED), f"seed {SEED} is the search's"),
    ):
        with pytest.raises(InputError, match=message):
            check_search(trials, epochs, seeds)
    search_settings(data, CELLS[:2], 1, folder=tmp_path)
    log = Log()
    for changed, other in (
        (
            {"cells": [replace(cell, settings=cell.settings.updated(optimisation__epochs=3)) for cell in CELLS]},
            "settings",
        ),
        ({"data": replace(data, validation=texts(6))}, "data"),
        ({"epochs": 1}, "settings"),
    ):
        given: dict[str, Any] = {"data": data, "cells": CELLS, "trials": 1, **changed}
        with pytest.raises(InputError, match=f"trial=1-seed1001.result.json is the result of other {other}"):
            search_settings(**given, folder=tmp_path, watcher=log)
    assert not log.runs


def test_a_search_with_other_defaults_is_refused(
    data: StudyData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = data.without_test()
    search_settings(data, CELLS[:1], 1, folder=tmp_path)
    monkeypatch.setattr(encoder_class(QUICK.encoder.name), "learning_rates", (0.5, RATES[1]))
    with pytest.raises(
        InputError, match=r"is the result of other defaults \(optimisation.learning_rate is 0.005 there"
    ):
        search_settings(data, CELLS[:1], 1, folder=tmp_path)


def test_the_study_runs_with_what_was_chosen_and_keeps_its_models(data: StudyData, tmp_path: Path) -> None:
    found = search_settings(data.without_test(), CELLS, 3, folder=tmp_path)
    study = run_study(data, found.cells, folder=tmp_path, about={"search": found.about})
    usual = TEXT_DEFAULTS["encoder__dropout"]  # what is not given
    assert [result.identity["settings"]["encoder.dropout"] or usual for result in study.results] == [
        line["chosen"]["encoder__dropout"] for line in found.about["methods"] for _ in (1, 2)
    ]
    assert Study.load(tmp_path).about["search"] == found.about
    assert len(Study.load(tmp_path).results) == 8
    assert (tmp_path / "switch-seed1" / "model").is_dir()


@pytest.mark.slow
def test_several_processes_find_what_one_does(data: StudyData, tmp_path: Path) -> None:
    data = data.without_test()
    alone = search_settings(data, TWO, 2, folder=tmp_path / "alone")
    several = search_settings(data, TWO, 2, folder=tmp_path / "several", jobs=2)
    assert choices(several) == choices(alone)
    assert records(tmp_path / "several") == records(tmp_path / "alone")
    assert not list((tmp_path / "several" / "search").glob(".stop-*"))
