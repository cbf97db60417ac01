from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from mt2st import WordVectors
from mt2st.cli.main import main
from mt2st.embedding import SubwordVectors, load_vectors
from tests.embedding.formats.conftest import gensim_data


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text("the cat sat on the mat\nthe dog sat on the log\n" * 50, encoding="utf-8")
    return path


@pytest.mark.parametrize("method", ["skipgram", "cbow", "skipgram-fasttext"])
def test_train_and_neighbours(corpus: Path, tmp_path: Path, method: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "words.vec"
    arguments = ["vectors", "train", str(corpus), "--method", method, "--vector-size", "12", "--window", "5",
                 "--negative", "5", "--min-count", "5", "--sample", "1e-3", "--epochs", "2", "--workers", "1",
                 "--seed", "1", "--output", str(out)]  # fmt: skip
    assert main(arguments) == 0
    assert "7 vectors of 12 dimensions" in capsys.readouterr().out
    assert set(WordVectors.load(out).index_to_key) == {"the", "cat", "sat", "on", "mat", "dog", "log"}
    before = out.read_bytes()
    assert main(arguments) == 2
    assert "exists already" in capsys.readouterr().err
    assert main([*arguments, "--overwrite"]) == 0
    assert out.read_bytes() == before  # one worker repeats a seed's result to the bit
    assert main(["vectors", "neighbours", str(out), "cat", "--topn", "3"]) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 5


def test_a_folder_keeps_the_ngrams_and_has_neighbours_for_unseen_words(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "words"
    arguments = ["vectors", "train", str(corpus), "--method", "cbow-fasttext", "--vector-size", "12", "--epochs", "1",
                 "--min-n", "2", "--max-n", "3", "--bucket", "300", "--output", str(out)]  # fmt: skip
    assert main(arguments) == 0
    assert main(["vectors", "neighbours", str(out), "cats", "--topn", "3"]) == 0
    assert "cat" in capsys.readouterr().out
    assert main(["vectors", "convert", str(out), str(tmp_path / "words.bin")]) == 0
    assert "7 vectors of 12 dimensions (ngrams -> word2vec-binary)" in capsys.readouterr().out
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "words.bin").vectors, load_vectors(out).vectors)
    assert main(arguments) == 2
    assert "exists already" in capsys.readouterr().err
    assert main([*arguments, "--overwrite"]) == 0
    assert main([*arguments[:-1], str(tmp_path), "--overwrite"]) == 2
    assert "is not empty and holds no vectors of this format" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["train", "CORPUS", "--bucket", "5", "--output", "OUT"], "'--bucket' cannot be given with --method skipgram"),
        (
            ["train", "CORPUS", "--method", "cbow-fasttext", "--max-n", "1", "--output", "OUT"],
            "--max-n should be at least --min-n = 3",
        ),
        (["train", "CORPUS", "--method", "skipgran", "--output", "OUT"], "Did you mean 'skipgram'?"),
        (["train", "missing.txt", "--output", "OUT"], "missing.txt"),
        (["train", "CORPUS", "--min-count", "1000", "--output", "OUT"], "min_count"),
        (["train", "CORPUS", "--window", "0", "--output", "OUT"], "window"),
        (["train", "CORPUS", "--output", "FOLDER/none/words.vec"], "no folder"),
        (["neighbours", "missing.vec", "cat"], "missing.vec"),
        (["convert", "missing.vec", "OUT"], "missing.vec"),
        (["convert", "CORPUS", "OUT"], "corpus.txt, line 1"),
        (["convert", "CORPUS", "OUT", "--to", "glov"], "Did you mean 'glove'?"),
        (["convert", "CORPUS", "OUT", "--from", "word2ve"], "Did you mean 'word2vec'?"),
        (["convert", "CORPUS", "FOLDER/out"], "its name tells no format"),
        (["neighbors", "missing.vec", "cat"], "Did you mean 'neighbours'?"),
    ],
)
def test_wrong_input_is_exit_code_2(
    corpus: Path, tmp_path: Path, arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"CORPUS": str(corpus), "OUT": str(tmp_path / "out.vec")}
    words = [places.get(word, word).replace("FOLDER", str(tmp_path)) for word in arguments]
    assert main(["vectors", *words]) == 2
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "out.vec").exists()


def test_an_unknown_word_is_named(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "words.vec"
    assert main(["vectors", "train", str(corpus), "--vector-size", "4", "--epochs", "1", "--output", str(out)]) == 0
    assert main(["vectors", "neighbours", str(out), "catt"]) == 2
    assert "catt" in capsys.readouterr().err


def test_convert_through_every_format_ends_where_it_began(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = tmp_path / "words.vec"
    assert main(["vectors", "train", str(corpus), "--vector-size", "4", "--epochs", "1", "--output", str(first)]) == 0
    capsys.readouterr()
    source = first
    for name in ("word2vec-binary", "glove", "safetensors", "static-embedding", "word2vec"):
        target = tmp_path / name
        assert main(["vectors", "convert", str(source), str(target), "--to", name]) == 0
        assert f"{target}: 7 vectors of 4 dimensions" in capsys.readouterr().out
        assert main(["vectors", "neighbours", str(target), "cat", "--topn", "2"]) == 0
        capsys.readouterr()
        source = target
    assert source.read_bytes() == first.read_bytes()
    assert main(["vectors", "convert", str(first), str(source), "--to", "glove"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["vectors", "convert", str(first), str(source), "--to", "glove", "--overwrite"]) == 0


def test_convert_of_a_damaged_file_leaves_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.vec").write_text("3 2\na 1 2\nb 3 4\nc 5\n")
    assert main(["vectors", "convert", str(tmp_path / "broken.vec"), str(tmp_path / "out.bin")]) == 2
    assert "broken.vec, line 4: 1 values where the header promised 2" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["broken.vec"]


@pytest.mark.parametrize(("name", "share"), [("v.vec", 1.0), ("v.glove", None)])
def test_convert_shows_how_far_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, share: float | None
) -> None:
    shown: list[object] = []
    monkeypatch.setattr("mt2st.cli.terminal.Bar.show", lambda _, *state: shown.append(state))
    WordVectors(["a", "b"], np.eye(2)).save(tmp_path / name)
    assert main(["vectors", "convert", str(tmp_path / name), str(tmp_path / "out.bin")]) == 0
    assert shown == [(share, "2 words")]
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_fasttext_s_own_models_have_neighbours_for_unseen_words_and_are_gone_on_from(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(gensim_data("lee_fasttext_new.bin"))
    assert main(["vectors", "neighbours", model, "militarylike", "--topn", "2"]) == 0
    assert "militarylike  cosine" in capsys.readouterr().out
    train = ["vectors", "train", str(corpus), "--method", "skipgram-fasttext", "--epochs", "1", "--init", model]
    assert main([*train, "--output", str(tmp_path / "v")]) == 0
    grown, given = load_vectors(tmp_path / "v"), load_vectors(model)
    assert isinstance(grown, SubwordVectors)
    assert isinstance(given, SubwordVectors)
    assert (grown.settings, "mat" in grown, "mat" in given) == (given.settings, True, False)
    assert set(given.index_to_key) <= set(grown.index_to_key)
    assert main([*train, "--min-n", "2", "--output", str(tmp_path / "w")]) == 2
    assert "the given vectors have min_n 3, but min_n is 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("v.kv.gz", [], "files in the format 'keyedvectors' are not packed"),
        ("v.gz", ["--to", "keyedvectors"], "KeyedVectors are not written packed"),
        ("link.kv", ["--overwrite"], "link.kv is a symbolic link"),
        ("pipe.vec", ["--overwrite"], "pipe.vec is no regular file"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_the_corpus_is_read(
    tmp_path: Path, name: str, options: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "link.kv").symlink_to(tmp_path / "real.kv")
    os.mkfifo(tmp_path / "pipe.vec")
    assert main(["vectors", "train", "missing.txt", "--output", str(tmp_path / name), *options]) == 2
    assert expected in capsys.readouterr().err
