from __future__ import annotations

import json
from pathlib import Path

import pytest

from mt2st.errors import InputError
from mt2st.training import Freeze, load_freezes, save_freezes

FREEZES = [Freeze(2, 11, [3], [0.4, 0.2, 0.3, 0.1]), Freeze(3, 21, [1], [0.5, 0.2, 0.3, 0.1])]


def test_they_are_read_as_they_were_written(tmp_path: Path) -> None:
    save_freezes(tmp_path / "frozen.json", FREEZES, kept=[3])
    assert load_freezes(tmp_path / "frozen.json") == FREEZES
    assert json.loads((tmp_path / "frozen.json").read_text(encoding="utf-8"))["kept"] == [3]


@pytest.mark.parametrize("content", [None, "{", "[]", '{"freezes": [{"epoch": 1}]}', '{"freezes": 3}'])
def test_a_file_of_something_else_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "other.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"other\.json"):
        load_freezes(path)
