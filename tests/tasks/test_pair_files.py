from __future__ import annotations

from pathlib import Path

import pytest

from mt2st.errors import InputError
from mt2st.tasks import read_pairs


def written(folder: Path, content: str) -> Path:
    path = folder / "pairs.txt"
    path.write_bytes(content.encode())
    return path


def test_tabs_spaces_comments_and_line_ends(tmp_path: Path) -> None:
    path = written(tmp_path, "# a lexicon\r\nbig\tlarge \r\n\r\nfast quick \nnew york\tnueva york\n")
    assert read_pairs(path) == [("big", "large"), ("fast", "quick"), ("new york", "nueva york")]


@pytest.mark.parametrize(("content", "place"), [("a b\na b c\n", "line 2"), ("a\n", "line 1"), ("a\tb\tc\n", "line 1")])
def test_another_number_of_words_is_named_with_its_line(tmp_path: Path, content: str, place: str) -> None:
    with pytest.raises(InputError, match=rf"pairs.txt, {place}: a pair has two words"):
        read_pairs(written(tmp_path, content))


def test_a_file_without_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no word pairs"):
        read_pairs(written(tmp_path, "# nothing\n"))


def test_real_lexicons_are_read(shared_data: Path) -> None:
    pairs = read_pairs(shared_data / "lexicon" / "ppdb_antonyms.txt")
    assert len(pairs) > 600
    assert pairs[0] == ("females", "males")
