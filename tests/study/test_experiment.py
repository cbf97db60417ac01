from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.study.conftest import QUICK, texts
from tests.study.results import cell

from mt2st import InputError, MultiTask, SingleTask, Strategy, Switch
from mt2st.models import ModelSettings
from mt2st.models.trained_model import AnyModel
from mt2st.network import encoder_class
from mt2st.study import Cell, Grid, Method, Study, StudyData, Watcher, run_study
from mt2st.study.run import check_shared_settings
from mt2st.training import Callback


class NothingBegins(Watcher):
    def callback(self, cell: Cell, model: AnyModel) -> Callback:
        raise AssertionError("a training has begun")


def cells(
    methods: dict[str, Method | Strategy], settings: ModelSettings = QUICK, seeds: tuple[int, ...] = (1,)
) -> list[Cell]:
    return Grid(methods, settings, seeds).cells()


def left_behind(folder: Path, data: StudyData, *cells: Cell) -> None:
    """What finished cells leave in a study's folder, without a training."""
    for each in cells:
        result = cell(each.name, each.settings.seed, [0.5], 0.5)
        (folder / each.folder).mkdir(parents=True)
        replace(result, factors=each.factors, identity=each.identity(data)).write(folder / each.folder)


def test_other_data_are_refused_even_where_no_cell_is_in_both(data: StudyData, tmp_path: Path) -> None:
    left_behind(tmp_path, data, *cells({"single-task": SingleTask()}))
    other = replace(data, test=texts(12))
    with pytest.raises(InputError, match=r"single-task-seed1.result.json is the result of other data, and runs of bot"):
        run_study(other, cells({"switch": Switch(2)}), folder=tmp_path, watcher=NothingBegins())


def test_the_runs_of_one_method_differ_in_the_seed_alone(data: StudyData, tmp_path: Path) -> None:
    left_behind(tmp_path, data, *cells({"switch": Switch(2)}))
    with pytest.raises(InputError, match=r"other strategy \(at is 2 there and 3 here\)"):
        run_study(data, cells({"switch": Switch(3)}, seeds=(2,)), folder=tmp_path, watcher=NothingBegins())
    with pytest.raises(InputError, match=r"other settings \(optimisation.epochs is 2 there and 3 here\)"):
        run_study(data, cells({"switch": Switch(2)}, QUICK.updated(optimisation__epochs=3), (2,)), folder=tmp_path)


def test_seeds_and_methods_with_settings_of_their_own_can_be_added(data: StudyData, tmp_path: Path) -> None:
    left_behind(tmp_path, data, *cells({"switch": Switch(2)}))
    added = cells({"switch": Switch(2), "wide": Method(SingleTask(), {"encoder__hidden_size": 8})}, seeds=(2,))
    assert len(run_study(data, added, folder=tmp_path).results) == 2
    assert len(Study.load(tmp_path).results) == 3


def test_a_call_whose_methods_share_their_settings_refuses_others(data: StudyData, tmp_path: Path) -> None:
    left_behind(tmp_path, data, *cells({"single-task": SingleTask()}, QUICK.updated(encoder__dropout=0.3)))
    more = cells({"multi-task": MultiTask()}, QUICK.updated(optimisation__epochs=3, encoder__dropout=0.1))
    with pytest.raises(
        InputError, match=r"\(encoder.dropout is 0.3 there and 0.1 here, optimisation.epochs is 2 there and 3 here\)"
    ):
        check_shared_settings(tmp_path, more)
    searched = cells({"multi-task": MultiTask()}, QUICK.updated(encoder__dropout=0.1))
    check_shared_settings(tmp_path, searched, searched=["encoder.dropout"])


def test_files_count_only_between_runs_that_read_them(data: StudyData, tmp_path: Path) -> None:
    judged = tmp_path / "judged.txt"
    judged.write_text("film\tfine\t1\n", encoding="utf-8")
    spearman = QUICK.updated(auxiliaries=("spearman",), auxiliary_data__similarity=(str(judged),))
    folder = tmp_path / "study"
    left_behind(folder, data, *cells({"switch": Switch(2)}), *cells({"multi-task": MultiTask()}, spearman))
    check_shared_settings(folder, cells({"single-task": SingleTask()}))
    check_shared_settings(folder, cells({"single-task": SingleTask()}, spearman.updated(encoder__name="cnn")))
    other = spearman.updated(auxiliary_data__similarity=("other.txt",))
    with pytest.raises(InputError, match=r"similarity is \['.*judged.txt'\] there and \['other.txt'\] here"):
        check_shared_settings(folder, cells({"single-task": SingleTask()}, other))


def test_judgements_that_have_changed_in_their_file_make_another_experiment(data: StudyData, tmp_path: Path) -> None:
    judged = tmp_path / "judged.txt"
    judged.write_text("film\tfine\t1\n", encoding="utf-8")
    settings = QUICK.updated(auxiliaries=("spearman",), auxiliary_data__similarity=(str(judged),))
    left_behind(tmp_path / "study", data, *cells({"switch": Switch(2)}, settings))
    judged.write_text("film\tfine\t2\n", encoding="utf-8")
    with pytest.raises(InputError, match="is the result of other auxiliary data"):
        run_study(data, cells({"switch": Switch(2)}, settings, (2,)), folder=tmp_path / "study")


def test_a_default_that_has_changed_makes_another_experiment(
    data: StudyData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = cells({"switch": Switch(2)})
    left_behind(tmp_path, data, *first)
    monkeypatch.setattr(encoder_class("mean"), "learning_rates", (0.005, 0.5))
    message = r"seed1.result.json is the result of other defaults \(optimisation.embedding_learning_rate is 0.0003"
    for more in (first, cells({"switch": Switch(2)}, seeds=(2,)), cells({"single-task": SingleTask()})):
        with pytest.raises(InputError, match=message):
            run_study(data, more, folder=tmp_path, watcher=NothingBegins())
    wide = cells({"wide": Method(SingleTask(), {"optimisation__embedding_learning_rate": 0.1})})
    assert run_study(data, wide, folder=tmp_path).results
