from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from mt2st._files import OWN, complete_file, complete_folder, own_files, remove
from mt2st.errors import InputError


def test_a_file_appears_whole_with_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    with complete_file(tmp_path / "a") as file:
        file.write(b"whole")
        assert not (tmp_path / "a").exists()
    (tmp_path / "b").touch()
    assert (tmp_path / "a").read_bytes() == b"whole"
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(RuntimeError), complete_file(tmp_path / "a", overwrite=True) as file:
        file.write(b"half")
        raise RuntimeError
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old")]


def test_a_file_is_replaced_only_when_asked_and_never_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="exists already"), complete_file(tmp_path / "a"):
        pass
    with pytest.raises(InputError, match="is a folder"), complete_file(tmp_path / "folder", overwrite=True):
        pass
    with pytest.raises(InputError, match="there is no folder"), complete_file(tmp_path / "none" / "a"):
        pass


def test_a_folder_appears_whole_and_replaces_the_old_one(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "folder"
    for content in ("first", "second"):
        with complete_folder(place) as partial:
            (partial / content).write_text(content, encoding="utf-8")
            assert not (place / content).exists()
        assert [path.name for path in place.iterdir()] == [content]
    assert [path.name for path in place.parent.iterdir()] == ["folder"]


def test_a_failure_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    with complete_folder(tmp_path / "a") as partial:
        (partial / "old").touch()
    with pytest.raises(RuntimeError), complete_folder(tmp_path / "a") as partial:
        (partial / "half").touch()
        raise RuntimeError
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "old"]


def test_an_impossible_place_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"), complete_folder(tmp_path / "file" / "below"):
        pass
    if os.geteuid() == 0:
        return  # root may write everywhere
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot write"), complete_file(tmp_path / "a"):
        pass


def test_a_link_is_followed_whether_its_end_exists_or_not(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "far" / "file")
    for content in (b"first", b"second"):
        with complete_file(link, overwrite=content == b"second") as file:
            file.write(content)
        assert link.is_symlink()
        assert (tmp_path / "far" / "file").read_bytes() == content
    assert [path.name for path in (tmp_path / "far").iterdir()] == ["file"]
    with pytest.raises(InputError, match="link exists already"), complete_file(link):
        pass


def test_a_link_to_a_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "far" / "real").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "real")
    with complete_folder(tmp_path / "link") as partial:
        (partial / "file").touch()
    assert (tmp_path / "link").is_symlink()
    assert [path.name for path in (tmp_path / "far" / "real").iterdir()] == ["file"]


def test_links_in_a_circle_and_into_nowhere_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(InputError, match="a: its symbolic links lead in a circle"), complete_file(tmp_path / "a"):
        pass
    with pytest.raises(InputError, match="lead in a circle"), complete_folder(tmp_path / "a"):
        pass
    (tmp_path / "c").symlink_to(tmp_path / "none" / "file")
    with pytest.raises(InputError, match=f"there is no folder {tmp_path / 'none'}"), complete_file(tmp_path / "c"):
        pass


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_neither_file_nor_folder_is_never_replaced(tmp_path: Path, overwrite: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for place in (tmp_path / "pipe", tmp_path / "link", tmp_path / "socket", Path("/dev/null")):
            with (
                pytest.raises(InputError, match=f"{place} is no regular file"),
                complete_file(place, overwrite=overwrite),
            ):
                pass
    assert (tmp_path / "pipe").is_fifo()
    assert Path("/dev/null").is_char_device()
    (tmp_path / "file").touch()
    for place in (tmp_path / "pipe", tmp_path / "file", Path("/dev/null")):
        with pytest.raises(InputError, match="is no folder"), complete_folder(place):
            pass


def test_what_a_link_leads_to_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "folder" / "part").mkdir(parents=True)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("folder")
    for name in ("link", "file", "nothing"):
        remove(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    remove(tmp_path / "folder")
    assert not list(tmp_path.iterdir())


def written(folder: Path, **files: str) -> None:
    with own_files(folder) as new:
        for name, content in files.items():
            (new / name).write_text(content, encoding="utf-8")


def test_own_files_replace_those_of_the_last_time_and_no_others(tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    written(folder, scores="1", losses="1")
    (folder / "mine").write_text("mine", encoding="utf-8")
    written(folder, scores="2", weights="2")
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.name != OWN}
    assert found == {"scores": "2", "weights": "2", "mine": "mine"}
    with pytest.raises(InputError, match="figures holds mine, which would be lost: move it away"):
        written(folder, scores="3", mine="3")
    assert (folder / "mine").read_text(encoding="utf-8") == "mine"
    assert (folder / "scores").read_text(encoding="utf-8") == "2"
    with pytest.raises(InputError, match="is no folder"):
        written(folder / "mine", scores="1")


@pytest.mark.parametrize("listed", ['["../other", "/etc/x", "a/../../other"]', "{", "[1]", "null", '{"a": 1}'])
def test_a_list_of_own_files_leads_nowhere_else(listed: str, tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / OWN).write_text(listed, encoding="utf-8")
    written(tmp_path / "figures", scores="1")
    assert (tmp_path / "other").exists()
    assert (tmp_path / "figures" / "scores").exists()
