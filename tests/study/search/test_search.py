from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from tests.study.conftest import QUICK, texts

from mt2st import Diminish, InputError, MultiTask, SingleTask, Switch
from mt2st.models.groups import TEXT_DEFAULTS
from mt2st.models.trained_model import AnyModel
from mt2st.network import encoder_class
from mt2st.study import Cell, CellResult, Grid, Method, Outcome, Study, StudyData, Watcher, run_study, worker
from mt2st.study.search import Found, Record, Search, Trial, search_settings
from mt2st.text import LabelledText
from mt2st.training import Callback, Evaluation, Trainer

pytest.importorskip("optuna", reason="needs the extra 'search'")

METHODS = {"single-task": SingleTask(), "multi-task": MultiTask(), "diminish": Diminish(), "switch": Switch(2)}
CELLS = Grid(METHODS, QUICK, seeds=(1, 2)).cells()
TWO = [cell for cell in CELLS if cell.name in ("single-task", "switch")]
SEARCH = Search(3)
RATES = encoder_class(QUICK.encoder.name).learning_rates


class Log(Watcher):
    def __init__(self) -> None:
        self.runs: list[str] = []

    def on_outcome(self, outcome: Outcome) -> None:
        self.runs.append(outcome.cell.title)


def records(folder: Path) -> dict[str, list[dict[str, object]]]:
    """What the records say, but for the seconds."""
    found = {}
    for path in sorted((folder / "search").glob("*.json")):
        trials = json.loads(path.read_text(encoding="utf-8"))["trials"]
        found[path.stem] = [{key: value for key, value in each.items() if "seconds" not in key} for each in trials]
    return found


def choices(found: Found) -> list[tuple[str, dict[str, object], object]]:
    return [(cell.folder, cell.strategy.state_dict(), cell.settings) for cell in found.cells]


def test_every_method_has_the_same_number_of_trials_and_the_first_is_as_given(data: StudyData, tmp_path: Path) -> None:
    log = Log()
    found = search_settings(data.without_test(), CELLS, SEARCH, folder=tmp_path, watcher=log)
    assert {name: len(trials) for name, trials in records(tmp_path).items()} == dict.fromkeys(METHODS, 3)
    assert len(log.runs) == 12
    assert log.runs[:5] == [*(f"{name}, trial 1, seed 1001" for name in METHODS), "single-task, trial 2, seed 1001"]
    assert records(tmp_path)["switch"][0]["values"] == {
        "optimisation__learning_rate": RATES[0],
        "optimisation__embedding_learning_rate": RATES[1],
        "encoder__dropout": 0.3,
        "weight": 1.0,
        "at": 2,
    }
    assert [line["trials"] for line in found.about["methods"]] == [3] * 4
    assert [line["method"] for line in found.about["methods"]] == list(METHODS)
    assert (found.about["trials"], found.about["seeds"], found.about["epochs"]) == (3, [1001], 2)
    assert 0 < found.about["train_seconds"] <= found.about["wall_seconds"]


def test_all_seeds_of_a_method_get_its_best_trials_values(data: StudyData, tmp_path: Path) -> None:
    found = search_settings(data.without_test(), CELLS, Search(4), folder=tmp_path)
    assert [cell.folder for cell in found.cells] == [cell.folder for cell in CELLS]
    for first, second, line in zip(found.cells[:4], found.cells[4:], found.about["methods"], strict=True):
        assert first.strategy == second.strategy
        assert first.settings == replace(second.settings, seed=1)
        trials = records(tmp_path)[first.name]
        best = max(trials, key=lambda trial: (trial["score"], -trial["loss"]))
        assert best is trials[line["best"] - 1]
        assert line["chosen"] == best["values"]
        assert first.settings.encoder.dropout == best["values"]["encoder__dropout"]
        run = CellResult.read(tmp_path / "search" / f"{first.name}.trial={line['best']}-seed1001" / "result.json").run
        assert best["score"] == run.best_value("accuracy")
        assert run.evaluations[0].learning_rates["encoder"] == pytest.approx(
            best["values"]["optimisation__learning_rate"]
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
    one = search_settings(data.without_test(), CELLS, SEARCH, folder=tmp_path / "one")
    other = search_settings(permuted.without_test(), CELLS, SEARCH, folder=tmp_path / "other")
    assert choices(one) == choices(other)
    assert records(tmp_path / "one") == records(tmp_path / "other")
    assert seen == [None] * 24
    assert all(CellResult.read(path).test == {} for path in tmp_path.glob("one/search/*/result.json"))
    with pytest.raises(InputError, match="must not see the test part"):
        search_settings(data, CELLS, SEARCH)


def test_a_search_repeats_exactly_and_a_larger_one_goes_on_with_it(data: StudyData, tmp_path: Path) -> None:
    data = data.without_test()
    first = search_settings(data, TWO, Search(6), folder=tmp_path / "first")
    log = Log()
    again = search_settings(data, TWO, Search(6), folder=tmp_path / "first", watcher=log)
    assert not log.runs
    assert choices(again) == choices(first)
    assert again.about == first.about
    search_settings(data, TWO, Search(2), folder=tmp_path / "grown")
    grown = search_settings(data, TWO, Search(6), folder=tmp_path / "grown", watcher=log)
    assert len(log.runs) == 8
    assert records(tmp_path / "grown") == records(tmp_path / "first")
    assert choices(grown) == choices(first) == choices(search_settings(data, TWO, Search(6)))
    fewer = search_settings(data, TWO, Search(1), folder=tmp_path / "first")
    assert [(cell.strategy, cell.settings) for cell in fewer.cells] == [(cell.strategy, cell.settings) for cell in TWO]
    assert fewer.about["methods"][0]["trials"] == 1


class StopsInThirdTrial(Watcher):
    model: AnyModel

    def on_model(self, model: AnyModel) -> None:
        self.model = model

    def callback(self, cell: Cell) -> Callback:
        watcher = self

        class Stop(Callback):
            def on_evaluation(self, trainer: Trainer, evaluation: Evaluation) -> None:
                if evaluation.epoch == 1 and cell.title == "diminish, trial 3, seed 1001":
                    watcher.model.stop()

        return Stop()


def test_an_interrupted_search_goes_on_to_the_same_end(data: StudyData, tmp_path: Path) -> None:
    data = data.without_test()
    whole = search_settings(data, CELLS, Search(4), folder=tmp_path / "whole")
    stopped = search_settings(data, CELLS, Search(4), folder=tmp_path / "parts", watcher=StopsInThirdTrial())
    assert stopped.interrupted
    assert list(stopped.cells) == CELLS
    assert [len(trials) for trials in records(tmp_path / "parts").values()] == [2, 3, 3, 2]
    log = Log()
    rest = search_settings(data, CELLS, Search(4), folder=tmp_path / "parts", watcher=log)
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
    found = search_settings(data.without_test(), CELLS, SEARCH, folder=tmp_path)
    assert {name: len(trials) for name, trials in records(tmp_path).items()} == dict.fromkeys(METHODS, 3)
    failed = records(tmp_path)["switch"][1]
    assert (failed["score"], failed["error"]) == (None, "ZeroDivisionError: a bug")
    assert [line["failed"] for line in found.about["methods"]] == [0, 0, 0, 1]
    log = Log()
    again = search_settings(data.without_test(), CELLS, SEARCH, folder=tmp_path, watcher=log)
    assert not log.runs
    assert choices(again) == choices(found)


def test_where_all_trials_fail_the_values_stay_as_given(data: StudyData, tmp_path: Path) -> None:
    methods = {"bad": Method(SingleTask(), {"embedding__init": "nowhere.vec"}), "single-task": SingleTask()}
    cells = Grid(methods, QUICK, seeds=(1,)).cells()
    found = search_settings(data.without_test(), cells, Search(2), folder=tmp_path)
    assert found.cells[0] == cells[0]
    bad, good = found.about["methods"]
    assert (bad["trials"], bad["failed"], bad["score"], bad["best"]) == (2, 2, None, None)
    assert (good["trials"], good["failed"]) == (2, 0)


def test_several_seeds_are_averaged_and_a_trial_may_be_shorter(data: StudyData, tmp_path: Path) -> None:
    cells = Grid({"switch": Switch(2)}, QUICK.updated(optimisation__epochs=4), seeds=(1,)).cells()
    search = Search(2, seeds=(7, 8), epochs=2)
    found = search_settings(data.without_test(), cells, search, folder=tmp_path)
    for number, trial in enumerate(records(tmp_path)["switch"], start=1):
        runs = [CellResult.read(tmp_path / "search" / f"switch.trial={number}-seed{seed}" / "result.json").run
                for seed in search.seeds]  # fmt: skip
        assert [len(run.evaluations) for run in runs] == [2, 2]
        assert trial["score"] == pytest.approx(sum(run.best_value("accuracy") for run in runs) / 2)
    assert found.cells[0].settings.optimisation.epochs == 4
    assert not (tmp_path / "search" / "switch.trial=1-seed7" / "model").exists()


def test_the_first_of_equals_is_the_best_and_less_loss_decides_between_equal_scores() -> None:
    tried = [Trial({}, {}, score, loss) for score, loss in ((0.5, 0.1), (None, 0.0), (0.8, float("nan")), (0.8, 0.3),
                                                            (0.8, 0.2), (0.8, 0.2))]  # fmt: skip
    assert Record({}, tried).best == 4
    assert Record({}, tried[1:2]).best is None


def test_what_does_not_belong_to_the_search_is_refused(data: StudyData, tmp_path: Path) -> None:
    data = data.without_test()
    for wrong, message in (
        (Search(2, seeds=(2, 3)), "seed 2 is one of the study's and of the search"),
        (Search(2, epochs=1), "in a trial of 1 epoch: .*freeze_from"),
    ):
        cells = Grid(
            METHODS, QUICK.updated(transition__freeze_from=2, transition__freeze_fraction=0.5), seeds=(1, 2)
        ).cells()
        with pytest.raises(InputError, match=message):
            search_settings(data, cells, wrong, folder=tmp_path)
    for settings, message in (((0,), "at least 1 trial"), ((1, ()), "different seeds"), ((1, (5,), 0), "1 epoch")):
        with pytest.raises(InputError, match=message):
            Search(*settings)  # type: ignore[arg-type]
    search_settings(data, CELLS[:2], Search(1), folder=tmp_path)
    log = Log()
    for changed, other in (
        (
            {"cells": [replace(cell, settings=cell.settings.updated(optimisation__epochs=3)) for cell in CELLS]},
            "settings",
        ),
        ({"data": replace(data, validation=texts(6))}, "data"),
        ({"search": Search(1, seeds=(9,))}, "search"),
    ):
        given = {"data": data, "cells": CELLS, "search": Search(1), **changed}
        with pytest.raises(InputError, match=f"single-task.json is the search with other {other}"):
            search_settings(**given, folder=tmp_path, watcher=log)  # type: ignore[arg-type]
    (tmp_path / "search" / "single-task.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match="not the record of a search"):
        search_settings(data, CELLS, Search(1), folder=tmp_path, watcher=log)
    assert not log.runs


def test_a_search_with_other_defaults_is_refused(
    data: StudyData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = data.without_test()
    search_settings(data, CELLS[:1], Search(1), folder=tmp_path)
    monkeypatch.setattr(encoder_class(QUICK.encoder.name), "learning_rates", (0.5, RATES[1]))
    message = (
        r"single-task.json is the search with other defaults \(optimisation.learning_rate is 0.005 there and 0.5 here"
    )
    with pytest.raises(InputError, match=message):
        search_settings(data, CELLS[:1], Search(1), folder=tmp_path)


def test_the_study_runs_with_what_was_chosen_and_keeps_its_models(data: StudyData, tmp_path: Path) -> None:
    found = search_settings(data.without_test(), CELLS, SEARCH, folder=tmp_path)
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
    alone = search_settings(data, TWO, Search(2), folder=tmp_path / "alone")
    several = search_settings(data, TWO, Search(2), folder=tmp_path / "several", jobs=2)
    assert choices(several) == choices(alone)
    assert records(tmp_path / "several") == records(tmp_path / "alone")
    assert not list((tmp_path / "several" / "search").glob(".stop-*"))
