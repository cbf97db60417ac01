from __future__ import annotations

from pathlib import Path

from tests.study.conftest import QUICK

from mt2st import Diminish, SingleTask, Switch
from mt2st.strategy import Strategy
from mt2st.study import Grid, Study
from mt2st.study.study import STUDY, write_about

METHODS: dict[str, Strategy] = {"diminish": Diminish(), "single-task": SingleTask(), "switch": Switch(2)}


def begin(folder: Path, seeds: tuple[int, ...], *methods: str, begun: int) -> list[str]:
    """Describe a study of these methods, and make the folders of the first cells."""
    cells = Grid({name: METHODS[name] for name in methods}, QUICK, seeds=seeds).cells()
    write_about(folder, cells, "accuracy", {})
    for cell in cells[:begun]:
        (folder / cell.folder).mkdir(exist_ok=True)
    return Study.load(folder).missing


def test_cells_that_earlier_commands_began_stay_in_their_order(tmp_path: Path) -> None:
    one, all_three = begin(tmp_path, (1, 2, 3), "switch", begun=2), ["switch-seed1", "switch-seed2", "switch-seed3"]
    assert one == all_three
    # As earlier ones stand first, so do their methods in a table. What was not begun is not wanted any more.
    wanted = begin(tmp_path, (4,), "single-task", "switch", begun=1)
    assert wanted == ["switch-seed1", "switch-seed2", "single-task-seed4", "switch-seed4"]
    assert begin(tmp_path, (4,), "switch", begun=0) == wanted[:3] + wanted[3:]


def test_a_study_that_has_grown_is_in_the_order_of_the_last_command(tmp_path: Path) -> None:
    begin(tmp_path, (1,), "switch", begun=1)
    grown = begin(tmp_path, (1, 2), "diminish", "switch", begun=0)
    assert grown == ["diminish-seed1", "switch-seed1", "diminish-seed2", "switch-seed2"]


def test_a_broken_description_is_written_anew(tmp_path: Path) -> None:
    begin(tmp_path, (1,), "switch", begun=1)
    (tmp_path / STUDY).write_text("{", encoding="utf-8")
    assert begin(tmp_path, (2,), "switch", begun=0) == ["switch-seed2"]
