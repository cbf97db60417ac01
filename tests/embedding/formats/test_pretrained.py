"""Published vectors by name, with a folder on this disk in the place of the network."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from mt2st.cli.main import main
from mt2st.embedding import WordVectors, convert_vectors
from mt2st.errors import InputError

NAME = "glove-twitter-100"


@pytest.fixture
def vectors() -> WordVectors:
    return WordVectors(["<user>", "film", "the"], np.random.default_rng(0).normal(size=(3, 100)).astype(np.float32))


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of gensim's downloader: in the environment, and in gensim, which reads it when it is imported."""
    folder = tmp_path / "gensim-data"
    monkeypatch.setenv("GENSIM_DATA_DIR", str(folder))
    downloader = pytest.importorskip("gensim.downloader")
    monkeypatch.setattr(downloader, "BASE_DIR", str(folder))
    monkeypatch.setattr(downloader._load_info, "__defaults__", ((tmp_path / "no-network").as_uri(), "utf-8"))
    return folder


@pytest.fixture
def release(vectors: WordVectors, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What gensim's downloader finds in the network, on this disk: a list of models, and one of them."""
    from gensim import downloader

    folder = tmp_path / "release"
    (folder / NAME).mkdir(parents=True)
    vectors.save(folder / NAME / f"{NAME}.gz", format="word2vec")
    (folder / NAME / "__init__.py").write_text("")
    checksum = hashlib.md5((folder / NAME / f"{NAME}.gz").read_bytes(), usedforsecurity=False).hexdigest()
    entry = {"file_name": f"{NAME}.gz", "parts": 1, "checksum": checksum}
    (folder / "list.json").write_text(json.dumps({"corpora": {}, "models": {NAME: entry}}))
    monkeypatch.setattr(downloader._load_info, "__defaults__", ((folder / "list.json").as_uri(), "utf-8"))
    monkeypatch.setattr(downloader, "DOWNLOAD_BASE_URL", folder.as_uri())
    return folder


def test_a_file_in_the_downloaders_folder_is_used_without_network(vectors: WordVectors, data_folder: Path) -> None:
    (data_folder / NAME).mkdir(parents=True)
    vectors.save(data_folder / NAME / f"{NAME}.gz", format="word2vec")
    loaded = WordVectors.load(f"gensim:{NAME}")
    assert loaded.index_to_key == vectors.index_to_key
    np.testing.assert_array_equal(loaded.vectors, vectors.vectors)


@pytest.mark.parametrize("name", ["word2vec", "word2vec-binary", "glove"])
def test_the_published_file_may_be_in_any_of_its_formats(vectors: WordVectors, data_folder: Path, name: str) -> None:
    (data_folder / NAME).mkdir(parents=True)
    vectors.save(data_folder / NAME / f"{NAME}.gz", format=name)
    with gzip.open(data_folder / NAME / f"{NAME}.gz") as file:
        assert file.read(1)
    assert WordVectors.load(f"gensim:{NAME}").vectors.tobytes() == vectors.vectors.tobytes()


def test_what_is_not_there_is_fetched_by_gensims_downloader(
    vectors: WordVectors, release: Path, data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = convert_vectors(f"gensim:{NAME}", tmp_path / "v.glove")
    assert (done.count, done.size, done.source_format) == (3, 100, "word2vec")
    assert (data_folder / NAME / f"{NAME}.gz").is_file()
    assert capsys.readouterr().out == ""  # results alone go there
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "v.glove").vectors, vectors.vectors)


def test_offline_the_error_says_which_file_to_place_where(data_folder: Path) -> None:
    place = data_folder / NAME / f"{NAME}.gz"
    with pytest.raises(InputError, match=rf"gensim:{NAME} cannot be fetched .*place the file as {place}"):
        WordVectors.load(f"gensim:{NAME}")


def test_a_name_that_is_not_published_is_told_so(release: Path, data_folder: Path) -> None:
    with pytest.raises(
        InputError, match="gensim:glove-twitter-101 cannot be fetched.*Did you mean 'glove-twitter-10?0'"
    ):
        WordVectors.load("gensim:glove-twitter-101")


def test_offline_too_a_name_that_is_not_known_is_told_with_those_that_are(data_folder: Path) -> None:
    with pytest.raises(InputError, match="No vectors of that name are known. Known: .*word2vec-google-news-300.*If"):
        WordVectors.load("gensim:nonexistent-xyz")
    with pytest.raises(InputError, match="are known. Did you mean 'word2vec-google-news-300'"):
        WordVectors.load("gensim:word2vec-googlenews-300")


def test_a_name_that_is_not_known_is_read_where_its_file_is(vectors: WordVectors, data_folder: Path) -> None:
    (data_folder / "our-own").mkdir(parents=True)
    vectors.save(data_folder / "our-own" / "our-own.gz", format="word2vec")
    assert WordVectors.load("gensim:our-own").index_to_key == vectors.index_to_key


@pytest.mark.parametrize("name", ["gensim:", "gensim:../secret", "gensim:/etc/passwd", "gensim:a/b", "gensim:.."])
def test_a_name_is_never_a_path(name: str, data_folder: Path) -> None:
    with pytest.raises(InputError, match="names no published vectors"):
        WordVectors.load(name)


def test_every_command_takes_the_name(
    vectors: WordVectors, data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data_folder / NAME).mkdir(parents=True)
    vectors.save(data_folder / NAME / f"{NAME}.gz", format="word2vec")
    assert main(["vectors", "neighbours", f"gensim:{NAME}", "film", "--topn", "1"]) == 0
    assert main(["vectors", "convert", f"gensim:{NAME}", str(tmp_path / "v.bin")]) == 0
    assert "3 vectors of 100 dimensions (word2vec -> word2vec-binary)" in capsys.readouterr().out
    rows = [f"the film was {word},{label}" for word, label in [("warm", "pos"), ("dull", "neg")] * 20]
    (tmp_path / "reviews.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    train = ["train", str(tmp_path / "reviews.csv"), "--output", str(tmp_path / "run"), "--encoder", "mean",
             "--epochs", "1", "--min-count", "1", "--no-parallel-context", "--vector-size", "100",
             "--strategy", "single-task"]  # fmt: skip
    assert main([*train, "--init", f"gensim:{NAME}"]) == 0
    vectors.save(tmp_path / "folder", format="static-embedding")
    assert main([*train, "--init", str(tmp_path / "folder"), "--overwrite"]) == 0
    capsys.readouterr()
    assert main([*train, "--init", "gensim:glove-twitter-25", "--overwrite"]) == 2
    assert "glove-twitter-25.gz" in capsys.readouterr().err
