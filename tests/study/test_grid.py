from __future__ import annotations

import pytest

from mt2st import Diminish, InputError, SingleTask, Switch
from mt2st.models import ModelSettings
from mt2st.study import Grid, Method

SETTINGS = ModelSettings(encoder="bilstm")  # type: ignore[arg-type]
METHODS = {"single-task": SingleTask(), "switch": Switch(3)}


def test_all_combinations_with_folders_that_name_what_differs_from_the_settings() -> None:
    grid = Grid(METHODS, SETTINGS, (1, 2), embeddings=("random", "skipgram"), encoders=("bilstm", "mean"))
    cells = grid.cells()
    assert len(cells) == len({cell.folder for cell in cells}) == 16
    assert cells[0].folder == "single-task-seed1"
    assert cells[-1].folder == "switch.embedding=skipgram.encoder=mean-seed2"
    assert cells[-1].title == "switch, embedding skipgram, encoder mean, seed 2"
    assert (cells[-1].settings.embedding.init, cells[-1].settings.encoder.name, cells[-1].settings.seed) == (
        "skipgram",
        "mean",
        2,
    )


def test_a_seed_is_complete_before_the_next_begins() -> None:
    grid = Grid(METHODS, SETTINGS, (7, 3), embeddings=("random", "skipgram"), encoders=("bilstm", "mean"))
    cells = grid.cells()
    assert [cell.settings.seed for cell in cells] == [7] * 8 + [3] * 8
    assert [cell.group for cell in cells[:8]] == [cell.group for cell in cells[8:]]
    assert [cell.name for cell in cells] == ["single-task", "switch"] * 8


def test_a_wider_grid_has_the_cells_of_a_narrower_one() -> None:
    narrow = {cell.folder: cell for cell in Grid(METHODS, SETTINGS, (1,)).cells()}
    wide = {cell.folder: cell for cell in Grid(METHODS, SETTINGS, (1, 2), encoders=("cnn", "bilstm")).cells()}
    assert narrow.items() <= wide.items()


def test_single_task_runs_once_for_all_sets_of_auxiliary_tasks_on_words() -> None:
    sets = (("context",), ("context", "analogy"), ("analogy",))
    folders = [cell.folder for cell in Grid(METHODS, SETTINGS, (1,), auxiliaries=sets).cells()]
    assert folders == [
        "single-task-seed1",
        "switch-seed1",
        "switch.auxiliary=context+analogy-seed1",
        "switch.auxiliary=analogy-seed1",
    ]


def test_a_strategy_may_depend_on_the_auxiliary_tasks_and_bring_settings() -> None:
    slow = Method(
        lambda tasks: Diminish({task: 0.1 * len(task) for task in tasks}),
        {"optimisation__embedding_learning_rate": 0.5},
    )
    (cell,) = Grid({"slow": slow}, SETTINGS, (1,), auxiliaries=(("context",),)).cells()
    assert cell.strategy.settings()["decay"] == {"context": pytest.approx(0.7)}
    assert cell.settings.optimisation.embedding_learning_rate == 0.5


def test_each_cell_names_only_the_files_that_its_tasks_read(tmp_path: object) -> None:
    settings = SETTINGS.updated(
        auxiliary_data__similarity=("pairs.tsv",),
        auxiliary_data__tagging="tags.conllu",
        auxiliary_data__tagging_column="upos",
    )
    sets = (("context",), ("spearman",), ("tagging",))
    context, spearman, tagging = Grid({"switch": Switch(3)}, settings, (1,), auxiliaries=sets).cells()
    assert (context.settings.auxiliary_data.similarity, context.settings.auxiliary_data.tagging) == ((), None)
    assert (spearman.settings.auxiliary_data.similarity, spearman.settings.auxiliary_data.tagging_column) == (
        ("pairs.tsv",),
        None,
    )
    assert (tagging.settings.auxiliary_data.similarity, tagging.settings.auxiliary_data.tagging) == ((), "tags.conllu")


def test_paths_make_short_and_different_folder_names() -> None:
    one, other = Grid({"switch": Switch(3)}, SETTINGS, (1,), embeddings=("a/w.vec", "b/w.vec")).cells()
    assert one.folder.startswith("switch.embedding=w_vec~")
    assert one.folder != other.folder


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"methods": {}}, "at least one strategy"),
        ({"seeds": ()}, "one seed"),
        ({"seeds": (1, 1)}, "seeds must differ"),
        ({"encoders": ("cnn", "cnn")}, "encoders must differ"),
        ({"encoders": ("cn",)}, "Did you mean 'cnn'"),
        ({"auxiliaries": (("contxt",),)}, "Did you mean 'context'"),
        ({"settings": SETTINGS.updated(auxiliary_data__similarity=("x",))}, "no auxiliary task reads them"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"methods": METHODS, "settings": SETTINGS, "seeds": (1,)} | arguments
    with pytest.raises(InputError, match=message):
        Grid(**given).cells()  # type: ignore[arg-type]
